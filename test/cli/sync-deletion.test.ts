/** `popkeep sync --delete` on real archives: what proves a message, whose it is, and what is said of it. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Household, storedIn } from '../faults/household.ts'
import { type Answer, type Letter, letter, ScriptedMaildrop } from '../faults/mail-server.ts'
import { popkeepHere } from '../faults/program.ts'
import { query } from '../support/archive-content.ts'
import { type ScriptedServer, scriptedServer } from '../support/scripted-server.ts'

const DAY = 24 * 3600 * 1000

const letters = (): readonly Letter[] =>
  ['a', 'b', 'c'].map((name) => letter(name, `Subject: ${name}\r\n\r\nthe text of ${name}\r\n`))

describe.each(['sqlite', 'maildir'] as const)('sync --delete to a %s archive', (kind) => {
  let household: Household
  let maildrop: ScriptedMaildrop
  let server: ScriptedServer
  let answer: Answer
  beforeEach(async () => {
    household = new Household(kind)
    maildrop = new ScriptedMaildrop(letters())
    answer = () => undefined
    server = await scriptedServer((connection) =>
      maildrop.serve(connection, ['USER', 'TOP', 'PIPELINING'], (...said) => answer(...said)),
    )
  })
  afterEach(async () => {
    await server.close()
    household.remove()
  })

  const left = () => maildrop.letters.map(({ name }) => name)

  /** `keys`: of the account's table in the config. */
  async function sync(keys = '', { days = 0, account = 'work', port = server.port } = {}) {
    const password = household.given('p', 'pw\n')
    const config = household.given(
      `${account}.toml`,
      `[accounts.${account}]\nhost = "127.0.0.1"\nport = ${port}\nuser = "${account}"\ntls = "none"\n` +
        `password_file = "${password}"\narchive = "${household.archive}"\n${keys}\n`,
    )
    // The writer's clock, too.
    const today = Date.now()
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => today + days * DAY)
    const { exit, stdout, stderr } = await popkeepHere(
      ['sync', '--config', config, '--json'],
      household.environment,
    )
    clock.mockRestore()
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    return { exit, stderr, deleted: events.filter(({ type }) => type === 'deleted') }
  }

  function alter(text: string): void {
    const folder = dirname(household.archive.slice(kind.length + 1))
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const path = join(folder, name)
      if (!/\.sqlite$|,D=/.test(name) || name.includes('locks')) continue
      const octets = readFileSync(path)
      const at = octets.indexOf(text)
      if (at === -1) continue
      octets[at] = (octets[at] ?? 0) ^ 1
      writeFileSync(path, octets)
    }
  }

  it('keeps on the server what does not hash right any more, and deletes the others', async () => {
    expect((await sync()).exit).toBe(0)
    alter('the text of b')
    const { exit, stderr, deleted } = await sync('delete = true')
    expect(exit).toBe(65)
    expect(stderr).toMatch(
      /the octets of a message \(unique-id b\) are not in the archive as they were stored; it stays on the server, and 2 others were deleted there\. popkeep verify /,
    )
    expect(left()).toEqual(['b'])
    expect(deleted.map(({ uniqueId }) => uniqueId)).toEqual(['a', 'c'])
  })

  it('says which went and where they are, and the catalog says so later', async () => {
    const [a, b, c] = letters()
    await sync()
    const { deleted } = await sync('delete_after = "30d"\nkeep_latest = 1', { days: 31 })
    expect(deleted).toMatchObject(
      [a, b].map((one) => ({
        ...{ uniqueId: one?.uniqueId, digest: one?.digest, octets: one?.octets.length },
        quit: 'done',
      })),
    )
    expect(left()).toEqual(['c'])
    await sync()
    const rows = query(
      household.archive,
      'SELECT unique_id, state, digest FROM provenance ORDER BY 1',
    )
    expect(rows).toEqual([
      { unique_id: 'a', state: 'deleted', digest: a?.digest },
      { unique_id: 'b', state: 'deleted', digest: b?.digest },
      { unique_id: 'c', state: 'stored', digest: c?.digest },
    ])
    expect(storedIn(household)).toHaveLength(3)
  })

  it('leaves the mail of another account alone, also where it is the same', async () => {
    const other = new ScriptedMaildrop(letters().slice(0, 2))
    await using home = await scriptedServer((connection) =>
      other.serve(connection, ['USER', 'UIDL', 'TOP']),
    )
    await sync('', { account: 'home', port: home.port })
    await sync('delete = true')
    expect([left(), other.letters.length]).toEqual([[], 2])
    expect(storedIn(household)).toHaveLength(3)
    await sync('delete = true', { account: 'home', port: home.port })
    expect([other.letters.length, storedIn(household).length]).toEqual([0, 3])
  })

  it('counts on where a server without unique-ids kept what was deleted', async () => {
    const noUniqueIds: Answer = (line) => (line === 'UIDL' ? '-ERR no\r\n' : undefined)
    answer = noUniqueIds
    await sync()
    answer = (line, session) => (line === 'QUIT' ? '-ERR not now\r\n' : noUniqueIds(line, session))
    expect((await sync('delete_after = "30d"', { days: 31 })).deleted).toHaveLength(3)
    expect(left()).toEqual(['a', 'b', 'c'])
    answer = noUniqueIds
    await sync('delete_after = "30d"', { days: 32 })
    expect([left(), storedIn(household).length]).toEqual([[], 3])
  })

  it('waits for the end of both clocks', async () => {
    const dates = ['2 Jan 2012', '1 Jan 2099', 'no date']
    maildrop.letters = dates.map((date) => letter(date, `Date: ${date} 10:00:00 +0000\r\n\r\n`))
    const keys = 'delete_after = "2d"\ndelete_older = "1y"'
    await sync(keys)
    await sync(keys, { days: 1 })
    expect(left()).toEqual(dates)
    await sync(keys, { days: 3 })
    expect(left()).toEqual(['1 Jan 2099', 'no date'])
  })

  if (kind === 'maildir') {
    it('deletes what its owner removed only where he says so, and never retrieves it again', async () => {
      await sync()
      const folder = join(household.archive.slice(kind.length + 1), 'new')
      const [, b] = letters()
      const file = readdirSync(folder).find((name) => name.includes(b?.digest ?? '?'))
      rmSync(join(folder, file ?? '?'))
      expect((await sync('delete = true')).exit).toBe(0)
      expect(left()).toEqual(['b'])
      const { exit, deleted } = await sync('delete = true\ndelete_removed = true')
      expect(exit).toBe(0)
      expect(left()).toEqual([])
      expect(deleted).toMatchObject([{ uniqueId: 'b', quit: 'done' }])
      expect(deleted[0]).not.toHaveProperty('digest')
      expect(maildrop.log.retrieved).toEqual(['a', 'b', 'c'])
      expect(storedIn(household)).toHaveLength(2)
    })
  }
})
