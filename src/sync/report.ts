import type { PlannedRow } from './plan.ts'
import type { RunCounts } from './ports/archive.ts'
import type { ReceiptKey } from './ports/receipt.ts'
import { Unbound } from './unbound.ts'

/** A message that the server refused to hand over. */
export interface Refusal {
  readonly messageNumber: number
  readonly key: ReceiptKey
  readonly serverText: string
}

/** A message that was, or would be, retrieved or deleted. */
export interface ListedItem {
  readonly messageNumber: number
  readonly uniqueId: string | undefined
  readonly octets: number | undefined
  /** Only of one that the archive knows: its own date, RFC 3339 UTC, and its subject. */
  readonly date?: string | undefined
  readonly subject?: string | undefined
}

/** How one account's run ended. */
export interface AccountResult {
  readonly account: string
  /** Undefined if the run reached its end; messages may still have been refused (`counts.failed`). */
  readonly error: unknown
  readonly counts: RunCounts
  /** Listed messages that the archive had already. */
  readonly known: number
  /** Messages to be retrieved that a limit left for the next run. */
  readonly postponed: number
  readonly renamedFrom: string | undefined
  readonly refusals: readonly Refusal[]
  /** Only of a dry run: what would be done. */
  readonly preview: Preview | undefined
}

/** How the run of an account ended, from what its sessions found. */
export function resultOf(
  account: string,
  { tally, known, postponed, refusals }: Findings,
  {
    error,
    renamedFrom,
    preview,
  }: Partial<Pick<AccountResult, 'error' | 'renamedFrom' | 'preview'>>,
): AccountResult {
  return {
    ...{ account, error, counts: { ...tally }, known, postponed, refusals },
    ...{ renamedFrom, preview },
  }
}

/** What a dry run would do. */
export interface Preview {
  readonly retrieve: readonly ListedItem[]
  readonly delete: readonly ListedItem[]
}

/** Counts while a run goes on. */
export interface Tally {
  listed: number
  retrieved: number
  stored: number
  octets: number
  deleted: number
  failed: number
}

export function emptyTally(): Tally {
  return { listed: 0, retrieved: 0, stored: 0, octets: 0, deleted: 0, failed: 0 }
}

/** What the sessions of a run found, so far. */
export interface Findings {
  readonly tally: Tally
  known: number
  postponed: number
  readonly refusals: Refusal[]
  /** Messages, and their listed octets, that limits of the run have to count. */
  readonly answered: { messages: number; octets: number }
  /** Those that this run made; some may be there twice. */
  readonly receipts: number[]
  readonly unbound: Unbound
  /** It was said that a clock keeps messages from being deleted. */
  isClockTold: boolean
}

export function noFindings(): Findings {
  return {
    ...{ tally: emptyTally(), known: 0, postponed: 0, refusals: [] },
    answered: { messages: 0, octets: 0 },
    receipts: [],
    unbound: new Unbound(),
    isClockTold: false,
  }
}

export function asItem({ row }: PlannedRow): ListedItem {
  return { messageNumber: row.messageNumber, uniqueId: row.uniqueId, octets: row.octets }
}
