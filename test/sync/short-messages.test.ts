/** Messages that end as they should with fewer octets than listed: kept, marked, retrieved once more, not deleted. */
import { describe, expect, it } from 'vitest'
import { openLedgerForReading } from '../../src/archive/ledger-view.ts'
import { catalogPath } from '../../src/archive/location.ts'
import { openDatabase } from '../../src/sqlite/driver.ts'
import { previewAccount, syncAccount } from '../../src/sync/engine.ts'
import { KEEP_ALL, type Policy } from '../../src/sync/policy.ts'
import type { Archive } from '../../src/sync/ports/archive.ts'
import type { SyncEvent } from '../../src/sync/ports/events.ts'
import { openHere, query, temporaryLocation, work } from '../archive/temp-archive.ts'
import { FakeMaildrop, type FakeMessage } from '../support/fake-maildrop.ts'
import { DELETE_ALL, mail } from '../support/sync-once.ts'

const whole = (name: string): FakeMessage => mail(name, name, 'line\r\n'.repeat(50))

const half = ({ octets }: FakeMessage): Uint8Array => octets.subarray(0, octets.length >> 1)

/** As Dovecot does when its disk fails: listed in full, half of it comes. */
const cut = (message: FakeMessage, times = Number.POSITIVE_INFINITY): FakeMessage => ({
  ...message,
  handsOver: (time) => (time > times ? message.octets : half(message)),
})

async function run(maildrop: FakeMaildrop, archive: Archive, policy: Policy = KEEP_ALL) {
  const events: SyncEvent[] = []
  maildrop.commands.length = 0
  const result = await syncAccount(
    { ...contextOf(maildrop, policy), progress: (event) => events.push(event) },
    archive,
    new Set(['work']),
  )
  const notices = events.flatMap((event) => (event.type === 'notice' ? event.code : []))
  return { ...result, notices, sent: (verb: string) => sent(maildrop, verb) }
}

function contextOf(maildrop: FakeMaildrop, policy: Policy) {
  const { signal } = new AbortController()
  return { ...{ identity: work, maildrop, policy, signal }, now: () => Date.now() }
}

function sent({ commands }: FakeMaildrop, verb: string): string[] {
  return commands.filter((command) => command.startsWith(verb))
}

