// node fill-archive.mjs ARCHIVE MESSAGES [ACCOUNT]: puts so many small messages into an archive through its own intake, as
// sync would, and prints the ms that this took for each.
import './typescript.mjs'

const { transpileArchive } = await import('../test/archive/transpiled.ts')

const { folder, remove } = transpileArchive()
process.once('exit', remove)
const { parseLocation } = await import(`${folder}/archive/location.js`)
const { ThreadArchive } = await import(`${folder}/archive/thread-archive.js`)

/** Between two proofs, as of a session in step. */
const GROUP = 50

/** Groups that are not committed yet: twice what one commit takes. */
const MOST_OUTSTANDING = 40

const [archive, count, name = 'filler'] = process.argv.slice(2)
const messages = Number(count)
const identity = { name, host: 'pop.example.com', user: name }
const ledger = await new ThreadArchive(parseLocation(archive)).openAccount(identity, {
  configured: new Set([name]),
})
const start = performance.now()
let group = []
let sink
const outstanding = []
for (let index = 0; index < messages; index++) {
  const octets = message(index)
  const key = { uniqueId: `${name}-${index}`, occurrence: 1, octets: octets.length }
  const stored = new Promise((resolve, reject) => {
    const outcome = { stored: resolve, failed: reject }
    sink = ledger.intake(key, { byCanonical: false }, outcome)
  })
  await sink.write(octets)
  await sink.end()
  group.push(stored)
  if (group.length < GROUP && index < messages - 1) continue
  ledger.inStep()
  outstanding.push(group.at(-1))
  group = []
  // A socket would be as far ahead; who waits for each group waits for the clock of the group commit.
  if (outstanding.length > MOST_OUTSTANDING) await outstanding.shift()
}
await ledger.flush()
await Promise.all(outstanding)
const stepMs = (performance.now() - start) / messages
const counts = { listed: messages, retrieved: messages, stored: messages }
await ledger.finish({ ...counts, octets: 0, deleted: 0, failed: 0 }, 'done')
console.log(stepMs)

function message(index) {
  const date = new Date(Date.UTC(1995, 0, 1) + index * 600_000).toUTCString()
  const text = `Line of message ${index}, which says little.\r\n`.repeat(6)
  return Buffer.from(
    `From: ${name}@example.com\r\nTo: me@example.org\r\nSubject: Message ${index}\r\n` +
      `Date: ${date.replace('GMT', '+0000')}\r\nMessage-ID: <${name}.${index}@example.com>\r\n\r\n${text}`,
  )
}
