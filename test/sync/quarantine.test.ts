import { describe, expect, it } from 'vitest'
import { FreshRows } from '../../src/sync/fresh-rows.ts'
import type { PlannedRow } from '../../src/sync/plan.ts'
import { KEEP_ALL } from '../../src/sync/policy.ts'
import type { Receipt } from '../../src/sync/ports/receipt.ts'
import { nextTryAt, triage } from '../../src/sync/quarantine.ts'
import { FakeMaildrop } from '../support/fake-maildrop.ts'
import { listingOf } from '../support/listing-of.ts'
import { MemoryArchive } from '../support/memory-archive.ts'
import { receiptListOf } from '../support/receipt-list-of.ts'
import { mail, sent, syncOnce } from '../support/sync-once.ts'

const DAY = 24 * 3600 * 1000

describe('the next try of what could not be retrieved', () => {
  it.each([
    [1, undefined],
    [4, undefined],
    [5, 1],
    [6, 2],
    [7, 4],
    [8, 8],
    [9, 16],
    [10, 30],
    [11, 30],
    [5000, 30],
  ])('after %i failures: %s days after the last', (attempts, days) => {
    const at = nextTryAt({ attempts, lastAt: 1000 })
    expect(at).toBe(days === undefined ? undefined : 1000 + days * DAY)
  })
})

describe('triage', () => {
  const row = (uniqueId: string | undefined, octets = 10): PlannedRow => ({
    row: { messageNumber: 1, uniqueId, octets },
    key: { uniqueId, occurrence: 1, octets },
  })
  const failed = (uniqueId: string | undefined, over: Partial<Receipt> = {}): Receipt => ({
    ...{ id: 1, uniqueId, occurrence: 1, octets: 10, message: undefined, boundBy: undefined },
    ...{ state: 'quarantined', absent: false, attempts: 5, boundAt: 100 * DAY },
    ...over,
  })
  const whole = { retryAll: false, tried: [] }

  it.each([
    ['a row that never failed', [], row('a'), 'healthy', {}],
    ['another size under its name', [failed('a', { octets: 9 })], row('a'), 'healthy', {}],
    ['a row that failed four times', [failed('a', { attempts: 4 })], row('a'), 'retries', {}],
    ['a row that failed five times', [failed('a')], row('a'), 'resting', {}],
    ['one that is due', [failed('a', { boundAt: 99 * DAY })], row('a'), 'retries', {}],
    ['one from a future clock', [failed('a', { boundAt: 900 * DAY })], row('a'), 'retries', {}],
    ['one that is asked for', [failed('a')], row('a'), 'retries', { retryAll: true }],
    [
      'one of this run',
      [failed('a')],
      row('a'),
      'resting',
      { retryAll: true, tried: [row('a').key] },
    ],
    ['a row without unique-id', [failed(undefined)], row(undefined), 'retries', {}],
    ['a stored one', [failed('a', { state: 'stored', message: 1 })], row('a'), 'healthy', {}],
  ] as const)('%s', (_name, receipts, planned, part, over) => {
    const fresh = FreshRows.of(listingOf([]), [planned])
    const parts = triage(fresh, receiptListOf(receipts), {
      now: 100 * DAY + 1,
      ...whole,
      ...over,
    })
    expect({ ...parts, healthy: [...parts.healthy] }).toEqual({
      ...{ healthy: [], retries: [], resting: [] },
      [part]: [planned],
    })
  })
})

describe('a message that the server refuses for ever', () => {
  const three = [mail('a', 'one'), mail('b', 'two'), mail('c', 'three')]

  it('is tried last in five runs, then at growing intervals, and no run without a try fails', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop(three, { refuses: new Set([1]) })
    const triedOn: number[] = []
    for (let day = 0; day < 100; day++) {
      archive.now = day * DAY
      const { counts, error } = await syncOnce(maildrop, archive)
      expect(error).toBeUndefined()
      const isTried = sent(maildrop, 'RETR').includes('RETR 1')
      expect(counts.failed).toBe(isTried ? 1 : 0)
      if (isTried) triedOn.push(day)
    }
    expect(triedOn).toEqual([0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 65, 95])
    expect(archive.contents()).toHaveLength(2)
  })

  it('comes behind what is new, alone, and at once if asked for', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop(three, { refuses: new Set([1]) })
    for (let run = 0; run < 5; run++) await syncOnce(maildrop, archive)
    maildrop.messages.push(mail('d', 'four'))
    maildrop.options = {}
    await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'RETR')).toEqual(['RETR 4'])
    maildrop.messages.push(mail('e', 'five'))
    await syncOnce(maildrop, archive, { policy: { ...KEEP_ALL, retryQuarantined: true } })
    expect(sent(maildrop, 'RETR')).toEqual(['RETR 5', 'RETR 1'])
    expect(archive.contents()).toHaveLength(5)
    await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'RETR')).toEqual([])
  })

  it('rests no longer for a try that its owner asked for', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop(three, { refuses: new Set([1]) })
    const tried = async (day: number, retryQuarantined: boolean) => {
      archive.now = day * DAY
      const { counts } = await syncOnce(maildrop, archive, {
        policy: { ...KEEP_ALL, retryQuarantined },
      })
      return counts.failed
    }
    for (let day = 0; day < 5; day++) expect(await tried(day, false)).toBe(1)
    for (const day of [4.1, 4.5, 4.9]) expect(await tried(day, true)).toBe(1)
    expect([await tried(4.95, false), await tried(5, false)]).toEqual([0, 1])
    // One that is due is counted, whoever asks.
    expect([await tried(6.9, false), await tried(7, true)]).toEqual([0, 1])
    expect([await tried(10.9, false), await tried(11, false)]).toEqual([0, 1])
  })

  it('is asked for when all others are answered, and each by itself', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop(three, { refuses: new Set([1, 2]) })
    await syncOnce(maildrop, archive)
    maildrop.messages.push(mail('d', 'four'), mail('e', 'five'))
    const asked: number[][] = []
    const open = maildrop.open.bind(maildrop)
    maildrop.open = async (...parameters) => {
      const session = await open(...parameters)
      const retrieve = session.retrieve.bind(session)
      session.retrieve = (rows, receiver) => {
        const together = [...rows]
        asked.push(together.map(({ messageNumber }) => messageNumber))
        return retrieve(together, receiver)
      }
      return session
    }
    const { counts } = await syncOnce(maildrop, archive)
    expect(asked).toEqual([[4, 5], [1], [2]])
    expect(counts).toMatchObject({ stored: 2, failed: 2 })
  })
})
