/** Deletion in one session: what is due, what was retrieved for it, and what is said of it. */
import type { SyncContext } from './context.ts'
import {
  checkDueRows,
  type DeletableRow,
  deletableRow,
  deleteRows,
  rowsAsRecorded,
} from './delete-rows.ts'
import { dueRows, hasToAge, MOST_DELETIONS, mayLeave, newest } from './due.ts'
import { ArchiveDamagedError } from './errors.ts'
import type { Matches } from './matches.ts'
import type { MatchedRow, PlannedRow, RetrievedRow } from './plan.ts'
import type { Policy } from './policy.ts'
import type { ArchivePlace, DeletionJournal, LedgerView } from './ports/ledger.ts'
import type { MaildropSession } from './ports/maildrop.ts'
import type { Tally } from './report.ts'

/**
 * The known rows that are due now. What arrives in this run counts among the newest only afterwards: a message that it
 * pushes out of `keepLatest` goes in the next run.
 */
export async function dueNow(
  ledger: LedgerView,
  known: readonly MatchedRow[],
  policy: Policy,
  now: number,
): Promise<readonly MatchedRow[]> {
  const due = dueRows(known, policy, now)
  if (due.length === 0) return due
  const leaves = await leaving(ledger, messagesOf(due), { policy, now, all: messagesOf(known) })
  return due.filter(({ receipt: { message } }) => message !== undefined && leaves.has(message))
}

/** Messages that the server keeps in spite of the last DELE that it is sent. Said once: they are not due again. */
export function tellIgnored(count: number, { identity, progress }: SyncContext): void {
  if (count === 0) return
  const messages = count === 1 ? 'a message that was' : `${count} messages that were`
  const text = `the server keeps ${messages} deleted ${MOST_DELETIONS} times: its settings may say so. They are left there; --delete-again asks anew`
  const account = identity.name
  progress({ type: 'notice', account, code: 'DELETION_IGNORED', text, isWarning: true })
}

/** The deletions of one session: rows become due, are proven, and go out as DELE, in this order. */
export class Deletion {
  readonly #context: SyncContext
  readonly #session: MaildropSession
  readonly #ledger: LedgerView & ArchivePlace & DeletionJournal
  readonly #isAllowed: boolean
  readonly #endsWithoutQuit: boolean
  /** By receipt. */
  readonly #candidates = new Map<number, DeletableRow>()
  /** The messages that are due, by message number, of rows that are retrieved first. */
  readonly #doubtful = new Map<number, number | undefined>()
  /** Messages of the maildrop that the archive has. */
  readonly #messages: Set<number> = new Set()

  /** Without `isAllowed` nothing is due; `endsWithoutQuit`: QUIT may delete what was retrieved, also where nobody announced it. */
  constructor(
    context: SyncContext,
    session: MaildropSession,
    ledger: LedgerView & ArchivePlace & DeletionJournal,
    options: { readonly isAllowed: boolean; readonly endsWithoutQuit: boolean },
  ) {
    this.#context = context
    this.#session = session
    this.#ledger = ledger
    this.#endsWithoutQuit = options.endsWithoutQuit
    this.#isAllowed = options.isAllowed && context.policy.delete !== 'never'
  }

