/**
 * Compares a listing with the receipts: what is known, what is new, what is doubtful. Pure.
 *
 * | listed row                                          | receipts                               | the row is |
 * | --------------------------------------------------- | -------------------------------------- | ---------- |
 * | unique-id, occurrence and octets                    | one equal in all three                 | known      |
 * | same unique-id and occurrence, other octets         | few such rows                          | new        |
 * | same unique-id and occurrence, other octets         | more than a fifth of the known rows    | resized    |
 * | unique-id listed k times                            | j present receipts, j != k, one above 1 | new (all k) |
 * | unique-id unheard of, or only quarantined           | -                                      | new        |
 * | no unique-id, above LAST                            | -                                      | new        |
 * | no unique-id                                        | none without one, and none that is     | new        |
 * |                                                     | present, has its octets                |            |
 * | no unique-id                                        | one of these has its octets            | unnamed    |
 *
 * A receipt whose octets no row shows is absent; nothing is forgotten.
 */
import type { Listing } from '../pop3/listing-join.ts'
import { isNone, type UniqueIds } from '../pop3/unique-id-column.ts'
import { type FreshRow, FreshRows, plannedRowAt } from './fresh-rows.ts'
import { Matches } from './matches.ts'
import type { MatchedRow, PlannedRow } from './plan.ts'
import type { Receipts } from './ports/receipt.ts'
import { UniqueIdIndex } from './unique-id-index.ts'
import { equalsInOrder, isAscending } from './unique-id-order.ts'

export interface Comparison {
  readonly known: Matches
  readonly fresh: FreshRows
  /** The server counts octets anew, so it seems: each is asked for by TOP before anything is retrieved. */
  readonly resized: readonly MatchedRow[]
  /** Rows without unique-id that only TOP or retrieval can tell. */
  readonly unnamed: readonly PlannedRow[]
}

/** In place of the index of a receipt. */
const NONE = -1

/** Above this share of resized rows the server's counting changed, not its messages. */
const RECOUNT_SHARE = 0.2

export interface ListingOptions {
  /**
   * The reply to LAST where it is to be believed: rows above it are new to everybody, so they are not asked for by TOP first.
   */
  readonly lastAccessed?: number | undefined
  /** What `areSteady` says of the receipts, where it was asked before. */
  readonly areSteady?: boolean
}

/** Sorts the rows of one listing. */
export function compareListing(
  listing: Listing,
  receipts: Receipts,
  options: ListingOptions = {},
): Comparison {
  const { lastAccessed } = options
  if ((options.areSteady ?? areSteady(receipts)) && isUnchanged(listing, receipts)) {
    return {
      known: Matches.ofSettled(listing, receipts),
      fresh: FreshRows.of(listing, []),
      ...{ resized: [], unnamed: [] },
    }
  }
  const { uniqueIds } = listing
  const names = new ReceiptNames(receipts)
  const { groups, repeated } = groupRows(listing, receipts, names)
  const seen = new Map<number, number>()
  const known = { rows: [] as number[], receipts: [] as number[] }
  const fresh: FreshRow[] = []
  const resized: MatchedRow[] = []
  const unnamed: PlannedRow[] = []
  let unnamedOctets: ReadonlySet<number | undefined> | undefined
  for (let index = 0; index < listing.length; index += 1) {
    const octets = listing.octets(index)
    if (isNone(uniqueIds, index)) {
      unnamedOctets ??= octetsToBeNamed(receipts)
      const isNew =
        !unnamedOctets.has(octets) ||
        (lastAccessed !== undefined && listing.messageNumber(index) > lastAccessed)
      if (isNew) fresh.push(index)
      else unnamed.push(plannedRowAt(listing, index, 1))
      continue
    }
    const group = groups[index] ?? 0
    const times = repeated.get(group) ?? 1
    const occurrence = times === 1 ? 1 : (seen.get(group) ?? 0) + 1
    if (times > 1) seen.set(group, occurrence)
    const receipt = group < 0 ? NONE : names.match(group, { times, occurrence, octets })
    if (receipt === NONE) {
      fresh.push(occurrence === 1 ? index : plannedRowAt(listing, index, occurrence))
    } else if (receipts.octets(receipt) === octets) {
      known.rows.push(index)
      known.receipts.push(receipt)
    } else
      resized.push({ ...plannedRowAt(listing, index, occurrence), receipt: receipts.at(receipt) })
  }
  const matches = Matches.ofPairs(listing, receipts, known)
  if (resized.length > RECOUNT_SHARE * (matches.length + resized.length)) {
    return { known: matches, fresh: FreshRows.of(listing, fresh), resized, unnamed }
  }
  for (const { row, key } of resized) fresh.push({ row, key })
  return { known: matches, fresh: FreshRows.of(listing, fresh), resized: [], unnamed }
}

/** Whether a listing that is equal to them row by row is known as a whole. To be asked while the server is waited for. */
export function areSteady(receipts: Receipts): boolean {
  return receipts.areSettled && isAscending(receipts.uniqueIds)
}

