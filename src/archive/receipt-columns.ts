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

/** Most servers' fit, and most of them are as long as each other. */
const USUAL_UNIQUE_ID_OCTETS = 24

export interface ReceiptColumns {
  readonly count: number
  readonly ids: Float64Array
  readonly messages: Float64Array
  readonly octets: Float64Array
  readonly boundAt: Float64Array
  readonly occurrences: Uint32Array
  readonly attempts: Uint32Array
  /** State, bound by and absence: indices into the lists above, three octets a receipt. */
  readonly codes: Uint8Array
  /** The octets of all unique-ids, one behind the other; an empty one is none. */
  readonly uniqueIds: Uint8Array
  /** Where each of them ends. */
  readonly ends: Float64Array
}

/** Packs at most `count` receipts. */
export function packReceipts(count: number, receipts: Iterable<Receipt>): ReceiptColumns {
  const columns = {
    ids: new Float64Array(count),
    messages: new Float64Array(count),
    octets: new Float64Array(count),
    boundAt: new Float64Array(count),
    occurrences: new Uint32Array(count),
    attempts: new Uint32Array(count),
    codes: new Uint8Array(3 * count),
    ends: new Float64Array(count),
  }
  let uniqueIds = Buffer.alloc(USUAL_UNIQUE_ID_OCTETS * count)
  let end = 0
  let at = 0
  for (const receipt of receipts) {
    const { uniqueId = '' } = receipt
    if (end + uniqueId.length > uniqueIds.length) {
      uniqueIds = Buffer.concat([
        uniqueIds,
        Buffer.alloc((uniqueIds.length >> 1) + uniqueId.length),
      ])
    }
    end += uniqueIds.write(uniqueId, end, 'latin1')
    columns.ends[at] = end
    columns.ids[at] = receipt.id
    columns.messages[at] = receipt.message ?? NO_MESSAGE
    columns.octets[at] = receipt.octets ?? OCTETS_UNKNOWN
    columns.boundAt[at] = receipt.boundAt
    columns.occurrences[at] = receipt.occurrence
    columns.attempts[at] = receipt.attempts ?? 0
    const { state, boundBy, absent } = receipt
    columns.codes.set([STATES.indexOf(state), BOUND_BY.indexOf(boundBy), absent ? 1 : 0], 3 * at)
    at += 1
    if (at === count) break
  }
  return { ...columns, count: at, uniqueIds: Uint8Array.prototype.slice.call(uniqueIds, 0, end) }
}

/** What can be handed to another thread instead of copied; nothing is left here then. */
export function buffersOf(columns: ReceiptColumns): ArrayBuffer[] {
  return Object.values(columns).flatMap((column) =>
    ArrayBuffer.isView(column) && column.buffer instanceof ArrayBuffer ? column.buffer : [],
  )
}

export function unpackReceipts(columns: ReceiptColumns): Receipt[] {
  const { count, ids, messages, octets, boundAt, occurrences, attempts, codes, ends } = columns
  const uniqueIds = Buffer.from(columns.uniqueIds.buffer)
  let start = 0
  return Array.from({ length: count }, (_, at) => {
    const end = ends[at] ?? start
    const uniqueId = end > start ? uniqueIds.toString('latin1', start, end) : undefined
    start = end
    return {
      id: ids[at] ?? 0,
      uniqueId,
      occurrence: occurrences[at] ?? 1,
      octets: known(octets[at], OCTETS_UNKNOWN),
      message: known(messages[at], NO_MESSAGE),
      boundAt: boundAt[at] ?? 0,
      boundBy: BOUND_BY[codes[3 * at + 1] ?? 0],
      state: STATES[codes[3 * at] ?? 0] ?? 'stored',
      absent: codes[3 * at + 2] === 1,
      attempts: attempts[at] || undefined,
    }
  })
}

function known(value: number | undefined, none: number): number | undefined {
  return value === none ? undefined : value
}