describe.each(['sqlite', 'maildir'] as const)('in a %s archive', (kind) => {
  const open = () => {
    const location = temporaryLocation(kind)
    return {
      archive: openHere(location),
      /** Unique-id and mark of what each receipt names, and messages without one. */
      receipts: () =>
        query(
          location,
          `SELECT unique_id AS name, message.octets, short FROM message
           LEFT JOIN receipt ON receipt.message = message.id ORDER BY message.id`,
        ).map(({ name, octets, short: mark }) => [name, octets, mark]),
      model: () => query(location, 'SELECT size_model FROM account')[0]?.size_model,
      loseReceipts: () => {
        const database = openDatabase(catalogPath(location), { isReadOnly: false })
        database.exec('DELETE FROM receipt')
        database.close()
      },
      preview: async (maildrop: FakeMaildrop) => {
        const ledger = openLedgerForReading(location, work, { configured: new Set() })
        const context = { ...contextOf(maildrop, KEEP_ALL), progress: () => {} }
        const { preview } = await previewAccount(context, ledger)
        ledger.close()
        return preview
      },
    }
  }
  const [one, two] = [whole('one'), whole('two')]
  const size = one.octets.length
  const short = half(two).length

  it('keeps it with a mark, asks once more, leaves it on the server', async () => {
    const { archive, receipts, model } = open()
    const maildrop = new FakeMaildrop([one, cut(two)])
    const first = await run(maildrop, archive, DELETE_ALL)
    expect(first.error).toBeUndefined()
    expect(first.counts).toMatchObject({ retrieved: 2, stored: 2, failed: 0, deleted: 1 })
    expect(first.sent('RETR')).toEqual(['RETR 1', 'RETR 2', 'RETR 2'])
    expect(first.sent('DELE')).toEqual(['DELE 1'])
    expect(first.notices).toEqual(['SHORT'])
    expect(receipts()).toEqual([
      ['one', size, 0],
      ['two', short, 2],
    ])
    expect(model()).toBe('exact')
    const second = await run(maildrop, archive, DELETE_ALL)
    expect(second).toMatchObject({ error: undefined, notices: [] })
    expect([...second.sent('RETR'), ...second.sent('DELE')]).toEqual([])
    const third = await run(maildrop, archive, { ...DELETE_ALL, deleteShort: true })
    expect(third.sent('DELE')).toEqual(['DELE 1'])
    expect(maildrop.messages).toEqual([])
  })

  it('deletes it in the same run if its owner says so', async () => {
    const { archive } = open()
    const maildrop = new FakeMaildrop([one, cut(two)])
    const { sent: said } = await run(maildrop, archive, { ...DELETE_ALL, deleteShort: true })
    expect(said('DELE')).toEqual(['DELE 1', 'DELE 2'])
  })

  it('takes the whole of it, if that comes the second time, and keeps what came first', async () => {
    const { archive, receipts } = open()
    const maildrop = new FakeMaildrop([one, cut(two, 1)])
    const { counts, notices, sent: said } = await run(maildrop, archive, DELETE_ALL)
    expect(counts).toMatchObject({ retrieved: 3, stored: 3 })
    expect(notices).toEqual(['SHORT_FIRST'])
    expect(said('DELE')).toEqual(['DELE 1', 'DELE 2'])
    expect(receipts()).toEqual([
      ['one', size, 0],
      [null, short, 2],
      ['two', size, 0],
    ])
    expect((await run(maildrop, archive)).counts).toMatchObject({ retrieved: 0 })
  })

  it.each([
    ['more', 3, 4],
    ['less', 4, 3],
  ])('takes the longer one, if %s comes the second time', async (_, before, after) => {
    const { archive, receipts } = open()
    const parts = [before, after].map((part) => (two.octets.length * part) / 8)
    const changing = {
      ...two,
      handsOver: (time: number) => two.octets.subarray(0, parts[time - 1]),
    }
    const maildrop = new FakeMaildrop([one, changing])
    expect((await run(maildrop, archive, DELETE_ALL)).sent('DELE')).toEqual(['DELE 1'])
    const longer = Math.floor(Math.max(...parts))
    const rows = receipts()
    expect(rows.filter(([name]) => name === 'two')).toEqual([['two', longer, 2]])
    expect(rows.map(([, , mark]) => mark)).toEqual([0, 2, 2])
    expect((await run(maildrop, archive)).sent('RETR')).toEqual([])
  })

  it('goes on in the next run, where the first was broken off between', async () => {
    const { archive, receipts } = open()
    const handsOver = (time: number) => {
      if (time === 2) throw Object.assign(new Error('cut off'), { code: 'NET_CLOSED' })
      return half(two)
    }
    const maildrop = new FakeMaildrop([one, { ...two, handsOver }])
    const first = await run(maildrop, archive, { ...DELETE_ALL, deleteShort: true })
    expect(first.error).toMatchObject({ code: 'NET_CLOSED' })
    expect(receipts()).toEqual([
      ['one', size, 0],
      ['two', short, 1],
    ])
    expect(sent(maildrop, 'DELE')).toEqual([])
    const second = await run(maildrop, archive, DELETE_ALL)
    expect(second.sent('RETR')).toEqual(['RETR 2'])
    expect(second.counts).toMatchObject({ stored: 0 })
    expect(second.notices).toEqual(['SHORT'])
    expect(second.sent('DELE')).toEqual(['DELE 1'])
    expect(receipts()).toEqual([
      ['one', size, 0],
      ['two', short, 2],
    ])
  })

  it('asks again in the next run, if the second time is refused; deletes it in none', async () => {
    const { archive, receipts } = open()
    const refuses = new Set<number>()
    const moody = {
      ...two,
      handsOver: () => {
        refuses.add(2)
        return half(two)
      },
    }
    const maildrop = new FakeMaildrop([one, moody], { refuses })
    const all = { ...DELETE_ALL, deleteShort: true }
    const first = await run(maildrop, archive, all)
    expect(first.refusals).toMatchObject([{ messageNumber: 2 }])
    expect([first.counts.failed, first.sent('DELE')]).toEqual([1, ['DELE 1']])
    expect(receipts()).toContainEqual(['two', short, 1])
    refuses.clear()
    expect((await run(maildrop, archive, all)).sent('DELE')).toEqual(['DELE 1'])
  })

  it('says in a dry run that it would be retrieved once more, where that was not done', async () => {
    const { archive, receipts, preview } = open()
    const refuses = new Set<number>()
    const handsOver = () => {
      refuses.add(2)
      return half(two)
    }
    const maildrop = new FakeMaildrop([one, { ...two, handsOver }], { refuses })
    await run(maildrop, archive)
    expect(await preview(maildrop)).toMatchObject({ retrieve: [{ uniqueId: 'two' }], delete: [] })
    expect(receipts()).toContainEqual(['two', short, 1])
    refuses.clear()
    await run(maildrop, archive)
    expect((await preview(maildrop))?.retrieve).toEqual([])
  })

  it('leaves a message unmarked that is recognised as one whose octets it has', async () => {
    const { archive, receipts, loseReceipts } = open()
    const named = { ...two, octets: Buffer.concat([Buffer.from('Status: RO\r\n'), two.octets]) }
    await run(new FakeMaildrop([one, named]), archive)
    loseReceipts()
    const maildrop = new FakeMaildrop([one, { ...two, listed: named.octets.length }])
    const { notices, sent: said } = await run(maildrop, archive, DELETE_ALL)
    expect([notices, said('RETR')]).toEqual([[], ['RETR 1', 'RETR 2']])
    expect(said('DELE')).toEqual(['DELE 1'])
    expect(receipts()).toEqual([
      ['one', size, 0],
      ['two', named.octets.length, 0],
    ])
  })

  it('works without unique-ids, and leaves one receipt a row', async () => {
    const { archive, receipts } = open()
    const [named, other] = [whole('one'), whole('two')].map((m) => ({ ...m, uniqueId: undefined }))
    if (!named || !other) throw new Error('two')
    const maildrop = new FakeMaildrop([named, cut(other, 1)], { hasUniqueIds: false })
    await run(maildrop, archive)
    const location = receipts()
    expect(location).toHaveLength(3)
    const again = await run(maildrop, archive)
    expect(again).toMatchObject({ error: undefined, counts: { stored: 0 }, notices: [] })
    expect(receipts()).toEqual(location)
    const stubborn = open()
    const cutting = new FakeMaildrop([named, cut(other)], { hasUniqueIds: false })
    await run(cutting, stubborn.archive)
    await run(cutting, stubborn.archive)
    expect(stubborn.receipts().map(([, octets, mark]) => [octets, mark])).toEqual([
      [size, 0],
      [short, 2],
    ])
  })
})

