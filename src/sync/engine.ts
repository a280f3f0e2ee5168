/**
 * One account's run: list, compare, retrieve, commit, and on request delete.
 *
 * All effects on the server are in this order: TOP, then all RETR, then (after their commits, and a proof) all DELE,
 * then QUIT alone. All effects on the archive come before the DELE that relies on them.
 */
import type { SyncContext } from './context.ts'
import { dryRun } from './dry-run.ts'
import { ArchiveDamagedError, codeOf } from './errors.ts'
import { openWhenFree } from './lock-wait.ts'
import type { AccountLedger, Archive, LedgerOpening } from './ports/archive.ts'
import type { LedgerView } from './ports/ledger.ts'
import { type AccountResult, noFindings, resultOf } from './report.ts'
import { Sessions } from './sessions.ts'

/** Syncs one account. Never throws: the result carries the error that ended the run. */
export async function syncAccount(
  context: SyncContext,
  archive: Archive,
  configured: ReadonlySet<string>,
): Promise<AccountResult> {
  const { identity, signal } = context
  const findings = noFindings()
  let ledger: AccountLedger
  try {
    signal.throwIfAborted()
    ledger = await openWhenFree(context, archive, configured)
  } catch (error) {
    return resultOf(identity.name, findings, { error: signal.aborted ? signal.reason : error })
  }
  tellOpening(ledger, context)
  let failure: unknown
  try {
    await new Sessions(context, ledger, findings).run()
    requireFiles(ledger)
  } catch (error) {
    failure = signal.aborted ? signal.reason : error
  }
  try {
    await ledger.finish(findings.tally, failure === undefined ? 'done' : codeOf(failure))
  } catch (error) {
    failure ??= error
  }
  return resultOf(identity.name, findings, { error: failure, renamedFrom: ledger.renamedFrom })
}

/** Says what a sync would do. Reads only: no lock, no write transaction, no command that changes the maildrop. */
export async function previewAccount(
  context: SyncContext,
  ledger: LedgerView,
): Promise<AccountResult> {
  const { identity, signal } = context
  const findings = noFindings()
  try {
    const preview = await dryRun(context, ledger, findings)
    return resultOf(identity.name, findings, { preview })
  } catch (error) {
    return resultOf(identity.name, findings, { error: signal.aborted ? signal.reason : error })
  }
}

/** What an owner may want to know of his archive before the server is asked for anything. */
function tellOpening(
  { renamedFrom, vanished, isDamaged, unfit }: LedgerOpening,
  { identity, progress }: SyncContext,
): void {
  const account = identity.name
  if (renamedFrom !== undefined) {
    const text = `the account ${renamedFrom} is now called ${account}`
    progress({ type: 'notice', account, code: 'RENAMED', text })
  }
  if (vanished > 0 && !isDamaged) {
    const are = vanished === 1 ? 'a file is' : `${vanished} files are`
    const text = `${are} gone from the Maildir since the last run, and taken as removed by you; if not so: popkeep repair --retrieve-missing`
    progress({ type: 'notice', account, code: 'FILES_GONE', text, isWarning: true })
  }
  if (unfit > 0) {
    const text = `files of the Maildir that are altered or unreadable, and not in the archive: ${unfit}; see popkeep verify`
    progress({ type: 'notice', account, code: 'ALTERED_FILES', text })
  }
}

function requireFiles({ isDamaged, vanished }: LedgerOpening): void {
  if (!isDamaged) return
  throw new ArchiveDamagedError(
    `${vanished} files vanished from the Maildir since the last run; nothing was deleted on the server`,
    'Put them back; or popkeep repair --retrieve-missing has the next sync retrieve them; or say by popkeep repair --accept-missing that you removed them.',
  )
}
