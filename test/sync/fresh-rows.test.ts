import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ListedMessage } from '../../src/pop3/listing.ts'
import { FreshRows, plannedRowAt } from '../../src/sync/fresh-rows.ts'
import type { PlannedRow } from '../../src/sync/plan.ts'
import { listingOf } from '../support/listing-of.ts'

/** A listing whose message numbers are in no order, and some of its rows, as an index or an object. */
const freshRows = fc
  .uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 40 })
  .chain((numbers) =>
    fc.record({
      rows: fc.tuple(
        ...numbers.map((messageNumber) =>
          fc.record({
            messageNumber: fc.constant(messageNumber),
            octets: fc.option(fc.integer({ min: 0, max: 2 ** 40 }), { nil: undefined }),
            uniqueId: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
            isRepeated: fc.constantFrom(true, undefined),
          }),
        ),
      ),
      picked: fc.shuffledSubarray(numbers.map((_, index) => index)),
      areObjects: fc.infiniteStream(fc.boolean()),
    }),
  )
  .map(({ rows, picked, areObjects }) => {
    const listing = listingOf(rows)
    const entries = picked.map((index) => {
      const isObject = areObjects.next().value === true
      return isObject ? plannedRowAt(listing, index, 2) : index
    })
    const expected = entries.map((entry) =>
      typeof entry === 'number' ? planned(rows[entry] as ListedMessage, 1) : entry,
    )
    return { listing, entries, expected: expected.sort(byNumber) }
  })

function planned(row: ListedMessage, occurrence: number): PlannedRow {
  return { row, key: { uniqueId: row.uniqueId, occurrence, octets: row.octets } }
}

function byNumber(a: PlannedRow, b: PlannedRow): number {
  return a.row.messageNumber - b.row.messageNumber
}

describe('FreshRows', () => {
  it('are the rows in the order of message numbers, as often as they are asked for', () => {
    fc.assert(
      fc.property(freshRows, ({ listing, entries, expected }) => {
        const fresh = FreshRows.of(listing, entries)
        expect(fresh).toHaveLength(expected.length)
        expect([...fresh]).toEqual(expected)
        expect([...fresh]).toEqual(expected)
        expect(fresh.octets).toBe(expected.reduce((sum, { row }) => sum + (row.octets ?? 0), 0))
      }),
    )
  })

  it('are divided into those with a unique-id and those without', () => {
    fc.assert(
      fc.property(freshRows, ({ listing, entries, expected }) => {
        const fresh = FreshRows.of(listing, entries)
        const isNamed = ({ key }: PlannedRow) => key.uniqueId !== undefined
        expect([...fresh.named]).toEqual(expected.filter(isNamed))
        expect([...fresh.unnamed]).toEqual(expected.filter((one) => !isNamed(one)))
      }),
    )
  })

  it('filter and take further ones as an array would', () => {
    fc.assert(
      fc.property(freshRows, ({ listing, entries, expected }) => {
        const fresh = FreshRows.of(listing, entries)
        const isOdd = ({ row }: PlannedRow) => row.messageNumber % 2 === 1
        const odd = fresh.filter(isOdd)
        const even = expected.filter((one) => !isOdd(one))
        expect([...odd]).toEqual(expected.filter(isOdd))
        expect([...odd.and(even.toReversed())]).toEqual(expected)
        expect(odd.and(even).octets).toBe(fresh.octets)
      }),
    )
  })
})
