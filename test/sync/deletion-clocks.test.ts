/** When messages leave the server: by either clock, among the newest, within limits, for several accounts. */
import { describe, expect, it } from 'vitest'
import type { Policy } from '../../src/sync/policy.ts'
import {
  FakeMaildrop,
  type FakeMaildropOptions,
  type FakeMessage,
} from '../support/fake-maildrop.ts'
import { MemoryArchive } from '../support/memory-archive.ts'
import { DELETE_ALL, mail, previewOnce, sent, syncOnce } from '../support/sync-once.ts'

const DAY = 24 * 3600 * 1000
const YEAR = 365 * DAY
const NOW = Date.parse('2026-11-23T00:00:00Z')

function dated(uniqueId: string, date: string): FakeMessage {
  const text = `Date: ${date}\r\nSubject: ${uniqueId}\r\n\r\n${uniqueId}\r\n`
  return { uniqueId, octets: Buffer.from(text) }
}

function here(messages: readonly FakeMessage[], options = {}, now = NOW) {
  const archive = new MemoryArchive()
  archive.now = now
  return { archive, maildrop: new FakeMaildrop([...messages], options) }
}

const left = ({ messages }: FakeMaildrop) => messages.map(({ uniqueId }) => uniqueId)

const older = (olderMs: number, afterMs = 0): Policy => ({
  delete: { afterMs, olderMs },
  deleteRemoved: false,
})

const archivedFor = (afterMs: number): Policy => ({ delete: { afterMs }, deleteRemoved: false })

describe('the time in the archive', () => {
  it('is over to the millisecond, and no clock that was set back makes it so', async () => {
    const { archive, maildrop } = here([mail('a', 'one')])
    await syncOnce(maildrop, archive)
    for (const [at, isGone] of [
      [NOW - 1, false],
      [NOW + 30 * DAY - 1, false],
      [NOW + 30 * DAY, true],
    ] as const) {
      archive.now = at
      await syncOnce(maildrop, archive, { policy: archivedFor(30 * DAY) })
      expect(left(maildrop)).toEqual(isGone ? [] : ['a'])
    }
  })

  it('counts for each message alone', async () => {
    const { archive, maildrop } = here([mail('a', 'one')])
    await syncOnce(maildrop, archive)
    archive.now += DAY
    maildrop.messages.push(mail('b', 'two'))
    await syncOnce(maildrop, archive, { policy: archivedFor(30 * DAY) })
    archive.now = NOW + 30 * DAY
    await syncOnce(maildrop, archive, { policy: archivedFor(30 * DAY) })
    expect(left(maildrop)).toEqual(['b'])
  })

  it('does not begin anew when the message is retrieved again to be compared', async () => {
    const { archive, maildrop } = here([mail('a', 'one')], { hasTop: false, quit: 'lost-before' })
    await syncOnce(maildrop, archive)
    archive.now += 30 * DAY
    await syncOnce(maildrop, archive, { policy: archivedFor(30 * DAY) })
    expect(left(maildrop)).toEqual(['a'])
    archive.now += DAY
    maildrop.options = { hasTop: false }
    await syncOnce(maildrop, archive, { policy: archivedFor(30 * DAY) })
    expect(left(maildrop)).toEqual([])
  })

  it.each<[string, FakeMaildropOptions]>([
    ['known by their headers', {}],
    ['retrieved again', { hasTop: false }],
  ])(
    'does not begin anew for messages whose unique-ids are renumbered: %s',
    async (_title, options) => {
      const messages = Array.from({ length: 12 }, (_, index) => mail(`old${index}`, `s${index}`))
      const { archive, maildrop } = here(messages, options)
      await syncOnce(maildrop, archive)
      archive.now += 29 * DAY
      const renumbered = messages.map((one, index) => ({ ...one, uniqueId: `new${index}` }))
      maildrop.messages = [...renumbered]
      await syncOnce(maildrop, archive, { policy: archivedFor(30 * DAY) })
      expect(left(maildrop)).toHaveLength(12)
      archive.now += DAY
      await syncOnce(maildrop, archive, { policy: archivedFor(30 * DAY) })
      expect(left(maildrop)).toEqual([])
      expect(archive.contents()).toHaveLength(12)
    },
  )

  it('does not begin anew where the server counts octets anew', async () => {
    const messages = Array.from({ length: 12 }, (_, index) => mail(`u${index}`, `s${index}`))
    const { archive, maildrop } = here(messages)
    await syncOnce(maildrop, archive)
    archive.now += 29 * DAY
    maildrop.messages = messages.map((one) => ({ ...one, listed: one.octets.length - 2 }))
    await syncOnce(maildrop, archive, { policy: archivedFor(30 * DAY) })
    archive.now += DAY
    await syncOnce(maildrop, archive, { policy: archivedFor(30 * DAY) })
    expect(left(maildrop)).toEqual([])
  })

  it('is not over for another message in place of the one that is due', async () => {
    const { archive, maildrop } = here([mail('a', 'one', 'text')], { hasTop: false })
    await syncOnce(maildrop, archive)
    archive.now += 30 * DAY
    // The same unique-id, and as many octets.
    maildrop.messages = [mail('a', 'one', 'TEXT')]
    await syncOnce(maildrop, archive, { policy: archivedFor(30 * DAY) })
    expect(sent(maildrop, 'RETR')).toHaveLength(1)
    expect([left(maildrop), archive.contents().length]).toEqual([['a'], 2])
    archive.now += 30 * DAY
    await syncOnce(maildrop, archive, { policy: archivedFor(30 * DAY) })
    expect([left(maildrop), archive.contents().length]).toEqual([[], 2])
  })
})

