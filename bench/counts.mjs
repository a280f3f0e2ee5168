// What a sync does to the world, counted: the same on every machine, so that CI can hold it.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../src/sqlite/driver.ts'
import { popkeep } from './contestants.mjs'
import { delayProxy } from './delay-proxy.mjs'
import { counted } from './goals.mjs'
import { measure } from './measure.mjs'

/** Short: what is counted does not depend on it, but for what may come together within it. */
const ROUND_TRIP = 20

const CALLS = 'write,writev,sendto,sendmsg,fsync,fdatasync,unlink'

const COMMIT = /^\d+ +(?:f(?:data)?sync\(\d+<[^>]*-wal>|unlink\("[^"]*-journal")/

/**
 * For each 1,000 messages retrieved, or where nothing was new, for the whole run. Commits are syncs of the write-ahead log: one
 * each, and one when it is copied back; and unlinked journals: one when the log is entered, one when it is left, and where
 * nothing is new, the run's only commit. A message has a row, its receipt another, and its content a third. There
 * is room for a slow machine, where a group is committed by time before it is full; none for a commit a message.
 */
const LIMITS = {
  sqlite: { roundTrips: 30, socketWrites: 50, commits: 30, syncs: 50, rows: 3_010 },
  maildir: { roundTrips: 30, socketWrites: 50, commits: 30, syncs: 1_070, rows: 2_010 },
  nothingNew: { roundTrips: 10, socketWrites: 10, commits: 1, syncs: 5, rows: 2 },
}

/** Tables of a catalog that a run may write to; content is in one of an sqlite archive only. */
const TABLES = ['account', 'run', 'message', 'receipt', 'content', 'piece']

export async function counts(bench) {
  const name = 'counts'
  if (spawnSync('strace', ['--version']).error) {
    console.error('counts: strace is not installed')
    return { name, rows: [], goals: [] }
  }
  const proxy = await delayProxy(bench.port, ROUND_TRIP)
  try {
    const goals = []
    for (const kind of ['sqlite', 'maildir']) goals.push(...(await countKind(kind, bench, proxy)))
    return { name, rows: [], goals }
  } finally {
    await proxy.stop()
  }
}

async function countKind(kind, bench, proxy) {
  const folder = join(bench.folder, `counted-${kind}`)
  mkdirSync(folder)
  const { user, messages } = await bench.maildrop('small')
  const { user: other } = await bench.maildrop('few')
  const { command, file } = popkeep(kind)
  const commandFor = (name) => command({ folder, port: proxy.port, user: name })
  try {
    // Another account first: rows are watched from within the catalog, which has to be there.
    await measure(commandFor(other))
    const takeRows = watchRows(file(folder))
    const run = async () => ({
      ...(await countRun(commandFor(user), { folder, proxy })),
      rows: takeRows(),
    })
    const all = await run()
    const again = await run()
    return [
      ...Object.entries(LIMITS[kind]).map(([what, limit]) =>
        counted(`${kind}: ${what} for 1,000 messages`, (all[what] * 1_000) / messages, limit),
      ),
      ...Object.entries(LIMITS.nothingNew).map(([what, limit]) =>
        counted(`${kind}: ${what}, nothing new`, again[what], limit),
      ),
    ]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function countRun({ command, args, env }, { folder, proxy }) {
  const trace = join(folder, 'trace')
  proxy.takeRoundTrips()
  const strace = ['-f', '-yy', '-o', trace, '-e', `trace=${CALLS}`, command, ...args]
  await measure({ command: 'strace', args: strace, env })
  const calls = readFileSync(trace, 'latin1').split('\n')
  return {
    roundTrips: proxy.takeRoundTrips(),
    socketWrites: calls.filter((call) => /^\d+ +\w+\(\d+<TCP/.test(call)).length,
    syncs: calls.filter((call) => /^\d+ +(fsync|fdatasync)\(/.test(call)).length,
    commits: calls.filter((call) => COMMIT.test(call)).length,
  }
}

/** Has the catalog count the rows that are written to it from now on. Returns what tells how many these were since last asked. */
function watchRows(path) {
  const counter = (
    table,
    event,
  ) => `CREATE TRIGGER watch_${table}_${event} AFTER ${event} ON ${table}
    BEGIN UPDATE watched SET rows = rows + 1; END;`
  const database = openDatabase(path, { isReadOnly: false })
  const names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
  const tables = TABLES.filter((table) => names.some(({ name }) => name === table))
  const triggers = tables.flatMap((table) =>
    ['INSERT', 'UPDATE'].map((event) => counter(table, event)),
  )
  database.exec(
    `CREATE TABLE watched (rows INTEGER); INSERT INTO watched VALUES (0); ${triggers.join('')}`,
  )
  database.close()
  let told = 0
  return () => {
    const catalog = openDatabase(path, { isReadOnly: true })
    try {
      const { rows } = catalog.prepare('SELECT rows FROM watched').get()
      const since = rows - told
      told = rows
      return since
    } finally {
      catalog.close()
    }
  }
}
