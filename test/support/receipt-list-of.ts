import { BOUND_BY, DIGIT_0, ReceiptList, STATES } from '../../src/archive/receipt-columns.ts'
import { OCTETS_UNKNOWN } from '../../src/archive/schema.ts'
import type { Receipt } from '../../src/sync/ports/receipt.ts'

/** Receipts that are objects already, as those are that come in columns. */
export function receiptListOf(receipts: readonly Receipt[]): ReceiptList {
  const uniqueIds = receipts.map(({ uniqueId = '' }) => uniqueId)
  return new ReceiptList({
    count: receipts.length,
    ids: Float64Array.from(receipts, ({ id }) => id),
    messages: Float64Array.from(receipts, ({ message = 0 }) => message),
    octets: Float64Array.from(receipts, ({ octets = OCTETS_UNKNOWN }) => octets),
    boundAt: receipts.map(({ boundAt }) => new Date(boundAt).toISOString()).join(','),
    occurrences: Uint32Array.from(receipts, ({ occurrence }) => occurrence),
    attempts: Uint32Array.from(receipts, ({ attempts = 0 }) => attempts),
    codes: Uint8Array.from(
      receipts.flatMap(({ state, boundBy, absent }) => [
        DIGIT_0 + STATES.indexOf(state),
        DIGIT_0 + BOUND_BY.indexOf(boundBy),
        DIGIT_0 + (absent ? 1 : 0),
      ]),
    ),
    uniqueIds: new Uint8Array(Buffer.from(uniqueIds.join(''), 'latin1')),
    ends: Uint32Array.from(uniqueIds, (_, at) => uniqueIds.slice(0, at + 1).join('').length),
  })
}
