import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ListedMessage } from '../../src/pop3/listing.ts'
import { compareListing } from '../../src/sync/compare-listing.ts'
import type { Receipt } from '../../src/sync/ports/receipt.ts'
import { listingOf } from '../support/listing-of.ts'
import { receiptListOf } from '../support/receipt-list-of.ts'

/** Few of each, so that much is equal; the empty one is in no listing and no receipt. */
const uniqueId = fc.constantFrom('a', 'b', 'c', 'dd', 'ee', '\xff', undefined)
const octets = fc.constantFrom(10, 20, undefined)

/** In any order; or in theirs, each once, as most servers list. */
function inSomeOrder<T extends { readonly uniqueId: string | undefined }>(all: readonly T[]) {
  const named = all.filter((one) => one.uniqueId !== undefined)
  const isFirst = (one: T) => one === named.find((other) => other.uniqueId === one.uniqueId)
  const inOrder = named
    .filter(isFirst)
    .toSorted((a, b) => ((a.uniqueId ?? '') < (b.uniqueId ?? '') ? -1 : 1))
  return fc.constantFrom(all, inOrder)
}

const rowsOf = fc
  .array(fc.record({ uniqueId, octets }), { maxLength: 12 })
  .chain(inSomeOrder)
  .map((rows) => rows.map((row, index): ListedMessage => ({ messageNumber: index + 1, ...row })))

const receiptsOf = fc
  .uniqueArray(
    fc.record({
      ...{ uniqueId, octets, occurrence: fc.integer({ min: 1, max: 3 }) },
      state: fc.constantFrom('stored', 'removed', 'delete sent', 'deleted', 'quarantined'),
      absent: fc.boolean(),
    }),
    { maxLength: 12, selector: (r) => `${r.uniqueId} ${r.occurrence} ${r.octets}` },
  )
  .chain(inSomeOrder)
  .map((receipts) =>
    receipts.map(
      (receipt, index): Receipt => ({
        ...{ ...receipt, id: index + 1, boundAt: 0, boundBy: 'digest', attempts: undefined },
        message: receipt.state === 'quarantined' ? undefined : index + 1,
      }),
    ),
  )

/** The first rows of the table, read one row at a time. */
function expected(rows: readonly ListedMessage[], receipts: readonly Receipt[], at: number) {
  const row = rows[at] as ListedMessage
  const namesakes = rows.filter((other) => other.uniqueId === row.uniqueId)
  const occurrence = namesakes.indexOf(row) + 1
  const group = receipts.filter((r) => r.uniqueId === row.uniqueId && r.state !== 'quarantined')
  const present = group.filter((r) => !r.absent && !r.state.startsWith('delete')).length
  const isTold = present === namesakes.length || Math.max(present, namesakes.length) === 1
  const candidates = isTold ? group.filter((r) => r.occurrence === occurrence) : []
  const equal = candidates.find((r) => r.octets === row.octets)
  return { occurrence, equal, other: candidates[0] }
}

it('says of each row with a unique-id what the table says', () => {
  fc.assert(
    fc.property(rowsOf, receiptsOf, (rows, receipts) => {
      const { known, fresh, resized } = compareListing(listingOf(rows), receiptListOf(receipts))
      const named = rows.flatMap((row, at) =>
        row.uniqueId === undefined ? [] : [{ row, ...expected(rows, receipts, at) }],
      )
      const isKnown = named.filter(({ equal }) => equal)
      expect(known.all.map(({ row, receipt }) => [row, receipt])).toEqual(
        isKnown.map(({ row, equal }) => [row, equal]),
      )
      const others = named.filter(({ equal, other }) => !equal && other)
      const areNew = others.length * 5 <= others.length + isKnown.length
      const key = ({ row, occurrence }: (typeof named)[number]) => ({
        ...{ uniqueId: row.uniqueId, occurrence, octets: row.octets },
      })
      expect(resized.map((one) => [one.row, one.key, one.receipt.id])).toEqual(
        areNew ? [] : others.map((one) => [one.row, key(one), one.other?.id]),
      )
      const unheard = named.filter(({ equal, other }) => !equal && (areNew || !other))
      expect(Array.from(fresh.named, (one) => [one.row, one.key])).toEqual(
        unheard.map((one) => [one.row, key(one)]),
      )
    }),
    { numRuns: 500 },
  )
})

