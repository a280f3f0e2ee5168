import type { Listing } from '../pop3/listing-join.ts'
import type { MatchedRow, PlannedRow } from './plan.ts'
import type { Receipts } from './ports/receipt.ts'

/** Rows of a listing with receipts. */
interface Pairs {
  readonly listing: Listing
  readonly receipts: Receipts
  /** Which with which, pair by pair; undefined: the row and the receipt at each index. */
  readonly indices?: Indices | undefined
}

interface Indices {
  readonly rows: readonly number[]
  readonly receipts: readonly number[]
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

  static ofPairs(listing: Listing, receipts: Receipts, indices: Indices): Matches {
    return new Matches(indices.rows.length, { listing, receipts, indices })
  }

  /** Each row with the receipt at its index, of which all are settled and no other is there. */
  static ofSettled(listing: Listing, receipts: Receipts): Matches {
    return new Matches(listing.length, { listing, receipts })
  }

  /** The same objects each time. */
  get all(): readonly MatchedRow[] {
    this.#all ??= this.#pairs ? matchedRows(this.#pairs) : []
    return this.#all
  }

  /** Ids of the receipts. */
  get receipts(): readonly number[] {
    const pairs = this.#pairs
    if (!pairs) return this.all.map(({ receipt }) => receipt.id)
    return receiptIndices(pairs).map((index) => pairs.receipts.id(index))
  }

  /** Of the receipts; undefined of one that has none. */
  get messages(): readonly (number | undefined)[] {
    const pairs = this.#pairs
    if (!pairs) return this.all.map(({ receipt }) => receipt.message)
    return receiptIndices(pairs).map((index) => pairs.receipts.message(index))
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
    const pairs = this.#pairs
    if (!pairs) return this.all.some(({ receipt }) => receipt.boundBy === 'canonical')
    return pairs.indices?.receipts.some((i) => pairs.receipts.boundBy(i) === 'canonical') ?? false
  }

  without(rows: readonly PlannedRow[]): Matches {
    if (rows.length === 0) return this
    const others = new Set(rows.map(({ row }) => row.messageNumber))
    return Matches.of(this.all.filter(({ row }) => !others.has(row.messageNumber)))
  }

  /** With further ones. */
  and(rows: readonly MatchedRow[]): Matches {
    return rows.length === 0 ? this : Matches.of([...this.all, ...rows])
  }
}

function receiptIndices({ receipts, indices }: Pairs): readonly number[] {
  return indices?.receipts ?? Array.from({ length: receipts.length }, (_, index) => index)
}

function matchedRows(pairs: Pairs): MatchedRow[] {
  const { listing, receipts, indices } = pairs
  return receiptIndices(pairs).map((index, place) => {
    const receipt = receipts.at(index)
    // The receipt is its own key: equal in all three.
    return { row: listing.at(indices?.rows[place] ?? place), key: receipt, receipt }
  })
}

function areAsBefore({ receipts, indices }: Pairs): boolean {
  if (!indices) return true
  const isAsBefore = (index: number): boolean => {
    const state = receipts.state(index)
    return !receipts.isAbsent(index) && state !== 'deleted' && state !== 'delete sent'
  }
  return indices.receipts.length === receipts.present && indices.receipts.every(isAsBefore)
}
