/** The built command against a real Dovecot whose unique-ids change. Skipped, with one line, where there is none. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestsIn, query } from '../support/archive-content.ts'
import { fillMaildir, oddMessages, smallCorpus } from '../support/corpus.ts'
import { type Dovecot, isDovecotMissing, startDovecot } from '../support/dovecot.ts'
import { type Finished, popkeep } from '../support/popkeep.ts'
import { makeRandom } from '../support/random.ts'
import { startTap, type Tap } from '../support/tap.ts'
import { temporaryFolder } from '../support/temp.ts'

const MESSAGES = 1000
const maildrops = { many: 'pw many', odd: 'pw odd' }
type User = keyof typeof maildrops

interface Server {
  readonly dovecot: Dovecot
  readonly tap: Tap
}

describe.skipIf(isDovecotMissing())('a Dovecot whose unique-ids change', () => {
  const folder = temporaryFolder('renumbering')
  const servers: Server[] = []
  const digests = {} as Record<User, readonly string[]>

  const start = async (uniqueIds: 'by number' | 'by file' | 'by X-UIDL'): Promise<Server> => {
    const dovecot = await startDovecot({ maildrops, uniqueIds })
    const server = { dovecot, tap: await startTap(dovecot.port) }
    servers.push(server)
    return server
  }
  const fill = ({ dovecot }: Server) => {
    const many = fillMaildir(dovecot.maildirOf('many'), smallCorpus(MESSAGES))
    const odd = fillMaildir(dovecot.maildirOf('odd'), oddMessages(makeRandom(3)))
    digests.many = distinct(many.map(({ digest }) => digest))
    digests.odd = distinct(odd.map(({ digest }) => digest))
  }
  const sync = (user: User, { tap }: Server, archive: string, ...more: readonly string[]) => {
    tap.take()
    const server = ['sync', `pop://${user}@127.0.0.1:${tap.port}`, '--tls', 'none']
    const args = [...server, '--account', user, '--archive', archive, '--verbose', ...more]
    return popkeep(args, { env: { POPKEEP_PASSWORD: maildrops[user] } })
  }

  let first: Server
  beforeAll(async () => {
    first = await start('by number')
    fill(first)
  })

  afterAll(async () => {
    for (const { dovecot, tap } of servers) {
      await tap.close()
      await dovecot.stop()
    }
    folder.remove()
  })

  it.each(['sqlite', 'maildir'])(
    'is recognised by header once its index is lost: %s',
    async (kind) => {
      const archive = `${kind}:${join(folder.path, `index.${kind}`)}`
      expect(await sync('many', first, archive)).toMatchObject({ code: 0 })
      loseIndex(first.dovecot.maildirOf('many'))
      const second = await sync('many', first, archive)
      expect([second.code, renumberings(second)]).toEqual([
        0,
        ['many: the server renumbered its unique-ids: 1,000 recognised by header, 0 to retrieve'],
      ])
      expect(count(first.tap.take())).toMatchObject({ TOP: MESSAGES, RETR: 0, DELE: 0 })
      expect(digestsIn(archive)).toEqual(digests.many)

      const third = await sync('many', first, archive)
      expect(renumberings(third)).toEqual([])
      expect(count(first.tap.take())).toMatchObject({ TOP: 0, RETR: 0 })
      expect(query(archive, 'SELECT bound_by, count(*) AS n FROM receipt GROUP BY 1')).toEqual([
        { bound_by: 'digest', n: MESSAGES },
        { bound_by: 'fingerprint', n: MESSAGES },
      ])
    },
  )

  it('is recognised on a new server with another format, and compared before anything is deleted', async () => {
    const archive = `sqlite:${join(folder.path, 'format.sqlite')}`
    await sync('many', first, archive)
    await sync('odd', first, archive)
    const moved = await start('by file')
    fill(moved)
    const many = await sync('many', moved, archive)
    expect([many.code, renumberings(many).length]).toEqual([0, 1])
    expect(count(moved.tap.take())).toMatchObject({ TOP: MESSAGES, RETR: 0 })

    const odd = await sync('odd', moved, archive)
    expect([odd.code, renumberings(odd).length]).toEqual([0, 1])
    const { TOP, RETR } = count(moved.tap.take())
    // Two of twenty are equal, three have no header field, and twins differ behind their headers only.
    expect([TOP > 10, RETR < 10]).toEqual([true, true])
    const all = distinct([...digests.many, ...digests.odd])
    expect(digestsIn(archive)).toEqual(all)

    expect((await sync('many', moved, archive, '--delete')).code).toBe(0)
    const commands = moved.tap.take()
    expect(count(commands)).toMatchObject({ RETR: MESSAGES, DELE: MESSAGES })
    expect(digestsIn(archive)).toEqual(all)
  })

  it('is recognised where a suffix went with a copy', async () => {
    const archive = `sqlite:${join(folder.path, 'suffix.sqlite')}`
    const renaming = await start('by X-UIDL')
    const maildir = renaming.dovecot.maildirOf('many')
    const copies = ['one', 'two.', 'three..'].map((text, i) =>
      Buffer.from(`X-UIDL: same\nSubject: ${text}\nMessage-ID: <${i}@example.org>\n\nbody\n`),
    )
    const expected = fillMaildir(maildir, [...copies, ...smallCorpus(30)])
    await sync('many', renaming, archive)
    expect(uniqueIdsLike(archive, 'same%')).toEqual(['same', 'same-2', 'same-3'])

    rmSync(oldestIn(maildir))
    expect((await sync('many', renaming, archive)).code).toBe(0)
    expect(count(renaming.tap.take())).toMatchObject({ TOP: 2, RETR: 0 })
    expect(digestsIn(archive)).toEqual(distinct(expected.map(({ digest }) => digest)))
  })
})

/** What Dovecot remembers of a Maildir's numbers, but for the highest UIDVALIDITY that it ever gave. */
function loseIndex(maildir: string): void {
  const names = readdirSync(maildir).filter((name) => /^dovecot(-uidlist|\.index)/.test(name))
  expect(names).not.toEqual([])
  for (const name of names) rmSync(join(maildir, name))
}

/** The file of the message that was put there first. */
function oldestIn(maildir: string): string {
  const paths = ['new', 'cur'].flatMap((folder) =>
    readdirSync(join(maildir, folder)).map((name) => join(maildir, folder, name)),
  )
  return paths.find((path) => path.includes('/1000000000.')) ?? ''
}

function uniqueIdsLike(archive: string, pattern: string): readonly unknown[] {
  const sql = `SELECT unique_id FROM receipt WHERE unique_id LIKE '${pattern}' ORDER BY 1`
  return query(archive, sql).map(({ unique_id }) => unique_id)
}

function renumberings({ stderr }: Finished): readonly string[] {
  return stderr
    .toString()
    .split('\n')
    .filter((line) => line.includes('renumbered'))
}

function count(commands: readonly string[]) {
  const of = (verb: string) => commands.filter((line) => line.startsWith(verb)).length
  return { TOP: of('TOP'), RETR: of('RETR'), DELE: of('DELE') }
}

function distinct(digests: readonly string[]): readonly string[] {
  return [...new Set(digests)].sort()
}