it('says that nothing changed only where the receipts that were listed are listed', () => {
  fc.assert(
    fc.property(rowsOf, receiptsOf, (rows, receipts) => {
      const { known } = compareListing(listingOf(rows), receiptListOf(receipts))
      const listed = new Set(known.receipts)
      const asBefore = receipts.every(
        ({ id, absent, state }) =>
          listed.has(id) === !absent && !(listed.has(id) && state.startsWith('delete')),
      )
      expect(known.areAsBefore).toBe(asBefore)
    }),
  )
})

it.each([
  ['stored', false, true],
  ['removed', false, true],
  ['stored', true, false],
  ['delete sent', false, false],
  ['deleted', false, false],
] as const)('looks into a known row that is %s, absent: %s', (state, absent, isAsBefore) => {
  const rows = [1, 2].map((n) => ({ messageNumber: n, uniqueId: `u${n}`, octets: 10 }))
  const receipts = rows.map((row, index): Receipt => {
    const own = index === 1 ? { state, absent } : ({ state: 'stored', absent: false } as const)
    const key = { uniqueId: row.uniqueId, octets: row.octets, occurrence: 1 }
    return { ...key, ...own, id: index + 1, message: index + 1, boundAt: 0, boundBy: 'digest' }
  })
  const { known } = compareListing(listingOf(rows), receiptListOf(receipts))
  expect(known.length).toBe(2)
  expect(known.areAsBefore).toBe(isAsBefore)
})

it.each([
  ['are cut elsewhere', ['ab', 'c'], [10, 10]],
  ['have another octet', ['a', 'bd'], [10, 10]],
  ['have other octets listed', ['a', 'bc'], [10, 20]],
] as const)(
  "takes no listing for yesterday's whose unique-ids or octets %s",
  (_, names, listed) => {
    const receipts = ['a', 'bc'].map((name, at): Receipt => {
      const key = { uniqueId: name, octets: 10, occurrence: 1 }
      const own = { state: 'stored', absent: false, boundBy: 'digest', boundAt: 0 } as const
      return { ...key, ...own, id: at + 1, message: at + 1 }
    })
    const rows = names.map((name, at) => ({
      messageNumber: at + 1,
      uniqueId: name,
      octets: listed[at],
    }))
    const { known } = compareListing(listingOf(rows), receiptListOf(receipts))
    const same = rows.filter((row) =>
      receipts.some((one) => one.uniqueId === row.uniqueId && one.octets === row.octets),
    )
    expect(known.all.map(({ row }) => row)).toEqual(same)
  },
)

it("finds in yesterday's listing what it would find by looking up each row", () => {
  const states = ['stored', 'removed', 'delete sent', 'deleted', 'quarantined'] as const
  const change: fc.Arbitrary<Partial<Receipt>> = fc.oneof(
    fc.record({ state: fc.constantFrom(...states) }),
    fc.record({ boundBy: fc.constantFrom('digest', 'canonical', undefined) }),
    fc.record({ absent: fc.boolean() }),
    fc.record({ occurrence: fc.constant(2) }),
    fc.record({ octets: fc.constantFrom(9, undefined) }),
  )
  const uniqueIds = fc.array(fc.constantFrom('a', 'ab', 'b', 'c'), { maxLength: 4 })
  fc.assert(
    fc.property(uniqueIds, fc.array(change, { maxLength: 1 }), (names, [changed]) => {
      const messages = names.toSorted().map((name, at) => ({ uniqueId: name, octets: 10 + at }))
      const rows = messages.map((message, at) => ({ ...message, messageNumber: at + 1 }))
      const receipts = messages.map((message, at): Receipt => {
        const plain = { ...message, occurrence: 1, state: 'stored', boundBy: 'digest' } as const
        const own = at === 0 ? { ...plain, absent: false, ...changed } : { ...plain, absent: false }
        const of = own.state === 'quarantined' ? undefined : at + 1
        return { ...own, id: at + 1, message: of, boundAt: 0 }
      })
      const [found, lookedUp] = [receipts, receipts.toReversed()].map((list) => {
        const { known, fresh, resized } = compareListing(listingOf(rows), receiptListOf(list))
        const { length, receipts: ids, messages: numbers, areAsBefore, hasGuess } = known
        const pairs = known.all.map(({ row, key, receipt }) => [row, key.octets, receipt.id])
        const others = [...fresh, ...resized].map(({ row, key }) => [row, key])
        return {
          length,
          ids: ids.toSorted(),
          numbers: numbers.toSorted(),
          areAsBefore,
          hasGuess,
          pairs,
          others,
        }
      })
      expect(found).toEqual(lookedUp)
    }),
    { numRuns: 500 },
  )
})