describe('the own date of a message', () => {
  // 730 days before.
  it.each([
    ['Sat, 23 Nov 2024 00:00:00 +0000', true],
    ['Sat, 23 Nov 2024 00:00:01 +0000', false],
    ['Sat, 23 Nov 2024 02:00:00 +0200', true],
    ['Sat, 23 Nov 2024 01:59:59 +0200', true],
    ['Sat, 23 Nov 2024 02:00:01 +0200', false],
    ['Fri, 22 Nov 2024 19:00:00 EST', true],
    ['Fri, 22 Nov 2024 19:00:01 EST', false],
    ['Fri, 22 Nov 2024 12:00:00 -1200', true],
    ['Thu, 29 Feb 2024 12:00:00 +0000', true],
    // There was no such day.
    ['Wed, 29 Feb 2023 12:00:00 +0000', false],
    ['Sun, 31 Sep 2023 12:00:00 +0000', false],
    ['yesterday', false],
    ['', false],
    // Clocks that began anew.
    ['Thu, 1 Jan 1970 00:00:00 +0000', false],
    ['Tue, 1 Jan 1980 00:00:00 +0000', false],
    ['Fri, 1 Jan 1904 00:00:00 +0000', false],
    ['Fri, 13 Aug 1982 00:00:00 +0000', true],
    // Clocks that are ahead.
    ['Tue, 24 Nov 2026 00:00:00 +0000', false],
    ['Tue, 19 Jan 2038 03:14:07 +0000', false],
    ['Fri, 31 Dec 2099 23:59:59 +0000', false],
    ['Sat, 31 Dec 9999 23:59:59 +0000', false],
  ])('%s, two years on: leaves %s', async (date, isGone) => {
    const { archive, maildrop } = here([dated('a', date)])
    await syncOnce(maildrop, archive, { policy: older(730 * DAY) })
    expect(left(maildrop)).toEqual(isGone ? [] : ['a'])
    expect(archive.contents()).toHaveLength(1)
  })

  it('counts years of 365 days across a leap day', async () => {
    const now = Date.parse('2025-02-28T00:00:00Z')
    const messages = [
      dated('a', 'Wed, 28 Feb 2024 00:00:00 +0000'),
      dated('b', 'Thu, 29 Feb 2024 00:00:00 +0000'),
      dated('c', 'Thu, 29 Feb 2024 00:00:01 +0000'),
    ]
    const { archive, maildrop } = here(messages, {}, now)
    await syncOnce(maildrop, archive, { policy: older(365 * DAY) })
    expect(left(maildrop)).toEqual(['c'])
  })

  it('is of no use before the time in the archive is over, too', async () => {
    const { archive, maildrop } = here([
      dated('old', 'Mon, 2 Jan 2012 10:00:00 +0000'),
      dated('middle', 'Mon, 9 Nov 2026 00:00:00 +0000'),
    ])
    const policy = older(30 * DAY, 10 * DAY)
    for (const [days, stay] of [
      [0, ['old', 'middle']],
      [9, ['old', 'middle']],
      [10, ['middle']],
      [15, ['middle']],
      [16, []],
    ] as const) {
      archive.now = NOW + days * DAY
      await syncOnce(maildrop, archive, { policy })
      expect(left(maildrop)).toEqual(stay)
    }
  })
})

