/** Receipts: what the archive remembers of each message that a maildrop listed. */
import type { UniqueId } from '../../pop3/listing.ts'
import type { UniqueIds } from '../../pop3/unique-id-column.ts'

/** States of a receipt. `delete sent`: DELE was about to be sent, and no listing has shown its effect yet. */
export type ReceiptState = 'stored' | 'removed' | 'delete sent' | 'deleted' | 'quarantined'

/** "This unique-id of this account, with this listed size, is that message." */
export interface Receipt {
  readonly id: number
  /** Undefined where the server gave none; such a receipt is matched by octets and fingerprint. */
  readonly uniqueId: UniqueId | undefined
  /** 1 for the first of equal unique-ids in a listing, 2 for the next... */
  readonly occurrence: number
  /** As listed; undefined where the server gave no usable size. */
  readonly octets: number | undefined
  /** Row of the message in the catalog; undefined only if quarantined. */
  readonly message: number | undefined
  /**
   * When the message was first bound to a receipt of this account, under whatever unique-id and size, ms since the epoch; of a
   * quarantined one, when it was last tried.
   */
  readonly boundAt: number
  readonly boundBy: BoundBy | undefined
  readonly state: ReceiptState
  /** The last complete listing did not show it. */
  readonly absent: boolean
  /**
   * Quarantined: how often it was tried. Any other: how often QUIT followed its DELE, and the message stayed as far as
   * anybody knows. Undefined is 0.
   */
  readonly attempts?: number | undefined
}

/**
 * All receipts of an account, by index, in any order; one that ascends by unique-id is compared faster. There may be a million, so
 * one is made an object only where it is asked for as a whole.
 */
export interface Receipts {
  readonly length: number
  /** How many are not absent. */
  readonly present: number
  /**
   * Each is known, without a further look, if it is listed with the same octets: it is stored or removed, and was in the last complete
   * listing, as the first of its unique-id; none is bound by nothing but a canonical digest.
   */
  readonly areSettled: boolean
  /** One without octets is none. */
  readonly uniqueIds: UniqueIds
  /** As listed; -1 where the server gave no usable size. */
  readonly listedOctets: Float64Array
  /** The same objects each time. */
  readonly all: readonly Receipt[]
  at(index: number): Receipt
  inState(state: ReceiptState): readonly Receipt[]
  id(index: number): number
  occurrence(index: number): number
  octets(index: number): number | undefined
  message(index: number): number | undefined
  state(index: number): ReceiptState
  boundBy(index: number): BoundBy | undefined
  isAbsent(index: number): boolean
}

function noReceipt(): never {
  throw new RangeError('there is no receipt')
}

export const NO_RECEIPTS: Receipts = {
  length: 0,
  present: 0,
  areSettled: true,
  uniqueIds: { octets: new Uint8Array(0), ends: new Uint32Array(0) },
  listedOctets: new Float64Array(0),
  all: [],
  inState: () => [],
  at: noReceipt,
  id: noReceipt,
  occurrence: noReceipt,
  octets: noReceipt,
  message: noReceipt,
  state: noReceipt,
  boundBy: noReceipt,
  isAbsent: noReceipt,
}

/** The row of a listing as a receipt will name it. */
export interface ReceiptKey {
  readonly uniqueId: UniqueId | undefined
  readonly occurrence: number
  readonly octets: number | undefined
}

/** How a receipt was bound to its message. */
export type BoundBy = 'digest' | 'canonical' | 'fingerprint' | 'recount'
