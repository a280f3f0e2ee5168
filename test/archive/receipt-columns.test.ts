import fc from 'fast-check'
import { expect, it } from 'vitest'
import { packReceipts, unpackReceipts } from '../../src/archive/receipt-columns.ts'
import type { Receipt } from '../../src/archive/receipts.ts'

const octetText = fc
  .uint8Array({ minLength: 1, maxLength: 1024 })
  .map((octets) => Buffer.from(octets).toString('latin1'))

const receipt: fc.Arbitrary<Receipt> = fc.record({
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
    fc.property(fc.array(receipt, { maxLength: 20 }), (receipts) => {
      const cloned = structuredClone(packReceipts(receipts.length, receipts))
      expect(unpackReceipts(cloned)).toEqual(receipts)
    }),
  )
})
