import type { Account } from './accounts.ts'
import type { IdSet } from './id-set.ts'

/** Whose messages they are: one account in one run. */
export interface Owner {
  readonly account: Account
  readonly run: number
  /** Messages and receipts that rows of the present listing have taken. */
  readonly claimedMessages: IdSet
  readonly claimedReceipts: IdSet
  /** Messages that a receipt was written of in this run. */
  readonly boundMessages: IdSet
  /** Messages of former sessions that rows of this run turned out to be, by their digest. */
  readonly exactMessages: IdSet
  /** Messages that ended so far, and up to which of them it was said whether they are those of their rows. */
  ended: number
  judged: number
  /** Of these, the turns of those that may be others. */
  readonly doubted: Set<number>
}