  /** Sorts out what is due of the known rows. Those in `doubtful` are to be retrieved first. */
  async plan(
    known: Matches,
  ): Promise<{ readonly due: number; readonly doubtful: readonly PlannedRow[] }> {
    if (!this.#isAllowed) return { due: 0, doubtful: [] }
    const { policy, now } = this.#context
    const recorded = await rowsAsRecorded(this.#ledger, known.all)
    const due = await dueNow(this.#ledger, recorded, policy, now())
    const { sure, doubtful } = await checkDueRows(this.#session, this.#ledger, due)
    const messages = new Map(due.map(({ row, receipt }) => [row.messageNumber, receipt.message]))
    for (const { row } of doubtful) {
      this.#doubtful.set(row.messageNumber, messages.get(row.messageNumber))
    }
    for (const row of sure) this.#candidates.set(row.receipt, row)
    if (policy.keepLatest !== undefined) {
      for (const message of messagesOf(recorded)) this.#messages.add(message)
    }
    return { due: due.length, doubtful }
  }

  /** A row was retrieved. If that was to compare it, and it is another message than the due one, that one has its time. */
  retrieved(row: RetrievedRow): void {
    if (!this.#isAllowed) return
    const { policy } = this.#context
    if (policy.keepLatest !== undefined) this.#messages.add(row.stored.message)
    const isSame = this.#doubtful.get(row.row.messageNumber) === row.stored.message
    const deletable = isSame || !hasToAge(policy) ? deletableRow(row) : undefined
    if (deletable) this.#candidates.set(deletable.receipt, deletable)
    else this.#candidates.delete(row.stored.receipt)
  }

  /** What leaves the server, once everything is stored. */
  async deletable(): Promise<readonly DeletableRow[]> {
    const candidates = [...this.#candidates.values()]
    if (candidates.length === 0) return []
    const { policy, now } = this.#context
    const messages = candidates.map(({ message }) => message)
    const leaves = await leaving(this.#ledger, messages, {
      ...{ policy, now: now(), all: [...this.#messages, ...messages] },
    })
    return candidates.filter(({ message }) => leaves.has(message))
  }

  /** Deletes them as `deleteRows` does, ends the session by QUIT, and says which messages went. */
  async carryOut(rows: readonly DeletableRow[], tally: Tally): Promise<void> {
    const { identity, progress, signal } = this.#context
    const account = identity.name
    const outcome = await deleteRows(this.#session, this.#told(), rows, {
      signal,
      endsWithoutQuit: this.#endsWithoutQuit,
    })
    const { accepted, refused, unproven, quit } = outcome
    tally.deleted += accepted.length
    for (const { row, digest } of accepted) {
      const { uniqueId, octets } = row
      progress({ type: 'deleted', account, uniqueId, octets, digest, quit })
    }
    if (refused > 0) {
      const text = `the server refused to delete ${refused} of ${rows.length} messages; they stay there`
      progress({ type: 'notice', account, code: 'DELETION_REFUSED', text })
    }
    if (quit !== 'done' && accepted.length > 0) {
      const text = `the server did not confirm the end of the session; the next run will see which of ${accepted.length} messages are gone`
      progress({ type: 'notice', account, code: 'DELETION_UNCONFIRMED', text })
    }
    if (unproven.length > 0) {
      throw notProven(unproven, accepted.length)
    }
  }

  /** The journal, which says when DELE begins: the proof before it may take minutes, and an interruption then deletes nothing. */
  #told(): ArchivePlace & DeletionJournal {
    const { identity, progress } = this.#context
    const ledger = this.#ledger
    return {
      requireInPlace: () => ledger.requireInPlace(),
      prove: (messages) => ledger.prove(messages),
      deleteTried: (receipts) => ledger.deleteTried(receipts),
      async deleteSent(receipts) {
        await ledger.deleteSent(receipts)
        const messages = receipts.length
        if (messages > 0) progress({ type: 'deleting', account: identity.name, messages })
      },
    }
  }
}

/** So many messages are named. */
const NAMED_MESSAGES = 3

function notProven(unproven: readonly DeletableRow[], deleted: number): ArchiveDamagedError {
  const names = unproven
    .slice(0, NAMED_MESSAGES)
    .map(({ row }) => row.uniqueId ?? `number ${row.messageNumber}`)
  const rest = unproven.length - names.length
  const named = [...names, ...(rest > 0 ? [`${rest} more`] : [])].join(', ')
  const what =
    unproven.length === 1
      ? `the octets of a message (unique-id ${named}) are not in the archive as they were stored; it stays on the server`
      : `the octets of ${unproven.length} messages (unique-ids ${named}) are not in the archive as they were stored; they stay on the server`
  return new ArchiveDamagedError(
    `${what}, and ${othersDeleted(deleted)} deleted there`,
    'popkeep verify names what is wrong, popkeep repair marks it to be retrieved again.',
  )
}

function othersDeleted(count: number): string {
  if (count === 0) return 'nothing was'
  return count === 1 ? 'one other was' : `${count} others were`
}

/** Those of `messages` that nothing keeps on the server; `all`: the messages among which the newest are kept. */
async function leaving(
  ledger: LedgerView,
  messages: readonly number[],
  options: { readonly policy: Policy; readonly now: number; readonly all: readonly number[] },
): Promise<ReadonlySet<number>> {
  const { policy, now, all } = options
  const { keepLatest } = policy
  const traits = await ledger.traits(keepLatest === undefined ? messages : [...new Set(all)])
  const kept = keepLatest === undefined ? new Set() : newest(traits, keepLatest)
  return new Set(
    messages.filter((message) => {
      const known = traits.get(message)
      return known !== undefined && !kept.has(message) && mayLeave(known, policy, now)
    }),
  )
}

function messagesOf(rows: readonly MatchedRow[]): readonly number[] {
  return rows.flatMap(({ receipt: { message } }) => message ?? [])
}
