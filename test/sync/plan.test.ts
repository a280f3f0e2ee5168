import { describe, expect, it } from 'vitest'
import type { ListedMessage } from '../../src/pop3/listing.ts'
import { compareListing } from '../../src/sync/compare-listing.ts'
import { Matches } from '../../src/sync/matches.ts'
import { applyLimits, isEmpty, listingChanges } from '../../src/sync/plan.ts'
import { KEEP_ALL } from '../../src/sync/policy.ts'
import type { Receipt } from '../../src/sync/ports/receipt.ts'
import { listingOf } from '../support/listing-of.ts'
import { receiptListOf } from '../support/receipt-list-of.ts'

function row(messageNumber: number, uniqueId?: string, octets?: number): ListedMessage {
  return { messageNumber, uniqueId, octets }
}

function receipt(id: number, uniqueId?: string, octets?: number, over?: Partial<Receipt>): Receipt {
  return {
    id,
    uniqueId,
    occurrence: 1,
    octets,
    message: id,
    boundAt: 0,
    boundBy: 'digest',
    state: 'stored',
    absent: false,
    ...over,
  }
}

/** 'known' | 'fresh' | 'resized' | 'unnamed' by message number. */
function verdicts(rows: ListedMessage[], receipts: Receipt[], last?: number) {
  const comparison = compareListing(listingOf(rows), receiptListOf(receipts), {
    lastAccessed: last,
  })
  const lists = { ...comparison, known: comparison.known.all }
  const found: Record<number, string> = {}
  for (const [verdict, list] of Object.entries(lists)) {
    for (const { row: r } of list) found[r.messageNumber] = verdict
  }
  return found
}

const many = Array.from({ length: 20 }, (_, i) => i + 1)
const manyReceipts = many.map((n) => receipt(n, `u${n}`, 100))

describe('compareListing', () => {
  const cases: [string, ListedMessage[], Receipt[], Record<number, string>, number?][] = [
    ['equal in all three is known', [row(1, 'a', 10)], [receipt(1, 'a', 10)], { 1: 'known' }],
    ['an unheard unique-id is new', [row(1, 'b', 10)], [receipt(1, 'a', 10)], { 1: 'fresh' }],
    [
      'the number of a message is no key',
      [row(1, 'b', 20), row(2, 'a', 10)],
      [receipt(1, 'a', 10), receipt(2, 'b', 20)],
      { 1: 'known', 2: 'known' },
    ],
    [
      'other octets under a known unique-id: a new message',
      [...many.map((n) => row(n, `u${n}`, n === 7 ? 101 : 100))],
      manyReceipts,
      Object.fromEntries(many.map((n) => [n, n === 7 ? 'fresh' : 'known'])),
    ],
    [
      'other octets under most of them: the server counts anew',
      [...many.map((n) => row(n, `u${n}`, n > 4 ? 101 : 100))],
      manyReceipts,
      Object.fromEntries(many.map((n) => [n, n > 4 ? 'resized' : 'known'])),
    ],
    [
      'a fifth is not more than a fifth',
      [...many.slice(0, 5).map((n) => row(n, `u${n}`, n === 1 ? 101 : 100))],
      manyReceipts,
      { 1: 'fresh', 2: 'known', 3: 'known', 4: 'known', 5: 'known' },
    ],
    [
      'equal unique-ids with equal receipts are known',
      [row(1, 'a', 10), row(2, 'a', 20)],
      [receipt(1, 'a', 10), receipt(2, 'a', 20, { occurrence: 2 })],
      { 1: 'known', 2: 'known' },
    ],
    [
      'one more of them than before: all are retrieved',
      [row(1, 'a', 10), row(2, 'a', 10)],
      [receipt(1, 'a', 10)],
      { 1: 'fresh', 2: 'fresh' },
    ],
    [
      'one fewer than before: which one is gone, only octets tell',
      [row(1, 'a', 10)],
      [receipt(1, 'a', 10), receipt(2, 'a', 10, { occurrence: 2 })],
      { 1: 'fresh' },
    ],
    [
      'one fewer since long: known',
      [row(1, 'a', 10)],
      [receipt(1, 'a', 10), receipt(2, 'a', 10, { occurrence: 2, absent: true })],
      { 1: 'known' },
    ],
    [
      'an absent message that is listed again is known',
      [row(1, 'a', 10)],
      [receipt(1, 'a', 10, { absent: true })],
      { 1: 'known' },
    ],
    [
      'what its owner removed is not retrieved again',
      [row(1, 'a', 10)],
      [receipt(1, 'a', 10, { state: 'removed' })],
      { 1: 'known' },
    ],
    [
      'a quarantined message is tried again',
      [row(1, 'a', 10)],
      [receipt(1, 'a', 10, { state: 'quarantined', message: undefined })],
      { 1: 'fresh' },
    ],
    [
      'unusable sizes compare too',
      [row(1, 'a'), row(2, 'b', 5)],
      [receipt(1, 'a'), receipt(2, 'b')],
      { 1: 'known', 2: 'resized' },
    ],
    [
      'no unique-id, octets unheard of: new',
      [row(1, undefined, 11)],
      [receipt(1, undefined, 10)],
      { 1: 'fresh' },
    ],
    [
      'no unique-id, octets of a receipt: TOP must tell',
      [row(1, undefined, 10)],
      [receipt(1, undefined, 10)],
      { 1: 'unnamed' },
    ],
    [
      'no unique-id, above LAST: new to everybody',
      [row(1, undefined, 10), row(2, undefined, 10)],
      [receipt(1, undefined, 10)],
      { 1: 'unnamed', 2: 'fresh' },
      1,
    ],
    [
      'a receipt with unique-id may be that of a row without, if it should be listed',
      [row(1, undefined, 10), row(2, undefined, 20), row(3, undefined, 30)],
      [receipt(1, 'a', 10), receipt(2, 'b', 20, { absent: true })],
      { 1: 'unnamed', 2: 'fresh', 3: 'fresh' },
    ],
  ]
  it.each(cases)('%s', (_, rows, receipts, expected, last) => {
    expect(verdicts(rows, receipts, last)).toEqual(expected)
  })

  it('numbers equal unique-ids by their order in the listing', () => {
    const { fresh } = compareListing(
      listingOf([row(3, 'a', 1), row(5, 'b', 1), row(9, 'a', 1)]),
      receiptListOf([]),
    )
    expect(Array.from(fresh, ({ key }) => [key.uniqueId, key.occurrence])).toEqual([
      ['a', 1],
      ['b', 1],
      ['a', 2],
    ])
  })

  it('finds a unique-id that is a property of every object', () => {
    const rows = [row(1, '__proto__', 1), row(2, 'constructor', 1)]
    expect(verdicts(rows, [])).toEqual({ 1: 'fresh', 2: 'fresh' })
  })
})

