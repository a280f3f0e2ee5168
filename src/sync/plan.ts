/** What is planned for the rows of a listing, and what is written down of it. Pure. */
import type { ListedMessage } from '../pop3/listing.ts'
import type { Policy } from './policy.ts'
import type { Stored } from './ports/intake.ts'
import type { Receipt, ReceiptKey, Receipts } from './ports/receipt.ts'

/** A listed row with the key that its receipt has or will have. */
export interface PlannedRow {
  readonly row: ListedMessage
  readonly key: ReceiptKey
}

/** An array of them, or `FreshRows`. */
export type PlannedRows = Iterable<PlannedRow> & { readonly length: number }

/** A row whose message and receipt are durable. */
export interface RetrievedRow extends PlannedRow {
  readonly stored: Omit<Stored, 'receipt' | 'digest'> & {
    readonly receipt: number
    /** Undefined where it came in a former run. */
    readonly digest: string | undefined
  }
}

/** A listed row and the receipt that it matches. */
export interface MatchedRow extends PlannedRow {
  readonly receipt: Receipt
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
  receipts: Receipts,
  known: KnownReceipts,
  fresh: PlannedRows,
  recounted: readonly MatchedRow[] = [],
): ListingChanges {
  const deleted: number[] = []
  const undeleted: number[] = []
  const absent: number[] = []
  const present: number[] = []
  if (known.areAsBefore && fresh.length + recounted.length === 0)
    return { deleted, undeleted, absent, present }
  const listed = new Set(known.receipts)
  const replaced = new Set(recounted.map(({ receipt }) => receipt.id))
  const quarantined = receipts.inState('quarantined')
  if (quarantined.length > 0) {
    const keys = new Set<string>()
    for (const { key } of fresh) keys.add(faceOf(key))
    for (const receipt of quarantined) if (keys.has(faceOf(receipt))) listed.add(receipt.id)
  }
  for (let index = 0; index < receipts.length; index += 1) {
    const id = receipts.id(index)
    const state = receipts.state(index)
    const wasAbsent = receipts.isAbsent(index)
    const isListed = listed.has(id)
    const isAbsent = !isListed || replaced.has(id)
    if (isListed && (state === 'delete sent' || state === 'deleted')) undeleted.push(id)
    if (!isListed && state === 'delete sent') deleted.push(id)
    if (isAbsent && !wasAbsent) absent.push(id)
    if (!isAbsent && wasAbsent) present.push(id)
  }
  return { deleted, undeleted, absent, present }
}

/** The receipts of known rows; `Matches` says what is what. */
interface KnownReceipts {
  readonly receipts: readonly number[]
  readonly areAsBefore: boolean
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
  rows: Iterable<PlannedRow>,
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