describe('a server that counts in its own way', () => {
  const open = () => {
    const location = temporaryLocation('sqlite')
    const marks = () => query(location, 'SELECT short FROM message').map((row) => row.short)
    const model = () => query(location, 'SELECT size_model FROM account')[0]?.size_model
    return { archive: openHere(location), marks, model }
  }
  const messages = Array.from({ length: 30 }, (_, i) =>
    mail(`u${i}`, `m${i}`, 'a line\r\n'.repeat(3 + i * 5)),
  )
  const listedAs = (count: (octets: number, lines: number, i: number) => number | null) =>
    messages.map((message, i) => {
      const { length } = message.octets
      const lines = Buffer.from(message.octets).toString().split('\n').length - 1
      return { ...message, listed: count(length, lines, i) }
    })

  it.each<[string, string | null, ReturnType<typeof listedAs>]>([
    ['two less', '+2', listedAs((octets) => octets - 2)],
    ['counted with LF', 'lf', listedAs((octets, lines) => octets - lines)],
    ['counted with LF, and a line end more', 'lf', listedAs((octets, lines) => octets - lines - 1)],
    ['rounded', 'rounded', listedAs((octets) => Math.round(octets / 1024) * 1024)],
    ['at random', 'estimate', listedAs((octets, _, i) => octets + ((i * 37) % 91) - 44)],
    ['as 0', null, listedAs(() => 0)],
    ['as 2^40', 'estimate', listedAs(() => 2 ** 40)],
    ['as nothing', null, listedAs(() => null)],
  ])('%s: all is kept, once, and may be deleted', async (_, model, listed) => {
    const archive = open()
    const maildrop = new FakeMaildrop([...listed])
    const { counts, notices, error } = await run(maildrop, archive.archive, DELETE_ALL)
    expect(error).toBeUndefined()
    expect(counts).toMatchObject({ retrieved: 30, stored: 30, deleted: 30 })
    expect(maildrop.commands.filter((command) => command.startsWith('RETR'))).toHaveLength(30)
    expect(notices).toEqual([])
    expect(archive.model()).toBe(model)
    expect(new Set(archive.marks())).toEqual(new Set([0]))
  })

  it.each([
    ['is found behind the sample', 29],
    ['is remembered: found among a few that come later', 25],
  ])('counted with LF: a message that lost its last lines %s', async (_, before) => {
    const archive = open()
    const listed = listedAs((octets, lines) => octets - lines)
    const maildrop = new FakeMaildrop(listed.slice(0, before))
    // What comes has more octets than are listed, and fewer than it should have.
    const [last] = listed.slice(-1)
    if (!last) throw new Error('30')
    const shorter = { ...last, handsOver: () => last.octets.subarray(0, last.octets.length - 24) }
    expect(shorter.handsOver().length).toBeGreaterThan(last.listed ?? 0)
    if (before < 29) await run(maildrop, archive.archive)
    maildrop.messages.push(shorter)
    expect((await run(maildrop, archive.archive)).notices).toEqual(['SHORT'])
    expect(archive.model()).toBe('lf')
    expect(archive.marks().filter((mark) => mark === 2)).toHaveLength(1)
  })

  it('is remembered: a few more estimates are not asked for twice', async () => {
    const archive = open()
    const listed = listedAs((octets, _, i) => octets + ((i * 37) % 91) + 1)
    const maildrop = new FakeMaildrop(listed.slice(0, 25))
    await run(maildrop, archive.archive)
    maildrop.messages.push(...listed.slice(25))
    const { notices, sent: said } = await run(maildrop, archive.archive)
    expect([notices, said('RETR').length]).toEqual([[], 5])
  })

  describe('by estimates, and exactly later', () => {
    const estimates = listedAs((octets, _, i) => octets + ((i * 37) % 91) - 44)
    const later = Array.from({ length: 30 }, (_, i) => whole(`later${i}`))
    const cutAt = (at: number, count: number) =>
      later.slice(0, count).map((message, i) => (i === at ? cut(message) : message))

    it.each([
      ['many', 7, 25],
      ['a few, and it is the first', 0, 10],
      ['a few, and it is the last', 9, 10],
    ])('leaves a message there that comes short among %s', async (_, at, count) => {
      const archive = open()
      const maildrop = new FakeMaildrop(estimates.slice(0, 25))
      await run(maildrop, archive.archive, DELETE_ALL)
      expect([archive.model(), maildrop.messages]).toEqual(['estimate', []])
      maildrop.messages.push(...cutAt(at, count))
      const { notices, counts } = await run(maildrop, archive.archive, DELETE_ALL)
      expect([notices, counts.deleted]).toEqual([['SHORT'], count - 1])
      expect(maildrop.messages.map(({ uniqueId }) => uniqueId)).toEqual([`later${at}`])
      expect(archive.model()).toBe('exact')
    })

    it('leaves it there where one message comes a night', async () => {
      const archive = open()
      const maildrop = new FakeMaildrop(estimates.slice(0, 25))
      await run(maildrop, archive.archive, DELETE_ALL)
      for (const message of cutAt(4, 5)) {
        maildrop.messages.push(message)
        await run(maildrop, archive.archive, DELETE_ALL)
      }
      expect(maildrop.messages.map(({ uniqueId }) => uniqueId)).toEqual(['later4'])
    })

    it('asks for no estimate twice where one comes a night', async () => {
      const archive = open()
      const maildrop = new FakeMaildrop(estimates.slice(0, 20))
      await run(maildrop, archive.archive, DELETE_ALL)
      for (const message of estimates.slice(20)) {
        maildrop.messages.push(message)
        const { sent: said, notices } = await run(maildrop, archive.archive, DELETE_ALL)
        expect([said('RETR'), notices]).toEqual([['RETR 1'], []])
      }
      expect([maildrop.messages, archive.model()]).toEqual([[], 'estimate'])
    })
  })

  it('is found out over several runs with a few messages each', async () => {
    const archive = open()
    const listed = listedAs((octets, _, i) => octets + ((i * 37) % 91) + 1)
    const maildrop = new FakeMaildrop([])
    const marked: number[] = []
    for (let at = 0; at < 28; at += 2) {
      maildrop.messages.push(...listed.slice(at, at + 2))
      await run(maildrop, archive.archive)
      marked.push(archive.marks().filter((mark) => mark !== 0).length)
    }
    expect(archive.model()).toBe('estimate')
    // Until twenty show it, all might have been cut.
    expect(marked.slice(8)).toEqual([18, 18, 18, 18, 18, 18])
  })

  it('allocates nothing for what is listed', async () => {
    const archive = open()
    const [first] = messages
    if (!first) throw new Error('30')
    const maildrop = new FakeMaildrop([{ ...first, listed: 2 ** 40 }])
    const { notices, error } = await run(maildrop, archive.archive)
    expect([error, notices]).toEqual([undefined, ['SHORT']])
  })
})