describe('listingChanges', () => {
  const known = (...receipts: Receipt[]) =>
    receipts.map((r) => ({ row: row(1), key: r, receipt: r }))
  const changes = (
    receipts: Receipt[],
    listed: ReturnType<typeof known>,
    ...more: Parameters<typeof listingChanges> extends [unknown, unknown, ...infer Rest]
      ? Rest
      : never
  ) => listingChanges(receiptListOf(receipts), Matches.of(listed), ...more)

  it('writes nothing for a steady listing', () => {
    const receipts = [receipt(1, 'a', 10), receipt(2, 'b', 10, { absent: true })]
    expect(isEmpty(changes(receipts, known(receipts[0]!), []))).toBe(true)
  })

  it('confirms a deletion by absence, and takes it back by presence', () => {
    const gone = receipt(1, 'a', 10, { state: 'delete sent' })
    const back = receipt(2, 'b', 10, { state: 'delete sent' })
    expect(changes([gone, back], known(back), [])).toEqual({
      deleted: [1],
      undeleted: [2],
      absent: [1],
      present: [],
    })
  })

  it('takes back a deletion that the server undid later', () => {
    const undone = receipt(1, 'a', 10, { state: 'deleted', absent: true })
    expect(changes([undone], known(undone), [])).toMatchObject({
      undeleted: [1],
      present: [1],
    })
  })

  it('makes room for the receipts of a recount', () => {
    const old = receipt(1, 'a', 10, { state: 'delete sent' })
    expect(changes([old], known(old), [], known(old))).toEqual({
      deleted: [],
      undeleted: [1],
      absent: [1],
      present: [],
    })
  })

  it('sees a quarantined message in the listing by its key', () => {
    const bad = receipt(1, 'a', 10, { state: 'quarantined', message: undefined })
    const listed = changes([bad], [], [{ row: row(1, 'a', 10), key: bad }])
    expect(listed.absent).toEqual([])
    expect(changes([bad], [], []).absent).toEqual([1])
  })
})

describe('applyLimits', () => {
  const rows = [300, 300, 300].map((octets, i) => ({
    row: row(i + 1, `u${i}`, octets),
    key: { uniqueId: `u${i}`, occurrence: 1, octets },
  }))
  it.each([
    [{}, 3],
    [{ maxMessages: 2 }, 2],
    [{ maxMessages: 0 }, 0],
    [{ limitOctets: 600 }, 2],
    [{ limitOctets: 599 }, 1],
    [{ limitOctets: 1 }, 1],
    [{ maxMessages: 1, limitOctets: 900 }, 1],
  ])('%j keeps %i', (limits, count) => {
    expect(applyLimits(rows, { ...KEEP_ALL, ...limits })).toHaveLength(count)
  })

  it.each([
    [
      [1, 5000, 1, 1],
      [1, 3, 4],
    ],
    [[5000, 1, 1], [1]],
    [
      [400, 400, 1],
      [1, 2],
    ],
  ])('with 800 octets to go, of %j takes the messages %j', (sizes, taken) => {
    const sized = sizes.map((octets, i) => ({
      row: row(i + 1, `u${i}`, octets),
      key: { uniqueId: `u${i}`, occurrence: 1, octets },
    }))
    const within = applyLimits(sized, { ...KEEP_ALL, limitOctets: 800 })
    expect(within.map(({ row: { messageNumber } }) => messageNumber)).toEqual(taken)
  })
})
