// A mutant, loaded by --require into each thread of the program: the fsyncs of the files in a Maildir's tmp/, which make their
// octets durable, are left out. All other fsyncs are made.
const fs = require('node:fs')
const { basename, dirname } = require('node:path')

const { fsync, fsyncSync, readlinkSync } = fs

const isDraft = (descriptor) =>
  basename(dirname(readlinkSync(`/proc/self/fd/${descriptor}`))) === 'tmp'

fs.fsync = (descriptor, done) => {
  if (isDraft(descriptor)) setImmediate(done, null)
  else fsync(descriptor, done)
}
fs.fsyncSync = (descriptor) => {
  if (!isDraft(descriptor)) fsyncSync(descriptor)
}