/** Row by row what the last listing showed, in the order of unique-ids: what a night without mail ends with, at once. */
function isUnchanged(listing: Listing, receipts: Receipts): boolean {
  return (
    areEqual(listing.listedOctets, receipts.listedOctets) &&
    areEqual(listing.uniqueIds.ends, receipts.uniqueIds.ends) &&
    areEqual(listing.uniqueIds.octets, receipts.uniqueIds.octets)
  )
}

/** Of one kind, octet by octet, which Node compares at the pace of memory. */
function areEqual<T extends Uint8Array | Uint32Array | Float64Array>(a: T, b: T): boolean {
  return octetsOf(a).equals(octetsOf(b))
}

function octetsOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** Octets of receipts without unique-id, and of those that should be listed: their rows may lack one now. */
function octetsToBeNamed(receipts: Receipts): ReadonlySet<number | undefined> {
  const octets = new Set<number | undefined>()
  for (let index = 0; index < receipts.length; index += 1) {
    if (receipts.state(index) === 'quarantined') continue
    const isNameless = isNone(receipts.uniqueIds, index)
    if (isNameless || !receipts.isAbsent(index)) octets.add(receipts.octets(index))
  }
  return octets
}

interface RowGroups {
  /** Of each row: the first receipt with its unique-id; where there is none, -1 less the index of the first row with it. */
  readonly groups: Int32Array
  /** How often unique-ids are listed that are so more than once, by group. */
  readonly repeated: ReadonlyMap<number, number>
}

/** Rows with one unique-id are a group. */
function groupRows(listing: Listing, receipts: Receipts, names: ReceiptNames): RowGroups {
  const { uniqueIds, length } = listing
  const inOrder = equalsInOrder(uniqueIds, receipts.uniqueIds)
  if (inOrder) {
    const isHeard = (index: number) => index >= 0 && receipts.state(index) !== 'quarantined'
    return {
      groups: inOrder.map((index, row) => (isHeard(index) ? index : -1 - row)),
      repeated: new Map(),
    }
  }
  const groups = new Int32Array(length)
  const repeated = new Map<number, number>()
  const isSeen = new Uint8Array(receipts.length)
  let unheard: UniqueIdIndex | undefined
  for (let index = 0; index < length; index += 1) {
    if (isNone(uniqueIds, index)) continue
    let group = names.find(uniqueIds, index)
    let isFirst = isSeen[group] === 0
    if (group >= 0) isSeen[group] = 1
    else {
      unheard ??= new UniqueIdIndex(uniqueIds)
      const first = unheard.add(index)
      group = -1 - first
      isFirst = first === index
    }
    groups[index] = group
    if (!isFirst) repeated.set(group, (repeated.get(group) ?? 1) + 1)
  }
  return { groups, repeated }
}

/** Receipts by unique-id, each by its index. Not the quarantined, which are tried again. */
class ReceiptNames {
  readonly #receipts: Receipts
  #index: UniqueIdIndex | undefined
  /** Those that share a unique-id, by the first of them: nearly all have their own. Filled with the index. */
  readonly #several = new Map<number, number[]>()

  constructor(receipts: Receipts) {
    this.#receipts = receipts
  }

  /** The first receipt with this unique-id, or NONE. */
  find(uniqueIds: UniqueIds, index: number): number {
    this.#index ??= this.#indexed()
    return this.#index.find(uniqueIds, index)
  }

  /**
   * Of those that share the unique-id of `first`, the one with this occurrence, where it is listed so many times, and with these
   * octets if there is one; or NONE. `first` is of `find`, or of receipts that all have a unique-id of their own.
   */
  match(
    first: number,
    {
      times,
      occurrence,
      octets,
    }: { times: number; occurrence: number; octets: number | undefined },
  ): number {
    const receipts = this.#receipts
    const several = this.#several.get(first)
    if (several === undefined) {
      return times === 1 && receipts.occurrence(first) === occurrence ? first : NONE
    }
    if (this.#isShuffled(several, times)) return NONE
    const namesakes = several.filter((index) => receipts.occurrence(index) === occurrence)
    return namesakes.find((index) => receipts.octets(index) === octets) ?? namesakes[0] ?? NONE
  }

  #indexed(): UniqueIdIndex {
    const receipts = this.#receipts
    const { uniqueIds, length } = receipts
    const found = new UniqueIdIndex(uniqueIds)
    for (let index = 0; index < length; index += 1) {
      if (isNone(uniqueIds, index) || receipts.state(index) === 'quarantined') continue
      const first = found.add(index)
      if (first === index) continue
      const several = this.#several.get(first)
      if (several) several.push(index)
      else this.#several.set(first, [first, index])
    }
    return found
  }

  /** Equal unique-ids whose number changed: which of them is gone or new, only their octets can tell. */
  #isShuffled(group: readonly number[], times: number): boolean {
    const present = group.filter((index) => this.#isPresent(index)).length
    return present !== times && Math.max(present, times) > 1
  }

  #isPresent(index: number): boolean {
    const state = this.#receipts.state(index)
    return !this.#receipts.isAbsent(index) && state !== 'deleted' && state !== 'delete sent'
  }
}
