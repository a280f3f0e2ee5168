/** A maildrop of 200,000 messages, new and known, in the built program: its memory has a bound. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openDatabase } from '../../src/sqlite/driver.ts'
import { watchPeakMemory } from '../support/peak-memory.ts'
import { startPopkeep } from '../support/popkeep.ts'
import { type ScriptedConnection, scriptedServer } from '../support/scripted-server.ts'
import { temporaryFolder } from '../support/temp.ts'

const CASE = {
  number: 'D23',
  name: 'has 200,000 messages',
}

const COUNT = 200_000
const AT_ONCE = 200
const MOST_MEMORY = 300 * 1024 * 1024

/** Where there is plenty of memory, Node leaves garbage lying; Node 24 more than 20. */
const FRUGAL = ['--max-semi-space-size=4', '--max-old-space-size=150']

const body = (n: number): string => `Subject: number ${n}\r\n\r\n`.padEnd(40, '.').concat('\r\n')
const OCTETS = body(1).length
const rowsOf = (row: (n: number) => string): string =>
  `+OK\r\n${Array.from({ length: COUNT }, (_, at) => `${at + 1} ${row(at + 1)}\r\n`).join('')}.\r\n`

const uniqueId = (n: number): string => `00000000${n}5f3a1c77-2026`.slice(-24)

const REPLIES: Readonly<Record<string, string>> = {
  CAPA: '+OK\r\nUSER\r\nUIDL\r\nTOP\r\nPIPELINING\r\n.\r\n',
  STAT: `+OK ${COUNT} ${COUNT * OCTETS}\r\n`,
  LIST: rowsOf(() => `${OCTETS}`),
  UIDL: rowsOf(uniqueId),
}

async function serve(connection: ScriptedConnection): Promise<void> {
  await connection.send('+OK ready\r\n')
  for (;;) {
    const line = await connection.nextLine()
    if (line === undefined) return
    const [keyword = '', number] = line.split(' ')
    const isMessage = keyword === 'RETR'
    await connection.send(
      isMessage ? `+OK\r\n${body(Number(number))}.\r\n` : (REPLIES[keyword] ?? '+OK\r\n'),
    )
    if (keyword === 'QUIT') connection.fin()
  }
}

/** As if all of them had been retrieved in earlier runs. */
function knowAll(path: string): void {
  const database = openDatabase(path, { isReadOnly: false })
  const insert = database.prepare(
    `INSERT OR IGNORE INTO receipt (account, epoch, unique_id, occurrence, octets, message, state,
       bound_by, bound_at, first_listed)
     SELECT account, epoch, ?, 1, octets, message, state, bound_by, bound_at, first_listed
     FROM receipt WHERE id = 1`,
  )
  database.transaction(() => {
    for (let n = 1; n <= COUNT; n++) insert.run(uniqueId(n))
  })
  database.close()
}

it(`${CASE.name}: none of them known, and all of them`, { timeout: 200_000 }, async () => {
  const folder = temporaryFolder('many')
  const path = join(folder.path, 'mail.sqlite')
  await using server = await scriptedServer(serve)
  const sync = async (...more: readonly string[]) => {
    const args = ['sync', `pop://me@127.0.0.1:${server.port}`, '--tls', 'none', '--json']
    const { child, finished } = startPopkeep([...args, '--archive', path, ...more], {
      env: { POPKEEP_PASSWORD: 'pw', NODE_OPTIONS: FRUGAL.join(' ') },
    })
    const watch = watchPeakMemory(child.pid ?? 0)
    const { code, stdout } = await finished
    const lines = stdout.toString().trimEnd().split('\n')
    const last = lines.find((line) => line.startsWith('{"type":"account"')) ?? '{}'
    const { listed, retrieved, known, postponed } = JSON.parse(last)
    return { code, listed, retrieved, known, postponed, memory: watch.stop() }
  }
  try {
    const first = await sync('--max-messages', `${AT_ONCE}`)
    expect(first).toMatchObject({
      ...{ code: 0, listed: COUNT, retrieved: AT_ONCE, known: 0, postponed: COUNT - AT_ONCE },
    })
    expect(first.memory).toBeLessThan(MOST_MEMORY)
    knowAll(path)
    const second = await sync()
    expect(second).toMatchObject({ code: 0, listed: COUNT, retrieved: 0, known: COUNT })
    expect(second.memory).toBeLessThan(MOST_MEMORY)
    console.log(`peak: ${first.memory >> 20} MiB, then ${second.memory >> 20} MiB`)
  } finally {
    folder.remove()
  }
})