describe('the newest', () => {
  const same = 'Mon, 2 Nov 2026 10:00:00 +0000'

  it('of equal dates are those that came last', async () => {
    const { archive, maildrop } = here(['a', 'b', 'c', 'd'].map((name) => dated(name, same)))
    await syncOnce(maildrop, archive, { policy: { ...DELETE_ALL, keepLatest: 2 } })
    expect(left(maildrop)).toEqual(['c', 'd'])
  })

  it('are all of them where there are fewer, or as many', async () => {
    for (const keepLatest of [3, 4, 1_000_000]) {
      const { archive, maildrop } = here(['a', 'b', 'c'].map((name) => dated(name, same)))
      await syncOnce(maildrop, archive, { policy: { ...DELETE_ALL, keepLatest } })
      await syncOnce(maildrop, archive, { policy: { ...DELETE_ALL, keepLatest } })
      expect(left(maildrop)).toEqual(['a', 'b', 'c'])
    }
  })

  it('count a message once that stands there twice', async () => {
    const twice = dated('x', same)
    const { archive, maildrop } = here([
      dated('old', 'Mon, 2 Jan 2012 10:00:00 +0000'),
      twice,
      { ...twice, uniqueId: 'y' },
    ])
    await syncOnce(maildrop, archive, { policy: { ...DELETE_ALL, keepLatest: 1 } })
    expect(left(maildrop)).toEqual(['x', 'y'])
  })

  it('are those of the maildrop, not of the archive', async () => {
    const { archive, maildrop } = here(['a', 'b', 'c'].map((name) => dated(name, same)))
    await syncOnce(maildrop, archive)
    // Somebody else deletes the newest.
    maildrop.messages.pop()
    await syncOnce(maildrop, archive, { policy: { ...DELETE_ALL, keepLatest: 1 } })
    expect(left(maildrop)).toEqual(['b'])
  })

  it('stay though both clocks are over', async () => {
    const { archive, maildrop } = here([
      dated('a', 'Mon, 2 Jan 2012 10:00:00 +0000'),
      dated('b', 'Tue, 3 Jan 2012 10:00:00 +0000'),
    ])
    const policy = { ...older(DAY), keepLatest: 1 }
    await syncOnce(maildrop, archive, { policy })
    expect(left(maildrop)).toEqual(['b'])
  })
})

describe('two accounts of one archive', () => {
  it('delete each its own, also where both have the message', async () => {
    const archive = new MemoryArchive()
    archive.now = NOW
    const [shared, own] = [mail('a', 'shared'), mail('b', 'own')]
    const home = new FakeMaildrop([shared, own])
    const work = new FakeMaildrop([{ ...shared, uniqueId: 'w' }])
    await syncOnce(home, archive, { account: 'home' })
    archive.now += 20 * DAY
    await syncOnce(work, archive, { account: 'work' })
    expect(archive.contents()).toHaveLength(2)
    archive.now = NOW + 30 * DAY
    await syncOnce(home, archive, { account: 'home', policy: archivedFor(30 * DAY) })
    await syncOnce(work, archive, { account: 'work', policy: archivedFor(30 * DAY) })
    // It came to this one later.
    expect([left(home), left(work)]).toEqual([[], ['w']])
    await syncOnce(work, archive, { account: 'work', policy: DELETE_ALL })
    expect([left(work), archive.contents().length]).toEqual([[], 2])
  })

  it('keep the newest of each', async () => {
    const archive = new MemoryArchive()
    archive.now = NOW
    const policy = { ...DELETE_ALL, keepLatest: 1 }
    for (const account of ['home', 'work']) {
      const maildrop = new FakeMaildrop([
        dated(`${account} 1`, 'Mon, 2 Nov 2026 10:00:00 +0000'),
        dated(`${account} 2`, 'Tue, 3 Nov 2026 10:00:00 +0000'),
      ])
      await syncOnce(maildrop, archive, { account, policy })
      expect(left(maildrop)).toEqual([`${account} 2`])
    }
  })
})

