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
import type { ListedMessage, UniqueId } from '../pop3/listing.ts'
import type { Policy } from './policy.ts'
import type { Stored } from './ports/intake.ts'
import type { Receipt, ReceiptKey } from './ports/receipt.ts'

/** A listed row with the key that its receipt has or will have. */
export interface PlannedRow {
  readonly row: ListedMessage
  readonly key: ReceiptKey
}

/** A row whose message and receipt are durable. */
export interface RetrievedRow extends PlannedRow {
  readonly stored: Stored & { readonly receipt: number }
}

/** A listed row and the receipt that it matches. */
export interface MatchedRow extends PlannedRow {
  readonly receipt: Receipt
}

export interface Comparison {
  readonly known: readonly MatchedRow[]
  readonly fresh: readonly PlannedRow[]
  /** The server counts octets anew, so it seems: each is asked for by TOP before anything is retrieved. */
  readonly resized: readonly MatchedRow[]
  /** Rows without unique-id that only TOP or retrieval can tell. */
  readonly unnamed: readonly PlannedRow[]
}

/** Above this share of resized rows the server's counting changed, not its messages. */
const RECOUNT_SHARE = 0.2

/**
 * Sorts the rows of one listing. `lastAccessed` is the reply to LAST where it is to be believed: rows above it are
 * new to everybody, so they are not asked for by TOP first.
 */
export function compareListing(
  rows: readonly ListedMessage[],
  receipts: readonly Receipt[],
  lastAccessed?: number,
): Comparison {
  const { named, unnamedOctets } = indexReceipts(receipts, {
    isPartial: rows.some(({ uniqueId }) => uniqueId === undefined),
  })
  const repeated = countRepeated(rows)
  const seen = new Map<UniqueId, number>()
  const known: MatchedRow[] = []
  const fresh: PlannedRow[] = []
  const resized: MatchedRow[] = []
  const unnamed: PlannedRow[] = []
  for (const row of rows) {
    const { uniqueId, octets } = row
    if (uniqueId === undefined) {
      const isNew =
        !unnamedOctets.has(octets) ||
        (lastAccessed !== undefined && row.messageNumber > lastAccessed)
      const list = isNew ? fresh : unnamed
      list.push({ row, key: { uniqueId, occurrence: 1, octets } })
      continue
    }
    const times = repeated.get(uniqueId) ?? 1
    const occurrence = times === 1 ? 1 : (seen.get(uniqueId) ?? 0) + 1
    if (times > 1) seen.set(uniqueId, occurrence)
    const found = named.get(uniqueId)
    const group = found && (Array.isArray(found) ? found : [found])
    const isTold = group !== undefined && !isShuffled(group, times)
    const namesake = isTold ? group.filter((r) => r.occurrence === occurrence) : []
    const equal = namesake.find((r) => r.octets === octets)
    if (equal) {
      // The receipt is its own key: equal in all three.
      known.push({ row, key: equal, receipt: equal })
      continue
    }
    const key: ReceiptKey = { uniqueId, occurrence, octets }
    const [other] = namesake
    if (other) resized.push({ row, key, receipt: other })
    else fresh.push({ row, key })
  }
  if (resized.length <= RECOUNT_SHARE * (known.length + resized.length)) {
    for (const { row, key } of resized) fresh.push({ row, key })
    fresh.sort((a, b) => a.row.messageNumber - b.row.messageNumber)
    return { known, fresh, resized: [], unnamed }
  }
  return { known, fresh, resized, unnamed }
}

/**
 * Receipts by unique-id, and the octets of those without; if `isPartial`, also of those that should be listed: their rows
 * may lack a unique-id now. Not the quarantined, which are tried again.
 */
function indexReceipts(receipts: readonly Receipt[], { isPartial }: { isPartial: boolean }) {
  const named = new Map<UniqueId, Receipt | Receipt[]>()
  const unnamedOctets = new Set<number | undefined>()
  for (const receipt of receipts) {
    if (receipt.state === 'quarantined') continue
    if (receipt.uniqueId === undefined) {
      unnamedOctets.add(receipt.octets)
      continue
    }
    if (isPartial && !receipt.absent) unnamedOctets.add(receipt.octets)
    const group = named.get(receipt.uniqueId)
    // Nearly every unique-id has one receipt: no list for each.
    if (!group) named.set(receipt.uniqueId, receipt)
    else if (Array.isArray(group)) group.push(receipt)
    else named.set(receipt.uniqueId, [group, receipt])
  }
  return { named, unnamedOctets }
}

