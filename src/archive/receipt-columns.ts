/**
 * Receipts on their way between threads: in columns. Cloning an object for each of 100,000 costs some 50 MB on either
 * side; the columns cost a tenth of it.
 */
import type { BoundBy, Receipt, ReceiptState } from './receipts.ts'
import { OCTETS_UNKNOWN } from './schema.ts'

const STATES: readonly ReceiptState[] = [
  'stored',
  'removed',
  'delete sent',
  'deleted',
  'quarantined',
]
const BOUND_BY: readonly (BoundBy | undefined)[] = [
  undefined,
  'digest',
  'canonical',
  'fingerprint',
  'recount',
]

/** A message that is not there, as a number. */
const NO_MESSAGE = 0

export interface ReceiptColumns {
  readonly ids: Float64Array
  readonly messages: Float64Array
  readonly octets: Float64Array
  readonly boundAt: Float64Array
  readonly occurrences: Float64Array
  /** State, bound by and absence: indices into the lists above, three octets a receipt. */
  readonly codes: Uint8Array
  /** The octets of all unique-ids, one behind the other; an empty one is none. */
  readonly uniqueIds: Uint8Array
  /** Where each of them ends. */
  readonly ends: Float64Array
}

export function packReceipts(receipts: Iterable<Receipt>): ReceiptColumns {
  const ids: number[] = []
  const messages: number[] = []
  const octets: number[] = []
  const boundAt: number[] = []
  const occurrences: number[] = []
  const codes: number[] = []
  const ends: number[] = []
  let uniqueIds = Buffer.alloc(4096)
  let end = 0
  for (const receipt of receipts) {
    const { uniqueId = '' } = receipt
    if (end + uniqueId.length > uniqueIds.length) {
      uniqueIds = Buffer.concat([uniqueIds, Buffer.alloc(uniqueIds.length + uniqueId.length)])
    }
    end += uniqueIds.write(uniqueId, end, 'latin1')
    ends.push(end)
    ids.push(receipt.id)
    messages.push(receipt.message ?? NO_MESSAGE)
    octets.push(receipt.octets ?? OCTETS_UNKNOWN)
    boundAt.push(receipt.boundAt)
    occurrences.push(receipt.occurrence)
    codes.push(STATES.indexOf(receipt.state), BOUND_BY.indexOf(receipt.boundBy))
    codes.push(receipt.absent ? 1 : 0)
  }
  return {
    ids: Float64Array.from(ids),
    messages: Float64Array.from(messages),
    octets: Float64Array.from(octets),
    boundAt: Float64Array.from(boundAt),
    occurrences: Float64Array.from(occurrences),
    codes: Uint8Array.from(codes),
    uniqueIds: Uint8Array.prototype.slice.call(uniqueIds, 0, end),
    ends: Float64Array.from(ends),
  }
}

export function unpackReceipts(columns: ReceiptColumns): Receipt[] {
  const { ids, messages, octets, boundAt, occurrences, codes, ends } = columns
  const uniqueIds = Buffer.from(columns.uniqueIds.buffer)
  let start = 0
  return Array.from(ids, (id, at) => {
    const end = ends[at] ?? start
    const uniqueId = end > start ? uniqueIds.toString('latin1', start, end) : undefined
    start = end
    return {
      id,
      uniqueId,
      occurrence: occurrences[at] ?? 1,
      octets: known(octets[at], OCTETS_UNKNOWN),
      message: known(messages[at], NO_MESSAGE),
      boundAt: boundAt[at] ?? 0,
      boundBy: BOUND_BY[codes[3 * at + 1] ?? 0],
      state: STATES[codes[3 * at] ?? 0] ?? 'stored',
      absent: codes[3 * at + 2] === 1,
    }
  })
}

function known(value: number | undefined, none: number): number | undefined {
  return value === none ? undefined : value
}
