/** The look at the maildrop that one session begins with: told, and counted. */
import { type Compared, compareMaildrop } from './compare.ts'
import type { SyncContext } from './context.ts'
import { type ClockDoubt, clockDoubt } from './due.ts'
import type { Matches } from './matches.ts'
import { moveText } from './move.ts'
import type { MatchedRow, PlannedRow } from './plan.ts'
import type { LedgerView } from './ports/ledger.ts'
import type { MaildropSession } from './ports/maildrop.ts'
import type { Receipts } from './ports/receipt.ts'
import type { Findings } from './report.ts'
import { isKnownToShowParts } from './server-sense.ts'

const NOTHING = { listed: 0, known: 0 }

export interface SurveyOptions {
  readonly session: MaildropSession
  readonly ledger: LedgerView
  readonly findings: Findings
  /** As for `compareMaildrop`. */
  readonly asked?: Promise<Receipts> | undefined
  /** Unique-ids that the session before this one listed and left there; undefined unless this is a further look. */
  readonly former?: ReadonlySet<string> | undefined
}

/** Compares the listing with the archive. What was found goes into `findings`; what an owner may want to hear is told. */
export async function survey(
  context: SyncContext,
  { session, ledger, findings, asked, former }: SurveyOptions,
): Promise<Compared> {
  const { identity, policy, progress, now } = context
  const account = identity.name
  const compared = await compareMaildrop(session, ledger, {
    mayBeOtherPart:
      former !== undefined || isKnownToShowParts(policy, ledger.facts, session.capabilities),
    ...{ now: now(), asked },
    onRows: (rows, total) => progress({ type: 'listing', account, rows, total }),
    onMove: (verdict) => {
      const text = moveText(verdict, ledger.moved, identity)
      if (text !== undefined) progress({ type: 'notice', account, code: 'MOVED', text })
    },
    onRenumbered: (recognised, fresh) => {
      const counts = [recognised, fresh].map((count) => count.toLocaleString('en-US'))
      const text = `the server renumbered its unique-ids: ${counts[0]} recognised by header, ${counts[1]} to retrieve`
      progress({ type: 'notice', account, code: 'RENUMBERED', text })
    },
  })
  countIn(findings, compared, former)
  tellClock(compared.known, context, findings)
  return compared
}

/** A further look adds what the last one did not show; what this run retrieved itself was not known to it. */
function countIn(
  findings: Findings,
  { listed, known, fresh }: Compared,
  former: ReadonlySet<string> | undefined,
): void {
  const { tally, receipts } = findings
  const isSeen = ({ key: { uniqueId } }: PlannedRow) =>
    uniqueId !== undefined && former?.has(uniqueId) === true
  if (!former && receipts.length === 0) {
    tally.listed = listed
    findings.known = known.length
    return
  }
  const made = new Set(receipts)
  const isKnown = (row: MatchedRow) => !made.has(row.receipt.id) && !isSeen(row)
  const before = former ? { listed: tally.listed, known: findings.known } : NOTHING
  tally.listed = before.listed + listed - [...known.all, ...fresh].filter(isSeen).length
  findings.known = before.known + known.all.filter(isKnown).length
}

/** Says once why messages stay that may be old enough: a clock was not set. */
function tellClock(
  known: Matches,
  { identity, policy, progress, now }: SyncContext,
  findings: Findings,
): void {
  if (findings.isClockTold || policy.delete === 'never') return
  const doubt = clockDoubt(known.all, policy, now())
  if (doubt === undefined) return
  findings.isClockTold = true
  const text = `${clockText(doubt, now())}; --delete takes all that is stored, whatever its age`
  const account = identity.name
  progress({ type: 'notice', account, code: 'CLOCK_NOT_SET', text, isWarning: true })
}

function clockText(doubt: ClockDoubt, now: number): string {
  if (doubt.clock === 'now') {
    const today = new Date(now).toISOString().slice(0, 10)
    return `nothing is deleted by age: the clock of this machine says ${today}, which is before most messages were archived, or before popkeep was`
  }
  const messages = doubt.messages === 1 ? 'a message stays' : `${doubt.messages} messages stay`
  return `${messages} on the server: archived by a clock that was not set, so that their age is unknown`
}
