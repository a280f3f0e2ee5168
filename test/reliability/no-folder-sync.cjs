// A mutant, loaded by --require into each thread of the program: the fsync of new/, which makes a Maildir's link durable, is
// left out. All other fsyncs are made.
const fs = require('node:fs')

const { fsyncSync, readlinkSync } = fs

fs.fsyncSync = (descriptor) => {
  if (readlinkSync(`/proc/self/fd/${descriptor}`).endsWith('/new')) return
  fsyncSync(descriptor)
}
