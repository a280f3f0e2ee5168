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

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    scale: { type: 'string', default: '1' },
  },
})
const isQuick = values.quick
const scale = Number(values.scale)
/** Too slow for the quick form, and drawn from whole figures only. */
const isLeftOut = (name) => isQuick && name === 'growth'
const names = values.only?.split(',') ?? Object.keys(WORKS).filter((name) => !isLeftOut(name))
const unknown = names.find((name) => !WORKS[name])
if (unknown)
  throw new Error(`${unknown}: no work of this benchmark, which has ${Object.keys(WORKS)}`)
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
console.log(`${rowTable(reports)}\n\n${goalTable(goals)}`)
if (!values.only && scale === 1) {
  const results = join(import.meta.dirname, 'results')
  mkdirSync(results, { recursive: true })
  const machine = machineFacts(folder.path)
  const report = { date: new Date().toISOString(), machine, works: reports, goals }
  const file = isQuick ? 'quick.json' : 'latest.json'
  writeFileSync(join(results, file), `${JSON.stringify(report, null, 2)}\n`)
  if (!isQuick) {
    const title = 'Retrieving messages of 1 to 5 kB into an empty folder: time against messages'
    writeFileSync(join(results, 'plot.svg'), plot(seriesOf(reports), title))
  }
}
// Times belong to the machine; what is counted does not.
const missed = goals.filter(({ isCounted, isMet }) => isCounted && !isMet)
for (const { text, value, limit } of missed) console.error(`${text}: ${value}, more than ${limit}`)
process.exitCode = missed.length > 0 ? 1 : 0
