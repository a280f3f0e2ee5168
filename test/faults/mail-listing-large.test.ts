/** A maildrop of 200,000 messages; each case runs once, and retrieves the first four of them. */
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { digestsIn } from '../support/archive-content.ts'
import { watchPeakMemory } from '../support/peak-memory.ts'
import { startPopkeep } from '../support/popkeep.ts'
import { scriptedServer } from '../support/scripted-server.ts'
import { temporaryFolder } from '../support/temp.ts'
import { fourLetters, type MailSession, mailCase } from './mail-case.ts'
import { ScriptedMaildrop } from './mail-server.ts'

const MESSAGES = 200_000

/** The right reply to STAT, UIDL and LIST, with all other messages behind the four. */
function extended(line: string, session: MailSession): string | undefined {
  if (line === 'STAT') return `+OK ${MESSAGES} 123456789\r\n`
  if (line !== 'UIDL' && line !== 'LIST') return undefined
  const others = Array.from({ length: MESSAGES - 4 }, (_, at) =>
    line === 'UIDL' ? `${at + 5} 00000${at}4f8e1c2b\r\n` : `${at + 5} ${at}\r\n`,
  )
  return session.right(line).replace(/\.\r\n$/, `${others.join('')}.\r\n`)
}

mailCase({
  number: 'U23',
  name: 'has 200,000 messages, and begins to list them after 100 s',
  only: { tls: true, pipelining: true, mode: 'keep' },
  boundMs: 60_000,
  args: ['--max-messages', '4'],
  script:
    ({ time }) =>
    async (line, session) => {
      if (line === 'UIDL') await time.pass(100_000)
      return extended(line, session)
    },
  expect: {
    exit: 0,
    retrieved: ['u-1', 'u-2', 'u-3', 'u-4'],
    wire: (sessions) => expect(sessions).toHaveLength(1),
  },
  recovery: { retrieved: [] },
})

const folder = temporaryFolder('many')
afterAll(() => folder.remove())

const many = {
  number: 'U24',
  name: 'has 200,000 messages: their listing takes less than 300 MB of memory',
}

it(many.name, async () => {
  const maildrop = new ScriptedMaildrop(fourLetters())
  await using server = await scriptedServer((connection) =>
    maildrop.serve(connection, ['USER', 'UIDL', 'TOP', 'PIPELINING'], extended),
  )
  const archive = `sqlite:${join(folder.path, 'many.sqlite')}`
  const url = `pop://me@127.0.0.1:${server.port}`
  const running = startPopkeep(
    ['sync', url, '--tls', 'none', '--archive', archive, '--max-messages', '4'],
    { env: { POPKEEP_PASSWORD: 'pw' } },
  )
  const memory = watchPeakMemory(running.child.pid ?? 0)
  const { code, stdout, stderr } = await running.finished
  const peak = memory.stop()
  await server.played()
  expect([code, stdout.toString(), stderr.toString()]).toEqual([0, '', ''])
  expect(digestsIn(archive)).toHaveLength(4)
  if (process.platform === 'linux') {
    expect(peak / 1e6).toBeGreaterThan(20)
    expect(peak / 1e6).toBeLessThan(300)
  }
})
