import type { AccountResult } from '../sync/report.ts'
import { counted, humanOctets } from './columns.ts'
import { describeFailure } from './failure.ts'
import { quoted, safe } from './safe.ts'

/** How one account ended, for the exit code and for `--json`. */
export interface AccountEnding {
  readonly exit: number
  /** Undefined where nothing went wrong. */
  readonly problem: { readonly code: string; readonly sentence: string } | undefined
}

/** Refused messages alone are "done in part"; the rest of the account is stored. */
export function endingOfAccount(result: AccountResult): AccountEnding {
  if (result.error !== undefined) {
    const { exit, code, sentence } = describeFailure(result.error)
    return { exit, problem: { code, sentence } }
  }
  if (result.counts.failed === 0) return { exit: 0, problem: undefined }
  return { exit: 1, problem: { code: 'POP3_REFUSED', sentence: describeRefusals(result) } }
}

/** The one line that stays on the terminal: `work: 12 new messages (3.4 MB) kept, 1,204 already here, 0 deleted`. */
export function summaryLine(result: AccountResult): string {
  const { counts, known, postponed, preview } = result
  const name = safe(result.account)
  if (preview) {
    const octets = preview.retrieve.reduce((sum, item) => sum + (item.octets ?? 0), 0)
    const retrieve = `${counted(preview.retrieve.length, 'message')} (${humanOctets(octets)})`
    const already = `${known.toLocaleString('en-US')} already here`
    const deleted = `${preview.delete.length.toLocaleString('en-US')} would be deleted`
    return `${name}: would retrieve ${retrieve}, ${already}, ${deleted}`
  }
  const kept =
    counts.stored === 0
      ? 'nothing new'
      : `${counted(counts.stored, 'new message')} (${humanOctets(counts.octets)}) kept`
  const already = known + counts.retrieved - counts.stored
  const parts = [
    kept,
    `${already.toLocaleString('en-US')} already here`,
    `${counts.deleted.toLocaleString('en-US')} deleted`,
  ]
  if (postponed > 0) parts.push(`${postponed.toLocaleString('en-US')} left for the next run`)
  return `${name}: ${parts.join(', ')}`
}

/** The account's last `--json` object. */
export function accountRecord(result: AccountResult): object {
  const { exit, problem } = endingOfAccount(result)
  return {
    type: 'account',
    account: result.account,
    exit,
    error: problem === undefined ? null : { code: problem.code, message: problem.sentence },
    ...result.counts,
    known: result.known,
    postponed: result.postponed,
    renamedFrom: result.renamedFrom ?? null,
    refusals: result.refusals.map(({ messageNumber, key, serverText }) => ({
      messageNumber,
      uniqueId: key.uniqueId ?? null,
      text: serverText,
    })),
    ...(result.preview
      ? { wouldRetrieve: result.preview.retrieve, wouldDelete: result.preview.delete }
      : {}),
  }
}

function describeRefusals({ refusals, counts }: AccountResult): string {
  const [first] = refusals
  const what = `the server refused to hand over ${counted(counts.failed, 'message')}; the rest is stored`
  const which = first ? ` (number ${first.messageNumber}: ${quoted(first.serverText)})` : ''
  return `${what}${which}. They are asked for again in the next run.`
}
