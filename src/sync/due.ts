/**
 * Which messages the owner wants off the server now. Pure. Deletion itself asks for more (I1, in delete-rows.ts).
 *
 * | the message                                                   | leaves the server              |
 * | ------------------------------------------------------------- | ------------------------------ |
 * | in the archive for less than `afterMs`                        | not yet                        |
 * | archived, or to be judged, by a clock that was not set        | not yet                        |
 * | dated less than `olderMs` ago, or without a date to believe   | not yet; never without a date  |
 * | one of the newest `keepLatest` of the maildrop                | not yet                        |
 * | removed from the archive by its owner                         | only with `deleteRemoved`      |
 * | shorter than its server's listing allows                      | only with `deleteShort`        |
 * | still listed behind three DELEs                               | only with `deleteAgain`        |
 * | internal data of a mail folder                                | never                          |
 * | its message number listed twice                               | not by this listing            |
 */
import type { ListingChanges, MatchedRow } from './plan.ts'
import type { Policy } from './policy.ts'
import type { MessageTraits } from './ports/ledger.ts'
import type { Receipts } from './ports/receipt.ts'

/** A server that was asked so often keeps its messages on purpose. */
export const MOST_DELETIONS = 3

/**
 * UW IMAP and Pine keep a mbox's state in its first message, and POP3 servers on such a file list it. Without it all
 * unique-ids are new.
 */
const FOLDER_DATA = "DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA"

/** RFC 822. What is dated before it comes from a clock that began at 1970 or 1980. */
const FIRST_BELIEVED = Date.parse('1982-08-13T00:00:00Z')

/** Nobody had popkeep before: a clock that says so was not set. */
const FIRST_RUN = Date.parse('2020-01-01T00:00:00Z')

/** Machines that share an archive differ by less. */
const CLOCK_SLACK_MS = 24 * 3600 * 1000

/**
 * Whether a message that this account has in the archive since `boundAt` is past the first clock. Both in ms since the epoch.
 * Where age decides, neither may come from a clock that was not set.
 */
export function isDue(policy: Policy, boundAt: number, now: number): boolean {
  if (policy.delete === 'never') return false
  const { afterMs } = policy.delete
  if (afterMs === 0) return true
  return isSet(now) && isSet(boundAt) && now - boundAt >= afterMs
}

function isSet(time: number): boolean {
  return time >= FIRST_RUN
}

/** Why the age of messages says nothing: the clock of now, or that of the time at which so many were archived. */
export type ClockDoubt =
  | { readonly clock: 'now' }
  | { readonly clock: 'then'; readonly messages: number }

/**
 * Whether age decides, and cannot. Where most of the known rows were archived later than now it is this clock that is wrong.
 * It is behind then, so that nothing goes too early by it.
 */
export function clockDoubt(
  known: readonly MatchedRow[],
  policy: Policy,
  now: number,
): ClockDoubt | undefined {
  if (policy.delete === 'never') return undefined
  const { afterMs, olderMs } = policy.delete
  if (afterMs === 0 && olderMs === undefined) return undefined
  if (!isSet(now)) return { clock: 'now' }
  const stored = known.filter(({ receipt: { message } }) => message !== undefined)
  const later = stored.filter(({ receipt }) => receipt.boundAt > now + CLOCK_SLACK_MS).length
  if (later * 2 > stored.length) return { clock: 'now' }
  if (afterMs === 0) return undefined
  const messages = later + stored.filter(({ receipt }) => !isSet(receipt.boundAt)).length
  return messages === 0 ? undefined : { clock: 'then', messages }
}

/** Whether the owner asks for more than that a message is in the archive: for how long it is. */
export function hasToAge(policy: Policy): boolean {
  return policy.delete !== 'never' && policy.delete.afterMs > 0
}

/** Whether what is new is due as soon as it is stored, as far as that can be said before it is retrieved. */
export function isDueAtOnce(policy: Policy): boolean {
  return (
    policy.delete !== 'never' &&
    !hasToAge(policy) &&
    policy.delete.olderMs === undefined &&
    policy.keepLatest === undefined
  )
}

/** The known rows that may be due, as far as their receipts say. */
export function dueRows(
  known: readonly MatchedRow[],
  policy: Policy,
  now: number,
): readonly MatchedRow[] {
  if (policy.delete === 'never' || clockDoubt(known, policy, now)?.clock === 'now') return []
  return known.filter(
    ({ row, receipt }) =>
      receipt.message !== undefined &&
      row.isRepeated !== true &&
      (receipt.state !== 'removed' || policy.deleteRemoved) &&
      ((receipt.attempts ?? 0) < MOST_DELETIONS || policy.deleteAgain === true) &&
      isDue(policy, receipt.boundAt, now),
  )
}

/**
 * When the first of the known rows is due, where time alone keeps it on the server; ms since the epoch. Undefined where there
 * is none, or one that has had its time: something else is in its way.
 */
export function firstDueAt(
  known: readonly MatchedRow[],
  traits: ReadonlyMap<number, MessageTraits>,
  { policy, now }: { readonly policy: Policy; readonly now: number },
): number | undefined {
  if (policy.delete === 'never' || clockDoubt(known, policy, now) !== undefined) return undefined
  const { afterMs, olderMs } = policy.delete
  const kept = policy.keepLatest === undefined ? new Set() : newest(traits, policy.keepLatest)
  const latest = Number.MAX_SAFE_INTEGER
  const asked = { ...policy, delete: { afterMs: 0, olderMs: olderMs && 0 } }
  let first: number | undefined
  for (const { receipt } of dueRows(known, asked, latest)) {
    const { message } = receipt
    const shown = message === undefined ? undefined : traits.get(message)
    if (message === undefined || shown === undefined) continue
    if (kept.has(message) || !mayLeave(shown, asked, latest)) continue
    const byDate = olderMs === undefined ? 0 : (shown.date ?? 0) + olderMs
    const at = Math.max(receipt.boundAt + afterMs, byDate)
    if (first === undefined || at < first) first = at
  }
  return first === undefined || first <= now ? undefined : first
}

/** Whether nothing that the archive knows of a message keeps it on the server. `now` in ms since the epoch. */
export function mayLeave(
  { date, subject, isShort }: MessageTraits,
  policy: Policy,
  now: number,
): boolean {
  if (policy.delete === 'never' || subject === FOLDER_DATA) return false
  if (isShort && policy.deleteShort !== true) return false
  const { olderMs } = policy.delete
  if (olderMs === undefined) return true
  return isSet(now) && date !== undefined && date >= FIRST_BELIEVED && now - date >= olderMs
}

/** The newest `count` messages: by their own date, or the time of archiving where that says nothing, as `list` has them. */
export function newest(
  traits: ReadonlyMap<number, MessageTraits>,
  count: number,
): ReadonlySet<number> {
  const ages = [...traits].map(([id, { date, archivedAt }]) => ({ id, at: date ?? archivedAt }))
  ages.sort((a, b) => b.at - a.at || b.id - a.id)
  return new Set(ages.slice(0, count).map(({ id }) => id))
}

/** How many of the messages that a listing showed again were asked for the last time to be deleted. */
export function ignoredDeletions(
  receipts: Receipts,
  { undeleted }: Pick<ListingChanges, 'undeleted'>,
): number {
  if (undeleted.length === 0) return 0
  const shown = new Set(undeleted)
  return receipts
    .inState('delete sent')
    .filter(({ id, attempts = 0 }) => shown.has(id) && attempts >= MOST_DELETIONS).length
}
