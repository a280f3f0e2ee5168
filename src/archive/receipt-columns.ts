/**
 * Receipts in columns. An object for each of 100,000 costs some 20 MB, and cloned on the way between threads twice that on either
 * side; the columns cost a fifth, and are handed over as they are.
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

/** Octets of a receipt among the codes. */
const CODES = 3

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
  /** State, bound by and absence: indices into the lists above, `CODES` octets a receipt. */
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
    codes: new Uint8Array(CODES * count),
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
    columns.codes.set(
      [STATES.indexOf(state), BOUND_BY.indexOf(boundBy), absent ? 1 : 0],
      CODES * at,
    )
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

/** Receipts as they came in columns; an object is made only of one that is asked for. `Receipts` of the sync ports. */
export class ReceiptList {
  readonly uniqueIds: { readonly octets: Uint8Array; readonly ends: ArrayLike<number> }
  readonly #columns: ReceiptColumns
  readonly #made: Receipt[] = []
  #present: number | undefined

  constructor(columns: ReceiptColumns) {
    this.#columns = columns
    this.uniqueIds = { octets: columns.uniqueIds, ends: columns.ends.subarray(0, columns.count) }
  }

  get length(): number {
    return this.#columns.count
  }

  /** How many are not absent. */
  get present(): number {
    this.#present ??= this.#indices((index) => !this.isAbsent(index)).length
    return this.#present
  }

  /** The same objects each time. */
  get all(): readonly Receipt[] {
    for (let index = 0; index < this.length; index += 1) this.at(index)
    return this.#made
  }

  at(index: number): Receipt {
    const made = this.#made[index]
    if (made) return made
    const { messages, boundAt, attempts } = this.#columns
    const receipt: Receipt = {
      id: this.id(index),
      uniqueId: this.#uniqueId(index),
      occurrence: this.occurrence(index),
      octets: this.octets(index),
      message: known(messages[index], NO_MESSAGE),
      boundAt: boundAt[index] ?? 0,
      boundBy: this.boundBy(index),
      state: this.state(index),
      absent: this.isAbsent(index),
      attempts: attempts[index] || undefined,
    }
    this.#made[index] = receipt
    return receipt
  }

  inState(state: ReceiptState): readonly Receipt[] {
    return this.#indices((index) => this.state(index) === state).map((index) => this.at(index))
  }

  id(index: number): number {
    return this.#columns.ids[index] ?? 0
  }

  occurrence(index: number): number {
    return this.#columns.occurrences[index] ?? 1
  }

  octets(index: number): number | undefined {
    return known(this.#columns.octets[index], OCTETS_UNKNOWN)
  }

  state(index: number): ReceiptState {
    return STATES[this.#columns.codes[CODES * index] ?? 0] ?? 'stored'
  }

  boundBy(index: number): BoundBy | undefined {
    return BOUND_BY[this.#columns.codes[CODES * index + 1] ?? 0]
  }

  isAbsent(index: number): boolean {
    return this.#columns.codes[CODES * index + 2] === 1
  }

  #uniqueId(index: number): string | undefined {
    const { uniqueIds, ends } = this.#columns
    const start = index === 0 ? 0 : (ends[index - 1] ?? 0)
    const end = ends[index] ?? start
    if (end === start) return undefined
    const { buffer, byteOffset } = uniqueIds
    return Buffer.from(buffer, byteOffset + start, end - start).toString('latin1')
  }

  #indices(isWanted: (index: number) => boolean): readonly number[] {
    const indices: number[] = []
    for (let index = 0; index < this.length; index += 1) if (isWanted(index)) indices.push(index)
    return indices
  }
}

/** Receipts that are objects already, as a list of those in columns. */
export function receiptListOf(receipts: readonly Receipt[]): ReceiptList {
  return new ReceiptList(packReceipts(receipts.length, receipts))
}

function known(value: number | undefined, none: number): number | undefined {
  return value === none ? undefined : value
}
