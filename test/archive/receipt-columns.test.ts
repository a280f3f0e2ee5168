import fc from 'fast-check'
import { expect, it } from 'vitest'
import { packReceipts, ReceiptList } from '../../src/archive/receipt-columns.ts'
import type { Receipt } from '../../src/archive/receipts.ts'

const octetText = fc
  .uint8Array({ minLength: 1, maxLength: 1024 })
  .map((octets) => Buffer.from(octets).toString('latin1'))

const anyReceipt: fc.Arbitrary<Receipt> = fc.record({
  id: fc.integer({ min: 1 }),
  uniqueId: fc.option(octetText, { nil: undefined }),
  occurrence: fc.integer({ min: 1 }),
  octets: fc.option(fc.maxSafeNat(), { nil: undefined }),
  message: fc.option(fc.integer({ min: 1 }), { nil: undefined }),
  boundAt: fc.maxSafeNat(),
  boundBy: fc.constantFrom(undefined, 'digest', 'canonical', 'fingerprint', 'recount'),
  state: fc.constantFrom('stored', 'removed', 'delete sent', 'deleted', 'quarantined'),
  absent: fc.boolean(),
})

it('comes back from its columns as it went', () => {
  fc.assert(
    fc.property(fc.array(anyReceipt, { maxLength: 20 }), (receipts) => {
      const cloned = structuredClone(packReceipts(receipts.length, receipts))
      const list = new ReceiptList(cloned)
      expect(list.all).toEqual(receipts)
      expect(list.length).toBe(receipts.length)
      expect(list.present).toBe(receipts.filter(({ absent }) => !absent).length)
      const { ends, octets } = list.uniqueIds
      let start = 0
      for (const [index, receipt] of receipts.entries()) {
        const { uniqueId = '', message: _, boundAt: __, ...rest } = receipt
        expect(list.at(index)).toBe(list.all[index])
        expect(Buffer.from(octets.subarray(start, ends[index])).toString('latin1')).toBe(uniqueId)
        start = ends[index] ?? 0
        expect({
          id: list.id(index),
          occurrence: list.occurrence(index),
          octets: list.octets(index),
          boundBy: list.boundBy(index),
          state: list.state(index),
          absent: list.isAbsent(index),
        }).toMatchObject(rest)
        expect(list.inState(rest.state)).toContain(list.at(index))
      }
    }),
  )
})
