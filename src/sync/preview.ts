/** What a dry run can say of deletion before anything is retrieved. Sends TOP and changes nothing. */
import { headerFacts } from '../message/facts.ts'
import { firstDueAt, isDueAtOnce, mayLeave, newest } from './due.ts'
import type { MatchedRow, PlannedRow } from './plan.ts'
import type { Policy } from './policy.ts'
import type { SyncEvent } from './ports/events.ts'
import type { LedgerView, MessageTraits } from './ports/ledger.ts'
import type { MaildropSession } from './ports/maildrop.ts'

export interface Arrivals {
  /** Those that would leave the server in the run that retrieves them. */
  readonly due: readonly PlannedRow[]
  /** How many may or may not: the server does not show their headers. */
  readonly untold: number
}

/**
 * Of the rows that would be retrieved, those that would be deleted behind that. Where the own date of a message decides,
 * its header is asked for; else only that of the first, which may be the internal data of a mail folder.
 */
export async function dueArrivals(
  session: MaildropSession,
  ledger: LedgerView,
  {
    known,
    fresh,
    policy,
    now,
  }: {
    readonly known: readonly MatchedRow[]
    readonly fresh: readonly PlannedRow[]
    readonly policy: Policy
    readonly now: number
  },
): Promise<Arrivals> {
  if (policy.delete === 'never' || policy.delete.afterMs > 0) return { due: [], untold: 0 }
  const isAtOnce = isDueAtOnce(policy)
  const told = fresh.filter(({ row }) => row.isRepeated !== true)
  const asked = isAtOnce ? told.filter(({ row }) => row.messageNumber === 1) : told
  const traits = await traitsByHeader(session, asked, now)
  const kept = await newestOf(ledger, known, { traits, policy })
  const due = told.filter((planned) => {
    const shown = traits.get(planned)
    if (shown === undefined) return isAtOnce
    return !kept.has(planned) && mayLeave(shown, policy, now)
  })
  return { due, untold: isAtOnce ? 0 : told.length - traits.size }
}

/** Says that the dry run could not tell of all. */
export function untoldNotice(account: string, { untold }: Arrivals): SyncEvent {
  const which = untold === 1 ? 'a new message' : `${untold} new messages`
  const text = `whether ${which} would be deleted shows only once retrieved: the server does not show their headers`
  return { type: 'notice', account, code: 'PREVIEW_INCOMPLETE', text, isWarning: true }
}

/** Says why nothing would be deleted where only the age of what the archive has is in the way, and when that ends. */
export async function nothingDueNotice(
  account: string,
  ledger: LedgerView,
  {
    known,
    policy,
    now,
  }: { readonly known: readonly MatchedRow[]; readonly policy: Policy; readonly now: number },
): Promise<SyncEvent | undefined> {
  if (policy.delete === 'never') return undefined
  const { afterMs, olderMs } = policy.delete
  if (afterMs === 0 && olderMs === undefined) return undefined
  const messages = new Set(known.flatMap(({ receipt }) => receipt.message ?? []))
  const first = firstDueAt(known, await ledger.traits([...messages]), { policy, now })
  if (first === undefined) return undefined
  const reasons = [
    ...(afterMs > 0 ? [`has been in the archive for ${formatDuration(afterMs)}`] : []),
    ...(olderMs === undefined ? [] : [`is dated ${formatDuration(olderMs)} ago`]),
  ]
  const day = new Date(first).toISOString().slice(0, 10)
  const text = `none ${reasons.join(' and ')} yet; the first is due ${day}`
  return { type: 'notice', account, code: 'NOTHING_DUE', text }
}

const DAY_MS = 24 * 3600 * 1000

/** As options have it: in years or days where it is whole ones, else in hours. */
function formatDuration(ms: number): string {
  if (ms % (365 * DAY_MS) === 0) return `${ms / (365 * DAY_MS)}y`
  return ms % DAY_MS === 0 ? `${ms / DAY_MS}d` : `${Math.ceil(ms / 3_600_000)}h`
}

/** Without those whose header the server does not show; empty where it has no TOP. */
async function traitsByHeader(
  session: MaildropSession,
  asked: readonly PlannedRow[],
  now: number,
): Promise<ReadonlyMap<PlannedRow, MessageTraits>> {
  const traits = new Map<PlannedRow, MessageTraits>()
  const planned = new Map(asked.map((one) => [one.row, one]))
  await session.headers(planned.keys(), (row, header) => {
    const one = planned.get(row)
    if (one === undefined || header === undefined) return
    const { date, subject } = headerFacts(header)
    traits.set(one, {
      octets: row.octets ?? 0,
      date: date === null ? undefined : Date.parse(date),
      archivedAt: now,
      subject: subject ?? undefined,
      isShort: false,
    })
  })
  return traits
}

/** Those of the arrivals that would be among the newest messages of the maildrop. */
async function newestOf(
  ledger: LedgerView,
  known: readonly MatchedRow[],
  {
    traits,
    policy,
  }: {
    readonly traits: ReadonlyMap<PlannedRow, MessageTraits>
    readonly policy: Policy
  },
): Promise<ReadonlySet<PlannedRow>> {
  if (policy.keepLatest === undefined || traits.size === 0) return new Set()
  const messages = new Set(known.flatMap(({ receipt }) => receipt.message ?? []))
  const all = new Map(await ledger.traits([...messages]))
  // They will be the last in the catalog: their rows come behind all others.
  let next = 0
  for (const message of messages) next = Math.max(next, message)
  const arrivals = new Map<number, PlannedRow>()
  for (const [planned, one] of traits) {
    next += 1
    arrivals.set(next, planned)
    all.set(next, one)
  }
  return new Set([...newest(all, policy.keepLatest)].flatMap((id) => arrivals.get(id) ?? []))
}
