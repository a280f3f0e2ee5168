import type { Listing } from '../pop3/listing-join.ts'
import type { MatchedRow, PlannedRow } from './plan.ts'
import type { Receipts } from './ports/receipt.ts'

/** Rows of a listing and receipts, pair by pair, by their indices. */
interface Pairs {
  readonly listing: Listing
  readonly receipts: Receipts
  readonly rowIndices: readonly number[]
  readonly receiptIndices: readonly number[]
}

/**
 * Listed rows with the receipts that they match, each receipt once. Objects are made where they are asked for: of 100,000 rows
 * that were known yesterday too, nobody needs more than the number.
 */
export class Matches {
  readonly length: number
  readonly #pairs: Pairs | undefined
  #all: readonly MatchedRow[] | undefined
  #areAsBefore: boolean | undefined

  private constructor(length: number, pairs?: Pairs, all?: readonly MatchedRow[]) {
    this.length = length
    this.#pairs = pairs
    this.#all = all
  }

  static of(rows: readonly MatchedRow[]): Matches {
    return new Matches(rows.length, undefined, rows)
  }

  static ofPairs(pairs: Pairs): Matches {
    return new Matches(pairs.rowIndices.length, pairs)
  }

  /** The same objects each time. */
  get all(): readonly MatchedRow[] {
    this.#all ??= this.#pairs ? matchedRows(this.#pairs) : []
    return this.#all
  }

  /** Ids of the receipts. */
  get receipts(): readonly number[] {
    if (!this.#pairs) return this.all.map(({ receipt }) => receipt.id)
    const { receipts, receiptIndices } = this.#pairs
    return receiptIndices.map((index) => receipts.id(index))
  }

  /** Of the receipts; undefined of one that has none. */
  get messages(): readonly (number | undefined)[] {
    if (!this.#pairs) return this.all.map(({ receipt }) => receipt.message)
    const { receipts, receiptIndices } = this.#pairs
    return receiptIndices.map((index) => receipts.message(index))
  }

  /**
   * Whether these are the receipts that the last complete listing showed, all and no others, and none of them was to be gone:
   * nothing has changed. False says nothing.
   */
  get areAsBefore(): boolean {
    this.#areAsBefore ??= this.#pairs !== undefined && areAsBefore(this.#pairs)
    return this.#areAsBefore
  }

  /** Whether one is bound by nothing but a canonical digest. */
  get hasGuess(): boolean {
    if (!this.#pairs) return this.all.some(({ receipt }) => receipt.boundBy === 'canonical')
    const { receipts, receiptIndices } = this.#pairs
    return receiptIndices.some((index) => receipts.boundBy(index) === 'canonical')
  }

  without(rows: readonly PlannedRow[]): Matches {
    if (rows.length === 0) return this
    const others = new Set(rows.map(({ row }) => row))
    return Matches.of(this.all.filter(({ row }) => !others.has(row)))
  }

  /** With further ones. */
  and(rows: readonly MatchedRow[]): Matches {
    return rows.length === 0 ? this : Matches.of([...this.all, ...rows])
  }
}

function matchedRows({ listing, receipts, rowIndices, receiptIndices }: Pairs): MatchedRow[] {
  return rowIndices.map((rowIndex, place) => {
    const receipt = receipts.at(receiptIndices[place] ?? 0)
    // The receipt is its own key: equal in all three.
    return { row: listing.at(rowIndex), key: receipt, receipt }
  })
}

function areAsBefore({ receipts, receiptIndices }: Pairs): boolean {
  const isAsBefore = (index: number): boolean => {
    const state = receipts.state(index)
    return !receipts.isAbsent(index) && state !== 'deleted' && state !== 'delete sent'
  }
  return receiptIndices.length === receipts.present && receiptIndices.every(isAsBefore)
}
