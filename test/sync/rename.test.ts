import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { PlannedRow } from '../../src/sync/plan.ts'
import type { Receipt } from '../../src/sync/ports/receipt.ts'
import { relatives, renameFamilies } from '../../src/sync/rename.ts'
import { receiptListOf } from '../support/receipt-list-of.ts'

const uniqueId = fc.oneof(
  fc.constantFrom(undefined, 'x', 'y', 'x-', '-2', '7', '\xff-2'),
  fc
    .tuple(fc.constantFrom('x', 'y', 'x-3', '\xff'), fc.constantFrom(0, 2, 3, 9999999, 10000000))
    .map(([base, n]) => `${base}-${n}`),
)

const rowOf = (name: string | undefined, at: number): PlannedRow => ({
  row: { messageNumber: at + 1, octets: 10, uniqueId: name },
  key: { uniqueId: name, occurrence: 1, octets: 10 },
})

const receiptOf = (name: string | undefined, at: number): Receipt => ({
  ...{ id: at + 1, uniqueId: name, occurrence: 1, octets: 10, message: at + 1, boundAt: 0 },
  ...{ boundBy: 'digest', state: 'stored', absent: false, attempts: undefined },
})

const withoutSuffix = (name = '') => name.replace(/(?<=.)-\d+$/s, '')

it('finds all receipts that a row may be, and no stranger', () => {
  fc.assert(
    fc.property(fc.array(uniqueId), fc.array(uniqueId), (listed, kept) => {
      const rows = listed.map(rowOf)
      const receipts = kept.map(receiptOf)
      const found = relatives(rows, receiptListOf(receipts))
      const isListed = ({ id }: Receipt) => id % 3 === 0
      expect(renameFamilies(rows, found, isListed)).toEqual(
        renameFamilies(rows, receipts, isListed),
      )
      const names = new Set(listed.filter((name) => name !== undefined))
      for (const receipt of receipts) {
        if (receipt.uniqueId !== undefined && names.has(receipt.uniqueId)) {
          expect(found).toContainEqual(receipt)
        }
      }
      const bases = new Set([...names].flatMap((name) => [name, withoutSuffix(name)]))
      for (const { uniqueId: name } of found) {
        expect(bases.has(name ?? '') || bases.has(withoutSuffix(name))).toBe(true)
      }
    }),
    { numRuns: 500 },
  )
})
