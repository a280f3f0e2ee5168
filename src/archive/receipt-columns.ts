/**
 * Receipts in columns. An object for each of 100,000 costs some 20 MB, and cloned on the way between threads twice that on either
 * side; the columns cost a fifth, and are handed over as they are.
 */
import type { BoundBy, Receipt, ReceiptState } from './receipts.ts'
import { OCTETS_UNKNOWN } from './schema.ts'

export const STATES: readonly ReceiptState[] = [
  'stored',
  'removed',
  'delete sent',
  'deleted',
  'quarantined',
]
export const BOUND_BY: readonly (BoundBy | undefined)[] = [
  undefined,
  'digest',
  'canonical',
  'fingerprint',
  'recount',
]

/** A message that is not there, as a number. */
export const NO_MESSAGE = 0

/** Of a receipt. */
export const CODES = 3

export const DIGIT_0 = 0x30

const STORED = DIGIT_0 + STATES.indexOf('stored')
const REMOVED = DIGIT_0 + STATES.indexOf('removed')
const GUESSED = DIGIT_0 + BOUND_BY.indexOf('canonical')

/** UTF-16 units of a time such as 2026-11-23T21:18:00.000Z. */
export const TIME_UNITS = 24

export interface ReceiptColumns {
  readonly count: number
  readonly ids: Float64Array
  readonly messages: Float64Array
  readonly octets: Float64Array
  /** Times as the catalog has them, `TIME_UNITS` each, with commas between them: nobody asks for those of most receipts. */
  readonly boundAt: string
  readonly occurrences: Uint32Array
  readonly attempts: Uint32Array
  /** State, bound by and absence: digits, indices into the lists above, `CODES` of them a receipt. */
  readonly codes: Uint8Array
  /** The octets of all unique-ids, one behind the other; an empty one is none. */
  readonly uniqueIds: Uint8Array
  /** Where each of them ends. */
  readonly ends: Uint32Array
}

/** All of the pages, in their order. */
export function joinedColumns(pages: readonly ReceiptColumns[]): ReceiptColumns {
  const count = pages.reduce((sum, page) => sum + page.count, 0)
  const columns = {
    ids: new Float64Array(count),
    messages: new Float64Array(count),
    octets: new Float64Array(count),
    boundAt: pages.map(({ boundAt }) => boundAt).join(','),
    occurrences: new Uint32Array(count),
    attempts: new Uint32Array(count),
    codes: new Uint8Array(CODES * count),
    uniqueIds: new Uint8Array(pages.reduce((sum, { uniqueIds }) => sum + uniqueIds.length, 0)),
    ends: new Uint32Array(count),
  }
  let at = 0
  let end = 0
  for (const page of pages) {
    for (const name of ['ids', 'messages', 'octets', 'occurrences', 'attempts'] as const) {
      columns[name].set(page[name], at)
    }
    columns.codes.set(page.codes, CODES * at)
    columns.uniqueIds.set(page.uniqueIds, end)
    for (const pageEnd of page.ends) {
      columns.ends[at] = end + pageEnd
      at += 1
    }
    end += page.uniqueIds.length
  }
  return { count, ...columns }
}

/** What can be handed to another thread instead of copied; nothing is left here then. */
export function buffersOf(columns: ReceiptColumns): ArrayBuffer[] {
  return Object.values(columns).flatMap((column) =>
    ArrayBuffer.isView(column) && column.buffer instanceof ArrayBuffer ? column.buffer : [],
  )
}

/** Receipts as they came in columns; an object is made only of one that is asked for. `Receipts` of the sync ports. */
export class ReceiptList {
  readonly uniqueIds: { readonly octets: Uint8Array; readonly ends: Uint32Array }
  readonly #columns: ReceiptColumns
  readonly #made: Receipt[] = []
  #present: number | undefined

  constructor(columns: ReceiptColumns) {
    this.#columns = columns
    this.uniqueIds = { octets: columns.uniqueIds, ends: columns.ends }
  }

  get length(): number {
    return this.#columns.count
  }

  /** As listed, one behind the other; -1 where the server gave none. */
  get listedOctets(): Float64Array {
    return this.#columns.octets
  }

  /** Each is stored or removed, and not absent, the first of its unique-id, and bound by more than a canonical digest. */
  get areSettled(): boolean {
    const { codes, occurrences } = this.#columns
    for (let index = 0, at = 0; index < occurrences.length; index += 1, at += CODES) {
      const state = codes[at]
      const isSettled = (state === STORED || state === REMOVED) && codes[at + 1] !== GUESSED
      if (!isSettled || codes[at + 2] !== DIGIT_0 || occurrences[index] !== 1) return false
    }
    return true
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
    const { boundAt, attempts } = this.#columns
    const time = (TIME_UNITS + 1) * index
    const receipt: Receipt = {
      id: this.id(index),
      uniqueId: this.#uniqueId(index),
      occurrence: this.occurrence(index),
      octets: this.octets(index),
      message: this.message(index),
      boundAt: Date.parse(boundAt.slice(time, time + TIME_UNITS)),
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

  message(index: number): number | undefined {
    return known(this.#columns.messages[index], NO_MESSAGE)
  }

  octets(index: number): number | undefined {
    return known(this.#columns.octets[index], OCTETS_UNKNOWN)
  }

  state(index: number): ReceiptState {
    return STATES[this.#code(index, 0)] ?? 'stored'
  }

  boundBy(index: number): BoundBy | undefined {
    return BOUND_BY[this.#code(index, 1)]
  }

  isAbsent(index: number): boolean {
    return this.#code(index, 2) === 1
  }

  #code(index: number, which: number): number {
    return (this.#columns.codes[CODES * index + which] ?? DIGIT_0) - DIGIT_0
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

function known(value: number | undefined, none: number): number | undefined {
  return value === none ? undefined : value
}