describe('a limit', () => {
  const five = ['a', 'b', 'c', 'd', 'e'].map((name) => mail(name, name))

  it('lets go what was retrieved within it, and nothing else', async () => {
    const { archive, maildrop } = here(five)
    for (const stay of [['c', 'd', 'e'], ['e'], []]) {
      await syncOnce(maildrop, archive, { policy: { ...DELETE_ALL, maxMessages: 2 } })
      expect(sent(maildrop, 'RETR').length).toBeLessThanOrEqual(2)
      expect(left(maildrop)).toEqual(stay)
    }
    expect(archive.contents()).toHaveLength(5)
  })

  it('holds also for what is retrieved again to be compared, behind what is new', async () => {
    const { archive, maildrop } = here(five, { hasTop: false })
    await syncOnce(maildrop, archive)
    maildrop.messages.push(mail('new', 'new'))
    const policy = { ...DELETE_ALL, maxMessages: 3 }
    const { postponed } = await syncOnce(maildrop, archive, { policy })
    expect(sent(maildrop, 'RETR')).toEqual(['RETR 6', 'RETR 1', 'RETR 2'])
    expect([left(maildrop), postponed]).toEqual([['c', 'd', 'e'], 3])
  })

  it('that leaves out a large message takes none that is compared for a new one', async () => {
    const { archive, maildrop } = here([mail('a', 'one')], { hasTop: false })
    await syncOnce(maildrop, archive)
    maildrop.messages.push(mail('b', 'b'), mail('c', 'c', 'x'.repeat(2000)), mail('d', 'd'))
    archive.now += 30 * DAY
    const policy = { ...archivedFor(30 * DAY), limitOctets: 1000 }
    const { preview } = await previewOnce(maildrop, archive, { policy })
    // What is new is not due yet.
    expect(preview?.delete.map(({ uniqueId }) => uniqueId)).toEqual(['a'])
    const { postponed } = await syncOnce(maildrop, archive, { policy })
    expect([left(maildrop), postponed]).toEqual([['b', 'c', 'd'], 1])
    expect(sent(maildrop, 'RETR')).toEqual(['RETR 2', 'RETR 4', 'RETR 1'])
  })
})

describe('what a server does at DELE', () => {
  it('is told where it refuses one, and the others go', async () => {
    const { archive, maildrop } = here(['a', 'b'].map((name) => mail(name, name)))
    maildrop.options = { refusesDeletion: new Set([1]) }
    const { events, counts } = await syncOnce(maildrop, archive, { policy: DELETE_ALL })
    expect([left(maildrop), counts.deleted]).toEqual([['a'], 1])
    expect(events.filter(({ type }) => type === 'deleted')).toHaveLength(1)
    expect(events).toContainEqual(expect.objectContaining({ code: 'DELETION_REFUSED' }))
    let deletions = 1
    const warnings: number[] = []
    for (let run = 2; run <= 5; run++) {
      const again = await syncOnce(maildrop, archive, { policy: DELETE_ALL })
      deletions += sent(maildrop, 'DELE').length
      const isTold = again.events.some((e) => e.type === 'notice' && e.code === 'DELETION_IGNORED')
      if (isTold) warnings.push(run)
    }
    expect({ deletions, warnings }).toEqual({ deletions: 3, warnings: [4] })
  })

  it('is journalled before it is asked: it may delete at once, and its reply may never come', async () => {
    const { archive, maildrop } = here(['a', 'b'].map((name) => mail(name, name)))
    maildrop.options = { deletesAtOnce: true, breaksBehindDeletions: 1 }
    const { error } = await syncOnce(maildrop, archive, { policy: DELETE_ALL })
    expect([left(maildrop), error]).toEqual([['b'], expect.anything()])
    const states = () => archive.accounts.flatMap(({ receipts }) => receipts.map((r) => r.state))
    expect(states()).toEqual(['delete sent', 'delete sent'])
    maildrop.options = {}
    await syncOnce(maildrop, archive)
    expect(states()).toEqual(['deleted', 'stored'])
    expect(archive.contents()).toHaveLength(2)
  })

  it('sees a new message under the unique-id of one that it deleted, before any listing lacked that', async () => {
    const { archive, maildrop } = here([mail('a', 'old')])
    await syncOnce(maildrop, archive, { policy: DELETE_ALL })
    maildrop.messages = [mail('a', 'new')]
    await syncOnce(maildrop, archive)
    expect(archive.contents()).toHaveLength(2)
  })
})

