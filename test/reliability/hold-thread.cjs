// Loaded by --require into each thread of the program. One of them, the main one or the writer's, tells its id on descriptor
// 3 and waits there for an answer, so that a tracer can be attached to it before it has opened a file.
const { readlinkSync, readSync, writeSync } = require('node:fs')
const { isMainThread } = require('node:worker_threads')

const CHANNEL = 3

if (isMainThread === (process.env.POPKEEP_TEST_HOLD === 'main')) {
  writeSync(CHANNEL, `${readlinkSync('/proc/thread-self').split('/').at(-1)}\n`)
  readSync(CHANNEL, Buffer.alloc(1))
}
