/** kill -9 between a reply too few or too many and the STAT that would have shown it: no message is lost, none is misnamed. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { digestsIn, query } from '../support/archive-content.ts'
import { type ScriptedConnection, scriptedServer } from '../support/scripted-server.ts'
import { temporaryFolder } from '../support/temp.ts'
import { type Letter, lettersOf } from './maildrop.ts'
import { launch, syncWords } from './program.ts'

const LETTERS = lettersOf(7).filter(({ octets }) => octets.length < 100_000)

/** What the server says to each RETR, by message number, until it falls silent. */
type Replies = readonly number[]

/** A maildrop of LETTERS; with `replies`, RETR is answered by these, one for each, and nothing behind them. */
async function serve(connection: ScriptedConnection, replies: Replies | undefined): Promise<void> {
  const rows = (say: (letter: Letter) => string | number) =>
    `+OK\r\n${LETTERS.map((letter, n) => `${n + 1} ${say(letter)}\r\n`).join('')}.\r\n`
  const total = LETTERS.reduce((sum, { octets }) => sum + octets.length, 0)
  const answers: Record<string, string> = {
    CAPA: '+OK\r\nUSER\r\nTOP\r\nUIDL\r\nPIPELINING\r\n.\r\n',
    STAT: `+OK ${LETTERS.length} ${total}\r\n`,
    LIST: rows(({ octets }) => octets.length),
    UIDL: rows(({ uniqueId }) => uniqueId),
  }
  await connection.send('+OK ready\r\n')
  let retrievals = 0
  for (let line = await connection.nextLine(); line; line = await connection.nextLine()) {
    const [keyword = '', number] = line.split(' ')
    const isSilent = replies !== undefined && retrievals >= replies.length
    if (keyword === 'RETR') {
      const letter = LETTERS[(replies?.[retrievals] ?? Number(number)) - 1]
      retrievals += 1
      if (letter && !isSilent) await connection.send(replyOf(letter))
    } else if (!isSilent) await connection.send(answers[keyword] ?? '+OK\r\n')
    if (keyword === 'QUIT') connection.fin()
  }
}

function replyOf({ octets }: Letter): Buffer {
  const stuffed = octets.toString('latin1').replaceAll(/^\./gm, '..')
  return Buffer.from(`+OK\r\n${stuffed}.\r\n`, 'latin1')
}

describe.each(['sqlite', 'maildir'] as const)('sync to %s, killed out of step', (kind) => {
  it.each<[string, Replies]>([
    ['few', [1, 3, 4, 5, 6]],
    ['many', [1, 2, 2, 3, 4, 5]],
  ])(
    'by a reply too %s, has each message under its own unique-id after the next run',
    async (_, replies) => {
      const temporary = temporaryFolder('out-of-step')
      await using server = await scriptedServer(
        (connection) => serve(connection, replies),
        (connection) => serve(connection, undefined),
      )
      try {
        const home = temporary.path
        const archive = `${kind}:${join(home, 'mail')}`
        const args = syncWords(server.port, archive, 'keep')
        const { child, finished } = launch({ args, home })
        const isThere = () =>
          query(archive, 'SELECT 1 FROM message').length === new Set(replies).size
        await expect.poll(() => committed(isThere), { timeout: 60_000 }).toBe(true)
        child.kill('SIGKILL')
        expect((await finished).signal).toBe('SIGKILL')

        expect(query(archive, 'SELECT * FROM receipt')).toEqual([])
        const { code, stderr } = await launch({ args, home }).finished
        expect({ code, stderr: stderr.toString() }).toEqual({ code: 0, stderr: '' })
        const named = query(
          archive,
          'SELECT unique_id AS name, digest FROM provenance ORDER BY name',
        )
        expect(named).toEqual(LETTERS.map(({ uniqueId, digest }) => ({ name: uniqueId, digest })))
        expect(digestsIn(archive)).toEqual(LETTERS.map(({ digest }) => digest).sort())
      } finally {
        temporary.remove()
      }
    },
    120_000,
  )
})

/** What is asked of an archive that is not there yet is not so. */
function committed(isThere: () => boolean): boolean {
  try {
    return isThere()
  } catch {
    return false
  }
}