describe('a clock that was not set', () => {
  const after = archivedFor(30 * DAY)
  const twelve = Array.from({ length: 12 }, (_, index) =>
    dated(`u${index}`, 'Mon, 05 Jan 2015 10:00:00 +0000'),
  )
  const unset = Date.parse('1970-01-02T00:00:00Z')
  const ahead = Date.parse('2100-01-01T00:00:00Z')

  /** The messages that a run leaves on the server, and what it says. */
  async function run(rig: ReturnType<typeof here>, at: number, policy: Policy) {
    rig.archive.now = at
    const { events } = await syncOnce(rig.maildrop, rig.archive, { policy })
    const said = events.filter((event) => event.type === 'notice' && event.isWarning)
    return { kept: rig.maildrop.messages.length, said }
  }

  async function archivedAt(times: readonly number[]) {
    const rig = here([])
    for (const [index, at] of times.entries()) {
      const message = twelve[index]
      if (message) rig.maildrop.messages.push(message)
      rig.archive.now = at
      await syncOnce(rig.maildrop, rig.archive)
    }
    return rig
  }

  it.each([
    ['1970', unset],
    ['the year 2100', ahead],
  ])('keeps what was archived in %s, and deletes the others', async (_, wrong) => {
    const rig = await archivedAt([NOW, wrong, NOW])
    const { kept, said } = await run(rig, NOW + 30 * DAY, after)
    expect(kept).toBe(1)
    expect(said).toEqual([
      expect.objectContaining({
        code: 'CLOCK_NOT_SET',
        text: expect.stringMatching(/^a message stays on the server: .+--delete/),
      }),
    ])
    expect((await run(rig, NOW + 30 * DAY, DELETE_ALL)).kept).toBe(0)
  })

  it.each([
    ['in 1970, by time in the archive', unset, after],
    ['in 1970, by the own date', unset, older(YEAR)],
    ['before most messages were archived', NOW - 2 * DAY, older(YEAR)],
  ])('deletes nothing by age %s, and says so once', async (_, now, policy) => {
    const rig = await archivedAt([now - 60 * DAY, NOW, NOW])
    const { kept, said } = await run(rig, now, policy)
    expect(kept).toBe(3)
    expect(said).toEqual([
      expect.objectContaining({ text: expect.stringMatching(/^nothing is deleted by age/) }),
    ])
    expect((await run(rig, now, DELETE_ALL)).kept).toBe(0)
  })

  it('deletes nothing by its own date that arrives before 2020', async () => {
    const rig = here(twelve)
    const { kept, said } = await run(rig, Date.parse('2019-06-01T00:00:00Z'), older(YEAR))
    expect([kept, said.length]).toEqual([12, 1])
    expect((await run(rig, NOW, older(YEAR))).kept).toBe(0)
  })

  it('holds nothing back where it differs by less than a day', async () => {
    const rig = await archivedAt([NOW, NOW, NOW + 20 * 3600 * 1000, NOW + 20 * 3600 * 1000])
    const { kept, said } = await run(rig, NOW, archivedFor(1))
    expect([kept, said]).toEqual([4, []])
    expect(await run(rig, NOW + 1, archivedFor(1))).toEqual({ kept: 2, said: [] })
  })
})
