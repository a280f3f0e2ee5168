/** One session that only says what a sync would do. */
import type { SyncContext } from './context.ts'
import { checkDueRows } from './delete-rows.ts'
import { dueNow } from './deletion.ts'
import { shortOnce } from './once-more.ts'
import type { MatchedRow, PlannedRow } from './plan.ts'
import type { LedgerView } from './ports/ledger.ts'
import type { MaildropSession } from './ports/maildrop.ts'
import { dueArrivals, nothingDueNotice, untoldNotice } from './preview.ts'
import { asItem, type Findings, type ListedItem, type Preview } from './report.ts'
import { planRetrieval, rowsOf } from './retrieval-plan.ts'
import { mayPipeline } from './server-sense.ts'
import { survey } from './survey.ts'

/**
 * Opens a session, compares, and ends it by QUIT. Sends STAT, LIST, UIDL, LAST and TOP; writes nothing. Throws what broke the
 * session; then it is closed.
 */
export async function dryRun(
  context: SyncContext,
  ledger: LedgerView,
  findings: Findings,
): Promise<Preview> {
  const { identity, maildrop, progress, signal, now } = context
  progress({ type: 'connecting', account: identity.name })
  const pipelining = mayPipeline(ledger.facts, now())
  const session = await maildrop.open(signal, { pipelining })
  try {
    return await preview(context, session, { ledger, findings })
  } catch (error) {
    session.close()
    throw error
  }
}

async function preview(
  context: SyncContext,
  session: MaildropSession,
  { ledger, findings }: { readonly ledger: LedgerView; readonly findings: Findings },
): Promise<Preview> {
  const { policy, identity, progress } = context
  const compared = await survey(context, { session, ledger, findings })
  const { known } = compared
  const now = context.now()
  const onceMore = await shortOnce(ledger, known)
  const judged = known.without(onceMore).all
  const due = await dueNow(ledger, judged, policy, now)
  const { sure, doubtful } = await checkDueRows(session, ledger, due)
  const plan = planRetrieval(compared, { doubtful, onceMore, policy, now, findings })
  findings.postponed = plan.postponed
  const fresh = [...plan.fresh, ...plan.retries]
  const arrivals = await dueArrivals(session, ledger, { known: known.all, fresh, policy, now })
  if (arrivals.untold > 0) progress(untoldNotice(identity.name, arrivals))
  await session.quit()
  const deletes = [...sure, ...plan.again, ...arrivals.due]
  if (deletes.length === 0 && arrivals.untold === 0) {
    const notice = await nothingDueNotice(identity.name, ledger, { known: judged, policy, now })
    if (notice !== undefined) progress(notice)
  }
  return {
    retrieve: Array.from(rowsOf(plan), asItem),
    delete: await withTraits(ledger, known.all, deletes),
  }
}

/** A unique-id says nothing to a person who asks what would go: what the archive has shows more. */
async function withTraits(
  ledger: LedgerView,
  known: readonly MatchedRow[],
  rows: readonly PlannedRow[],
): Promise<readonly ListedItem[]> {
  const messages = new Map(known.map(({ row, receipt }) => [row.messageNumber, receipt.message]))
  const asked = new Set(rows.flatMap(({ row }) => messages.get(row.messageNumber) ?? []))
  const traits = await ledger.traits([...asked])
  return rows.map((planned) => {
    const message = messages.get(planned.row.messageNumber)
    const { date, subject } = (message !== undefined && traits.get(message)) || {}
    const dated = date === undefined ? {} : { date: new Date(date).toISOString() }
    return { ...asItem(planned), ...dated, ...(subject === undefined ? {} : { subject }) }
  })
}
