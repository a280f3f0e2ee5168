// npm run bench [-- --quick]: see README.md.
import './typescript.mjs'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { fillMaildir, mixedCorpus, smallCorpus } = await import('../test/support/corpus.ts')
const { startDovecot } = await import('../test/support/dovecot.ts')
const { temporaryFolder } = await import('../test/support/temp.ts')
const { contestants, PASSWORD } = await import('./contestants.mjs')
const { nothingNew, retrieveAll } = await import('./figures.mjs')
const { machineFacts } = await import('./machine.mjs')
const { markdownTable } = await import('./table.mjs')

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } })
const size = values.quick
  ? { small: 4_000, mixed: 300, listed: 10_000, runs: 3 }
  : { small: 20_000, mixed: 1_000, listed: 100_000, runs: 5 }

const works = [
  { user: 'small', messages: size.small, name: `${thousands(size.small)} of 1-5 kB` },
  { user: 'mixed', messages: size.mixed, name: `${thousands(size.mixed)} mixed` },
  { user: 'listed', messages: size.listed, name: `nothing new, ${thousands(size.listed)} listed` },
]

const folder = temporaryFolder('bench')
const maildrops = Object.fromEntries(works.map(({ user }) => [user, PASSWORD]))
// By exit, not by death: the server and the folders are to go with us.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
process.once('exit', () => folder.remove())
const dovecot = await startDovecot({ maildrops })
try {
  for (const { user, messages } of works) {
    console.error(`making ${thousands(messages)} messages for ${user}`)
    const corpus = user === 'mixed' ? mixedCorpus : smallCorpus
    fillMaildir(dovecot.maildirOf(user), corpus(messages))
  }
  const rows = []
  for (const work of works) {
    console.error(`measuring ${work.name}`)
    const figure = work.user === 'listed' ? nothingNew : retrieveAll
    const { port } = dovecot
    rows.push(
      ...(await figure(contestants(), { ...work, runs: size.runs, port, folder: folder.path })),
    )
  }
  console.log(markdownTable(rows))
  const results = join(import.meta.dirname, 'results')
  mkdirSync(results, { recursive: true })
  const report = { date: new Date().toISOString(), machine: machineFacts(folder.path), rows }
  const name = values.quick ? 'quick.json' : 'latest.json'
  writeFileSync(join(results, name), `${JSON.stringify(report, null, 2)}\n`)
} finally {
  await dovecot.stop()
}

function thousands(count) {
  return count.toLocaleString('en-US')
}
