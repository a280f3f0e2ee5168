/** What one session is to retrieve, within the owner's limits. Pure. */
import type { Compared } from './compare.ts'
import type { FreshRows } from './fresh-rows.ts'
import { applyLimits, faceOf, type PlannedRow, type RetrievedRow } from './plan.ts'
import type { Policy } from './policy.ts'
import { triage } from './quarantine.ts'
import type { Findings } from './report.ts'

export interface RetrievalPlan {
  readonly fresh: FreshRows
  /** Those that could not be retrieved in former runs. */
  readonly retries: readonly PlannedRow[]
  /** Known ones that are to be compared before their DELE. */
  readonly again: readonly PlannedRow[]
  /** Those that came short in a run that was broken off. */
  readonly onceMore: readonly RetrievedRow[]
  /** How many the limits leave for the next run. */
  readonly postponed: number
}

/** What asks for a retrieval, and what bounds it. */
export interface RetrievalDemand {
  readonly doubtful: readonly PlannedRow[]
  readonly onceMore: readonly RetrievedRow[]
  readonly policy: Policy
  /** Ms since the epoch. */
  readonly now: number
  /** Of the run so far: what it tried already rests until the next, and what it retrieved counts. */
  readonly findings: Findings
  /** Rows that this session is for; undefined: all. */
  readonly isWanted?: ((planned: PlannedRow) => boolean) | undefined
}

/** What is new comes first; the limits cut behind all kinds. */
export function planRetrieval(compared: Compared, demand: RetrievalDemand): RetrievalPlan {
  const { policy, now, findings, isWanted } = demand
  const tried = findings.refusals.map(({ key }) => key)
  const retryAll = policy.retryQuarantined === true
  const wanted = isWanted ? compared.fresh.filter(isWanted) : compared.fresh
  const { healthy, retries } = triage(wanted, compared.receipts, { now, retryAll, tried })
  const rests = new Set(tried.map(faceOf))
  const mayBeAsked = (planned: PlannedRow) =>
    (isWanted?.(planned) ?? true) && !rests.has(faceOf(planned.key))
  const doubtful = demand.doubtful.filter(mayBeAsked)
  const onceMore = demand.onceMore.filter(mayBeAsked)
  const all = { fresh: healthy, retries, again: doubtful, onceMore, postponed: 0 }
  if (policy.maxMessages === undefined && policy.limitOctets === undefined) return all
  // Not the first so many: a limit may leave out one in the middle.
  const kept = new Set(withinLimits(rowsOf(all), policy, findings).map(messageNumberOf))
  const isKept = (planned: PlannedRow) => kept.has(messageNumberOf(planned))
  return {
    fresh: healthy.filter(isKept),
    retries: retries.filter(isKept),
    again: doubtful.filter(isKept),
    onceMore: onceMore.filter(isKept),
    postponed: lengthOf(all) - kept.size,
  }
}

/** All rows of a plan; new ones first. */
export function* rowsOf({ fresh, retries, again, onceMore }: RetrievalPlan): Iterable<PlannedRow> {
  yield* fresh
  yield* retries
  yield* again
  yield* onceMore
}

/** How many rows a plan has. */
export function lengthOf({ fresh, retries, again, onceMore }: RetrievalPlan): number {
  return fresh.length + retries.length + again.length + onceMore.length
}

/** Of all rows of a plan, as listed. */
export function octetsOf({ fresh, retries, again, onceMore }: RetrievalPlan): number {
  const others = [...retries, ...again, ...onceMore]
  return others.reduce((sum, { row }) => sum + (row.octets ?? 0), fresh.octets)
}

function messageNumberOf({ row }: PlannedRow): number {
  return row.messageNumber
}

/** What former sessions of the run retrieved counts too. */
function withinLimits(
  rows: Iterable<PlannedRow>,
  policy: Policy,
  { answered: { messages, octets } }: Findings,
): readonly PlannedRow[] {
  const left = (limit: number | undefined, used: number) =>
    limit === undefined ? undefined : limit - used
  const maxMessages = left(policy.maxMessages, messages)
  const limitOctets = left(policy.limitOctets, octets)
  const isUsedUp = messages > 0 && ((maxMessages ?? 1) <= 0 || (limitOctets ?? 1) <= 0)
  return isUsedUp ? [] : applyLimits(rows, { ...policy, maxMessages, limitOctets })
}
