import type { AccountResult, ListedItem } from '../sync/report.ts'
import { counted, humanOctets } from './columns.ts'
import { describeFailure } from './failure.ts'
import { localMinute } from './message-lines.ts'
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

/**
 * What a dry run found: a line a message with action, account, unique-id and octets (`-` where the server gave none), two
 * spaces between them, for one in the archive also its date and subject, and the totals last. Only these with `isBrief`.
 */
export function previewText(
  { account, known, postponed, preview }: AccountResult,
  options: { readonly isBrief: boolean },
): string {
  if (preview === undefined) return ''
  const name = safe(account)
  const lineOf = (action: string) => (item: ListedItem) =>
    [action, name, safe(item.uniqueId ?? '-'), item.octets ?? '-', ...toldOf(item)].join('  ')
  const items = [
    ...preview.retrieve.map(lineOf('would retrieve')),
    ...preview.delete.map(lineOf('would delete')),
  ]
  const octets = preview.retrieve.reduce((sum, item) => sum + (item.octets ?? 0), 0)
  const parts = [
    `would retrieve ${counted(preview.retrieve.length, 'message')} (${humanOctets(octets)})`,
    `${known.toLocaleString('en-US')} already here`,
    `would delete ${preview.delete.length.toLocaleString('en-US')}`,
  ]
  if (postponed > 0) parts.push(`${postponed.toLocaleString('en-US')} left for the next run`)
  const totals = `${name}: ${parts.join(', ')}`
  return `${[...(options.isBrief ? [] : items), totals].join('\n')}\n`
}

function toldOf({ date, subject }: ListedItem): readonly string[] {
  if (date === undefined && subject === undefined) return []
  return [date === undefined ? '-' : localMinute(date), quoted(subject ?? '')]
}

/**
 * The one line that stays on the terminal: `work: 12 new messages (3.4 MB) kept, 1,204 already here, 0 deleted`. What was
 * retrieved and found to be here is told apart.
 */
export function summaryLine(result: AccountResult): string {
  const { counts, known, postponed } = result
  const name = safe(result.account)
  const kept =
    counts.stored === 0
      ? 'nothing new'
      : `${counted(counts.stored, 'new message')} (${humanOctets(counts.octets)}) kept`
  const alike = counts.retrieved - counts.stored
  const already = known + alike
  const how = alike === 0 ? '' : ` (${alike.toLocaleString('en-US')} of them retrieved)`
  const parts = [
    kept,
    `${already.toLocaleString('en-US')} already here${how}`,
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
  return `${what}${which}. popkeep status says when they are asked for again.`
}
