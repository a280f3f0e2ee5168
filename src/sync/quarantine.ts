/**
 * When a message that could not be retrieved is tried again. Pure.
 *
 * | failures | tried again                                     |
 * | -------- | ----------------------------------------------- |
 * | 1 to 4   | in each run, alone and behind all others        |
 * | 5        | a day after the last try                        |
 * | 6 to 9   | after 2, 4, 8, 16 days                          |
 * | more     | after 30 days, for as long as the server has it |
 *
 * A row without unique-id never rests: a new message may have its size. A try that the owner asks for before its time is not
 * counted.
 */
import type { FreshRows } from './fresh-rows.ts'
import { faceOf, type PlannedRow } from './plan.ts'
import type { Receipt, ReceiptKey, Receipts } from './ports/receipt.ts'

/** Servers mend themselves within days, or never: a run a night finds the first, and leaves the second alone. */
const FREE_FAILURES = 5

const DAY_MS = 24 * 3600 * 1000

const PAUSES_MS: readonly number[] = [1, 2, 4, 8, 16, 30].map((days) => days * DAY_MS)

/** How often, and when, a message could not be retrieved. Times in ms since the epoch. */
export interface Failures {
  readonly attempts: number
  readonly lastAt: number
}

/** When it is tried again, ms since the epoch; undefined: in each run. */
export function nextTryAt({ attempts, lastAt }: Failures): number | undefined {
  if (attempts < FREE_FAILURES) return undefined
  const pause = PAUSES_MS[Math.min(attempts - FREE_FAILURES, PAUSES_MS.length - 1)]
  return pause === undefined ? undefined : lastAt + pause
}

/** Rows to be retrieved, by what is known of earlier tries. */
export interface Triage {
  /** Never tried. */
  readonly healthy: FreshRows
  /** Failed before and are due: each alone, behind all others. */
  readonly retries: readonly PlannedRow[]
  /** Failed before and are not due yet, or were tried in this run. */
  readonly resting: readonly PlannedRow[]
}

/**
 * Divides `fresh` by the quarantined ones of `receipts`; each part keeps its order. `now` in ms since the epoch;
 * `retryAll`: nothing rests but what was `tried` in this run.
 */
export function triage(
  fresh: FreshRows,
  receipts: Receipts,
  {
    now,
    retryAll,
    tried,
  }: { readonly now: number; readonly retryAll: boolean; readonly tried: readonly ReceiptKey[] },
): Triage {
  if (fresh.length === 0) return { healthy: fresh, retries: [], resting: [] }
  const failed = new Map<string, Receipt>()
  for (const receipt of receipts.inState('quarantined')) failed.set(faceOf(receipt), receipt)
  if (failed.size === 0) return { healthy: fresh, retries: [], resting: [] }
  const triedFaces = new Set(tried.map(faceOf))
  const parts: Record<'retries' | 'resting', PlannedRow[]> = { retries: [], resting: [] }
  for (const planned of fresh) {
    const face = faceOf(planned.key)
    const receipt = failed.get(face)
    if (receipt === undefined) continue
    if (triedFaces.has(face)) parts.resting.push(planned)
    else if (retryAll || planned.key.uniqueId === undefined || isDue(receipt, now)) {
      parts.retries.push(planned)
    } else parts.resting.push(planned)
  }
  return { healthy: fresh.filter(({ key }) => !failed.has(faceOf(key))), ...parts }
}

/** Faces of those that rest now: if their owner has them tried, and they fail again, they rest no longer for it. */
export function restingFaces(receipts: Receipts, now: number): ReadonlySet<string> {
  const isResting = (receipt: Receipt) => receipt.uniqueId !== undefined && !isDue(receipt, now)
  return new Set(receipts.inState('quarantined').filter(isResting).map(faceOf))
}

function isDue({ attempts = 0, boundAt }: Receipt, now: number): boolean {
  const at = nextTryAt({ attempts, lastAt: boundAt })
  // A clock that was set back must not let anything rest for years.
  return at === undefined || now >= at || now < boundAt
}
