// npm run bench [-- --quick] [--only NAME,...]: see README.md.
import './typescript.mjs'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { startDovecot } = await import('../test/support/dovecot.ts')
const { temporaryFolder } = await import('../test/support/temp.ts')
const { PASSWORD } = await import('./contestants.mjs')
const { counts } = await import('./counts.mjs')
const { largeArchive } = await import('./large-archive.mjs')
const { largeMessage, memoryGoal } = await import('./large-message.mjs')
const { machineFacts } = await import('./machine.mjs')
const { Maildrops } = await import('./maildrops.mjs')
const { manyAccounts } = await import('./many-accounts.mjs')
const { nothingListed, nothingNew } = await import('./nothing-new.mjs')
const { delayed, growth, mixed, peers, small } = await import('./retrieval.mjs')
const { plot, seriesOf } = await import('./plot.ts')
const { goalTable, rowTable } = await import('./table.mjs')

const WORKS = {
  ...{ counts, growth, small, mixed, peers, delayed, nothingNew, nothingListed },
  ...{ largeMessage, manyAccounts, largeArchive },
}

const TMPFS = '/dev/shm'

const USAGE = `npm run bench -- [--quick] [--only WORK,...] [--scale NUMBER]
Works: ${Object.keys(WORKS).join(', ')}. bench/README.md says what they are.`

const values = asked()
const isQuick = values.quick
const scale = Number(values.scale)
/** Too slow for the quick form, and drawn from whole figures only. */
const isLeftOut = (name) => isQuick && name === 'growth'
const names = values.only?.split(',') ?? Object.keys(WORKS).filter((name) => !isLeftOut(name))
const unknown = names.find((name) => !WORKS[name])
if (unknown !== undefined) misused(`${unknown || 'nothing'} is no work of this benchmark`)
if (!(scale > 0)) misused(`--scale ${values.scale} is no number above 0`)
const sizes = isQuick
  ? { archiveBefore: 2_000, archive: 20_000, added: 2_000, largeMessage: 64 * 2 ** 20 }
  : { archiveBefore: 10_000, archive: 1_000_000, added: 5_000, largeMessage: 2 ** 30 }
for (const [name, size] of Object.entries(sizes)) sizes[name] = Math.ceil(size * scale)

const folder = temporaryFolder('bench')
const tmpfs = existsSync(TMPFS) ? mkdtempSync(join(TMPFS, 'popkeep-bench-')) : undefined
// By exit, not by death: the server and the folders are to go with us.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
process.once('exit', () => {
  folder.remove()
  if (tmpfs) rmSync(tmpfs, { recursive: true, force: true })
})
const maildrops = new Maildrops({ isQuick, scale })
const passwords = Object.fromEntries(maildrops.users.map((user) => [user, PASSWORD]))
const dovecot = await startDovecot({ maildrops: passwords })
const reports = []
try {
  maildrops.serve((user) => dovecot.maildirOf(user))
  const bench = {
    ...{ folder: folder.path, tmpfs, port: dovecot.port, sizes },
    ...(isQuick ? { runs: 3, slowMs: 2_000 } : { runs: 5, slowMs: 30_000 }),
    maildrop: (user) => maildrops.of(user),
    accounts: () => maildrops.accounts(),
    growing: () => maildrops.growing(),
    count: (number) => number.toLocaleString('en-US'),
  }
  for (const name of names) {
    console.error(`measuring: ${name}`)
    const start = performance.now()
    reports.push(...[await WORKS[name](bench)].flat())
    console.error(`  took ${((performance.now() - start) / 1000).toFixed(0)} s`)
  }
} finally {
  await dovecot.stop()
}
const goals = [...reports.flatMap((report) => report.goals), ...memoryGoal(reports)]
const isWhole = !isQuick && scale === 1
if (!isWhole) console.log('The goals are meant for the whole maildrops; these were smaller.\n')
console.log(`${rowTable(reports)}\n\n${goalTable(goals)}`)
if (!values.only && scale === 1) {
  const results = join(import.meta.dirname, 'results')
  mkdirSync(results, { recursive: true })
  const machine = machineFacts(folder.path)
  const report = { date: new Date().toISOString(), machine, works: reports, goals }
  const file = isQuick ? 'quick.json' : 'latest.json'
  writeFileSync(join(results, file), `${JSON.stringify(report, null, 2)}\n`)
  console.log(`\nWritten to bench/results/${file}`)
  if (!isQuick) {
    const title = 'Retrieving messages of 1 to 5 kB into an empty folder: time against messages'
    writeFileSync(join(results, 'plot.svg'), plot(seriesOf(reports), title))
  }
}
// Times belong to the machine; what is counted does not.
const missed = goals.filter(({ isCounted, isMet }) => isCounted && !isMet)
for (const { text, value, limit } of missed) console.error(`${text}: ${value}, more than ${limit}`)
process.exitCode = missed.length > 0 ? 1 : 0

function asked() {
  const boolean = { type: 'boolean', default: false }
  const options = { quick: boolean, help: boolean, only: { type: 'string' } }
  try {
    const { values } = parseArgs({
      options: { ...options, scale: { type: 'string', default: '1' } },
    })
    if (!values.help) return values
    console.log(USAGE)
    process.exit(0)
  } catch (error) {
    return misused(error.message.split('.')[0])
  }
}

function misused(text) {
  console.error(`${text}\n${USAGE}`)
  process.exit(2)
}