/** How often each unique-id is listed that is listed more than once. */
function countRepeated(rows: readonly ListedMessage[]): Map<UniqueId, number> {
  const seen = new Set<UniqueId>()
  const repeated = new Map<UniqueId, number>()
  for (const { uniqueId } of rows) {
    if (uniqueId === undefined) continue
    if (seen.has(uniqueId)) repeated.set(uniqueId, (repeated.get(uniqueId) ?? 1) + 1)
    else seen.add(uniqueId)
  }
  return repeated
}

/** Equal unique-ids whose number changed: which of them is gone or new, only their octets can tell. */
function isShuffled(group: readonly Receipt[], times: number): boolean {
  const present = group.filter((r) => !r.absent && !isDeleted(r)).length
  return present !== times && Math.max(present, times) > 1
}

function isDeleted({ state }: Receipt): boolean {
  return state === 'deleted' || state === 'delete sent'
}

/** What a listing changes about receipts, in one commit. */
export interface ListingChanges {
  readonly deleted: readonly number[]
  readonly undeleted: readonly number[]
  readonly absent: readonly number[]
  readonly present: readonly number[]
}

/**
 * Compares receipts with a complete listing, in which `known` rows matched one and `fresh` rows none. Only changes are
 * named. A quarantined receipt is listed if a fresh row has its key. Those of `known` that are in `recounted` are listed
 * under other octets: their receipts make room for new ones.
 */
export function listingChanges(
  receipts: readonly Receipt[],
  known: readonly MatchedRow[],
  fresh: readonly PlannedRow[],
  recounted: readonly MatchedRow[] = [],
): ListingChanges {
  const listed = new Set(known.map(({ receipt }) => receipt.id))
  const replaced = new Set(recounted.map(({ receipt }) => receipt.id))
  const quarantined = receipts.filter(({ state }) => state === 'quarantined')
  if (quarantined.length > 0) {
    const keys = new Set(fresh.map(({ key }) => faceOf(key)))
    for (const receipt of quarantined) if (keys.has(faceOf(receipt))) listed.add(receipt.id)
  }
  const deleted: number[] = []
  const undeleted: number[] = []
  const absent: number[] = []
  const present: number[] = []
  for (const { id, state, absent: wasAbsent } of receipts) {
    const isListed = listed.has(id)
    const isAbsent = !isListed || replaced.has(id)
    if (isListed && (state === 'delete sent' || state === 'deleted')) undeleted.push(id)
    if (!isListed && state === 'delete sent') deleted.push(id)
    if (isAbsent && !wasAbsent) absent.push(id)
    if (!isAbsent && wasAbsent) present.push(id)
  }
  return { deleted, undeleted, absent, present }
}

/** What tells keys apart, as one string. */
export function faceOf({ uniqueId, occurrence, octets }: ReceiptKey): string {
  return `${occurrence} ${octets} ${uniqueId}`
}

/** Whether there is anything to write. A steady listing has not. */
export function isEmpty(changes: ListingChanges): boolean {
  return Object.values(changes).every((ids) => ids.length === 0)
}

/**
 * Cuts a retrieval list at the limits that the owner set. A first message always is retrieved; a later one that is larger
 * than the whole limit waits until it is the first, and those behind it do not wait with it.
 */
export function applyLimits(
  rows: readonly PlannedRow[],
  { maxMessages = Number.POSITIVE_INFINITY, limitOctets = Number.POSITIVE_INFINITY }: Policy,
): readonly PlannedRow[] {
  const within: PlannedRow[] = []
  let total = 0
  for (const planned of rows) {
    const { octets = 0 } = planned.row
    if (within.length >= maxMessages) break
    if (within.length > 0 && octets > limitOctets) continue
    total += octets
    if (within.length > 0 && total > limitOctets) break
    within.push(planned)
  }
  return within
}
