import type { Patience } from './patience.ts'
import type { Policy } from './policy.ts'
import type { AccountIdentity } from './ports/archive.ts'
import type { Progress } from './ports/events.ts'
import type { Maildrop } from './ports/maildrop.ts'

/** What one account's run works with, but for the archive. */
export interface SyncContext {
  readonly identity: AccountIdentity
  readonly maildrop: Maildrop
  readonly policy: Policy
  readonly progress: Progress
  readonly signal: AbortSignal
  /** Ms since the epoch. */
  readonly now: () => number
  /** Undefined: the run has one session, waits for nothing and tries nothing again. */
  readonly patience?: Patience | undefined
}
