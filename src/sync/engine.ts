/**
 * One account's run: list, compare, retrieve, commit, and on request delete.
 *
 * All effects on the server are in this order: TOP, then all RETR, then (after their commits, and a proof) all DELE,
 * then QUIT alone. All effects on the archive come before the DELE that relies on them.
 */
import { AccountRun } from './account-run.ts'
import type { SyncContext } from './context.ts'
import { ArchiveDamagedError, codeOf } from './errors.ts'
import { openWhenFree } from './lock-wait.ts'
import type { AccountLedger, Archive } from './ports/archive.ts'
import type { LedgerView } from './ports/ledger.ts'
import type { AccountResult } from './report.ts'

/** Syncs one account. Never throws: the result carries the error that ended the run. */
export async function syncAccount(
  context: SyncContext,
  archive: Archive,
  configured: ReadonlySet<string>,
): Promise<AccountResult> {
  const { identity, progress, signal } = context
  const run = new AccountRun(context)
  let ledger: AccountLedger
  try {
    signal.throwIfAborted()
    ledger = await openWhenFree(context, archive, configured)
  } catch (error) {
    return run.result(signal.aborted ? signal.reason : error)
  }
  if (ledger.renamedFrom !== undefined) {
    const text = `the account ${ledger.renamedFrom} is now called ${identity.name}`
    progress({ type: 'notice', account: identity.name, code: 'RENAMED', text })
  }
  if (ledger.vanished > 0 && !ledger.isDamaged) {
    const are = ledger.vanished === 1 ? 'a file is' : `${ledger.vanished} files are`
    const text = `${are} gone from the Maildir since the last run, and taken as removed by you; if not so: popkeep repair --retrieve-missing`
    progress({ type: 'notice', account: identity.name, code: 'FILES_GONE', text, isWarning: true })
  }
  if (ledger.unfit > 0) {
    const text = `files of the Maildir that are altered or unreadable, and not in the archive: ${ledger.unfit}; see popkeep verify`
    progress({ type: 'notice', account: identity.name, code: 'ALTERED_FILES', text })
  }
  let failure: unknown
  try {
    await run.sync(ledger)
    if (ledger.isDamaged) {
      throw new ArchiveDamagedError(
        `${ledger.vanished} files vanished from the Maildir since the last run; nothing was deleted on the server`,
        'Put them back; or popkeep repair --retrieve-missing has the next sync retrieve them; or say by popkeep repair --accept-missing that you removed them.',
      )
    }
  } catch (error) {
    failure = signal.aborted ? signal.reason : error
  }
  try {
    await ledger.finish(run.tally, failure === undefined ? 'done' : codeOf(failure))
  } catch (error) {
    failure ??= error
  }
  return run.result(failure, ledger.renamedFrom)
}

/** Says what a sync would do. Reads only: no lock, no write transaction, no command that changes the maildrop. */
export async function previewAccount(
  context: SyncContext,
  ledger: LedgerView,
): Promise<AccountResult> {
  const run = new AccountRun(context)
  try {
    await run.preview(ledger)
    return run.result(undefined)
  } catch (error) {
    return run.result(context.signal.aborted ? context.signal.reason : error)
  }
}
