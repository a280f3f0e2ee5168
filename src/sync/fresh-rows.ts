import type { Listing } from '../pop3/listing-join.ts'
import { isNone } from '../pop3/unique-id-column.ts'
import type { PlannedRow } from './plan.ts'

/** The index of a row in the listing where its occurrence is 1, as it nearly always is; else the row. */
export type FreshRow = number | PlannedRow

/**
 * Rows to be retrieved, of one listing and in the order of its message numbers. An object is made of a row when it is reached,
 * anew each time, and not kept: of 100,000 that are retrieved one behind the other, some thousand are needed at a time. So a row is
 * known again by its message number.
 */
export class FreshRows implements Iterable<PlannedRow> {
  readonly length: number
  readonly #listing: Listing
  readonly #rows: readonly FreshRow[]

  private constructor(listing: Listing, rows: readonly FreshRow[]) {
    this.length = rows.length
    this.#listing = listing
    this.#rows = rows
  }

  /** In any order. */
  static of(listing: Listing, rows: readonly FreshRow[]): FreshRows {
    const numbers = Float64Array.from(rows, (row) => messageNumberOf(listing, row))
    const isInOrder = numbers.every((number, index) => number >= (numbers[index - 1] ?? 0))
    const inOrder = (a: FreshRow, b: FreshRow) =>
      messageNumberOf(listing, a) - messageNumberOf(listing, b)
    return new FreshRows(listing, isInOrder ? rows : rows.toSorted(inOrder))
  }

  /** As listed; a row without octets counts for none. */
  get octets(): number {
    let octets = 0
    for (const row of this.#rows) {
      octets += (typeof row === 'number' ? this.#listing.octets(row) : row.row.octets) ?? 0
    }
    return octets
  }

  /** Those with a unique-id. */
  get named(): FreshRows {
    return this.#only((row) => this.#isNamed(row))
  }

  /** Those without. */
  get unnamed(): FreshRows {
    return this.#only((row) => !this.#isNamed(row))
  }

  *[Symbol.iterator](): Iterator<PlannedRow> {
    for (const row of this.#rows) yield plannedRow(this.#listing, row)
  }

  filter(isKept: (planned: PlannedRow) => boolean): FreshRows {
    return this.#only((row) => isKept(plannedRow(this.#listing, row)))
  }

  /** With further ones of the same listing. */
  and(rows: readonly PlannedRow[]): FreshRows {
    return rows.length === 0 ? this : FreshRows.of(this.#listing, [...this.#rows, ...rows])
  }

  #only(isKept: (row: FreshRow) => boolean): FreshRows {
    const kept = this.#rows.filter(isKept)
    return kept.length === this.length ? this : new FreshRows(this.#listing, kept)
  }

  #isNamed(row: FreshRow): boolean {
    if (typeof row === 'object') return row.key.uniqueId !== undefined
    return !isNone(this.#listing.uniqueIds, row)
  }
}

/** The row at an index of the listing, with the key that its receipt has or will have. */
export function plannedRowAt(listing: Listing, index: number, occurrence: number): PlannedRow {
  const row = listing.at(index)
  return { row, key: { uniqueId: row.uniqueId, occurrence, octets: row.octets } }
}

function plannedRow(listing: Listing, row: FreshRow): PlannedRow {
  return typeof row === 'number' ? plannedRowAt(listing, row, 1) : row
}

function messageNumberOf(listing: Listing, row: FreshRow): number {
  return typeof row === 'number' ? listing.messageNumber(row) : row.row.messageNumber
}
