// Loaded by --require into each thread of the program. One of them, the main one or the writer's, tells its id on descriptor
// 3 and waits there for an answer, so that a tracer can be attached to it before it has opened a file. Before the writer's, the
// main thread tells the id of the one thread that Node's pool has.
const { readlink, readlinkSync, readSync, writeSync } = require('node:fs')
const { isMainThread } = require('node:worker_threads')

const CHANNEL = 3
const THIS_THREAD = '/proc/thread-self'

const tell = (who, link) => writeSync(CHANNEL, `${who} ${link.split('/').at(-1)}\n`)

if (isMainThread === (process.env.POPKEEP_TEST_HOLD === 'main')) {
  tell('held', readlinkSync(THIS_THREAD))
  readSync(CHANNEL, Buffer.alloc(1))
} else if (isMainThread) {
  readlink(THIS_THREAD, (_error, link) => tell('pool', link))
}
