/** Retrieves planned rows into the archive: the bridge between the session's sinks and the ledger's intakes. */
import type { CommandError } from '../pop3/errors.ts'
import type { ListedMessage } from '../pop3/listing.ts'
import type { PlannedRow } from './plan.ts'
import type { AccountLedger, MaildropSession, MessageSink, Progress, Stored } from './ports.ts'
import type { Refusal, Tally } from './report.ts'

/** A row whose message is durable. */
export interface RetrievedRow extends PlannedRow {
  readonly stored: Stored
}

export interface Retrieval {
  readonly rows: readonly RetrievedRow[]
  readonly refusals: readonly Refusal[]
}

/** What retrieval works with, for one account's run. */
export interface Retriever {
  readonly session: MaildropSession
  readonly ledger: AccountLedger
  readonly progress: Progress
  readonly tally: Tally
}

/**
 * Retrieves the rows in their order and settles after the last commit. Order of effects per message: octets to the
 * archive, commit of message and receipt, count, event.
 *
 * Throws what ended the session, or what kept the archive from storing; messages whose commit returned stay counted
 * in the tally, and what was complete is still committed.
 */
export async function retrieveRows(
  { session, ledger, progress, tally }: Retriever,
  planned: readonly PlannedRow[],
  options: { readonly byCanonical: boolean },
): Promise<Retrieval> {
  if (planned.length === 0) return { rows: [], refusals: [] }
  const keys = new Map(planned.map((p) => [p.row, p]))
  const stored: RetrievedRow[] = []
  const refusals: Refusal[] = []
  const commits: Promise<void>[] = []
  let storageFailure: { readonly error: unknown } | undefined

  const begin = (row: ListedMessage): MessageSink => {
    if (storageFailure) throw storageFailure.error
    const plannedRow = keys.get(row)
    if (!plannedRow) throw new Error(`message ${row.messageNumber} was not asked for`)
    const { sink, stored: commit } = ledger.intake(plannedRow.key, options)
    let isAbandoned = false
    commits.push(
      commit.then(
        (result) => {
          stored.push({ ...plannedRow, stored: result })
          tally.retrieved += 1
          if (result.isNew) {
            tally.stored += 1
            tally.octets += result.octets
          }
          const { octets, isNew } = result
          progress({ type: 'stored', account: ledger.account, octets, isNew })
        },
        (error: unknown) => {
          if (!isAbandoned) storageFailure ??= { error }
        },
      ),
    )
    return {
      write(octets) {
        if (storageFailure) throw storageFailure.error
        progress({ type: 'receiving', account: ledger.account, octets: octets.length })
        return sink.write(octets)
      },
      end: () => sink.end(),
      abandon() {
        isAbandoned = true
        sink.abandon()
      },
    }
  }

  const refused = (row: ListedMessage, error: CommandError): void => {
    const { messageNumber, uniqueId } = row
    const key = keys.get(row)?.key ?? { uniqueId, occurrence: 1, octets: row.octets }
    tally.failed += 1
    refusals.push({ messageNumber, key, serverText: error.serverText })
    const { account } = ledger
    progress({ type: 'refused', account, messageNumber, uniqueId, text: error.serverText })
  }

  try {
    await session.retrieve(
      planned.map(({ row }) => row),
      { begin, refused },
    )
  } finally {
    await ledger.flush().catch((error: unknown) => {
      storageFailure ??= { error }
    })
    await Promise.all(commits)
  }
  if (storageFailure) throw storageFailure.error
  return { rows: stored, refusals }
}
