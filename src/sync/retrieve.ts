/** Retrieves planned rows into the archive: the bridge between the session's sinks and the ledger's intakes. */
import type { CommandError } from '../pop3/errors.ts'
import type { ListedMessage } from '../pop3/listing.ts'
import { StepRecord } from './in-step.ts'
import type { PlannedRow, RetrievedRow } from './plan.ts'
import type { AccountLedger } from './ports/archive.ts'
import type { Progress } from './ports/events.ts'
import type { MaildropSession, MessageSink } from './ports/maildrop.ts'
import type { Refusal, Tally } from './report.ts'
import type { SizeRecord } from './size-record.ts'

/** What retrieval works with, for one account's run. */
export interface Retriever {
  readonly session: Pick<MaildropSession, 'pipelined' | 'retrieve'>
  readonly ledger: AccountLedger
  readonly progress: Progress
  readonly tally: Tally
  readonly sizes: SizeRecord
}

export interface RetrievalOptions {
  readonly byCanonical: boolean
  /** Hears each row behind its commits; nothing of it is kept here, so that memory does not grow with the maildrop. */
  readonly onStored?: (row: RetrievedRow) => void
  /** They came short before: what they are now is the server's word. Others that seem short are kept in `sizes` for that. */
  readonly isOnceMore?: boolean
}

/**
 * Retrieves the rows in their order and resolves after the last commit. Order of effects per message: octets to the
 * archive, commit of the message, a sign that the session is in step, commit of the receipt, count, event. Returns what the
 * server refused.
 *
 * Throws what ended the session, or what kept the archive from storing; what was complete is still committed and counted
 * in the tally. But messages since the last sign that the session was in step get no receipts: a reply too few or too
 * many would have bound each message to its neighbour's unique-id, and one of them would never be retrieved.
 */
export async function retrieveRows(
  { session, ledger, progress, tally, sizes }: Retriever,
  planned: readonly PlannedRow[],
  { byCanonical, onStored = () => {}, isOnceMore = false }: RetrievalOptions,
): Promise<readonly Refusal[]> {
  if (planned.length === 0) return []
  const { account } = ledger
  const answers = planned.values()
  const refusals: Refusal[] = []
  const commits = new Outstanding()
  const steps = new StepRecord()
  let storageFailure: { readonly error: unknown } | undefined

  const answered = (row: ListedMessage): PlannedRow => {
    const next = answers.next().value
    if (next?.row !== row) throw new Error(`message ${row.messageNumber} was answered out of turn`)
    return next
  }

  const begin = (row: ListedMessage): MessageSink => {
    if (storageFailure) throw storageFailure.error
    const plannedRow = answered(row)
    const { sink, stored } = ledger.intake(plannedRow.key, { byCanonical })
    let isAbandoned = false
    const gauge = sizes.gauge(row.octets)
    commits.add(
      stored.then(
        (result) => {
          const { octets, isNew, receipt, isShort } = result
          tally.retrieved += 1
          if (isNew) {
            tally.stored += 1
            tally.octets += octets
          }
          if (receipt !== undefined) {
            const retrieved = { ...plannedRow, stored: { ...result, receipt } }
            if (isShort && !isOnceMore) sizes.keep({ ...retrieved, gauge, onJudged: onStored })
            else onStored(retrieved)
          }
          progress({ type: 'stored', account, octets, isNew })
        },
        (error: unknown) => {
          if (!isAbandoned) storageFailure ??= { error }
        },
      ),
    )
    return {
      write(octets) {
        if (storageFailure) throw storageFailure.error
        gauge.write(octets)
        progress({ type: 'receiving', account, octets: octets.length })
        return sink.write(octets)
      },
      end() {
        steps.ended(row.octets, gauge.came)
        return sink.end({ isShort: isOnceMore ? sizes.isShort(gauge) : sizes.seemsShort(gauge) })
      },
      abandon() {
        isAbandoned = true
        sink.abandon()
      },
    }
  }

  const refused = (row: ListedMessage, { serverText }: CommandError): void => {
    const { key } = answered(row)
    const { messageNumber, uniqueId } = row
    refusals.push({ messageNumber, key, serverText })
    progress({ type: 'refused', account, messageNumber, uniqueId, text: serverText })
  }

  const inStep = (): void => {
    if (session.pipelined) steps.requireOrder()
    ledger.inStep()
  }

  let failure: { readonly error: unknown } | undefined
  try {
    await session.retrieve(rowsOf(planned), { begin, refused, inStep })
  } catch (error) {
    failure = { error }
  }
  await ledger.flush().catch((error: unknown) => {
    storageFailure ??= { error }
  })
  await commits.settled()
  // After a failed write nothing more can be written.
  if (storageFailure) throw storageFailure.error
  if (failure) throw failure.error
  // The last refusal of a session that broke may have been the server's word on the session; all are asked for again.
  tally.failed += refusals.length
  return refusals
}

/** Retrieves the rows one at a time: the next is not asked for before the one before it is answered and committed. */
export async function retrieveEach(
  retriever: Retriever,
  planned: readonly PlannedRow[],
  options: RetrievalOptions,
): Promise<readonly Refusal[]> {
  const refusals: Refusal[] = []
  for (const row of planned) refusals.push(...(await retrieveRows(retriever, [row], options)))
  return refusals
}

function* rowsOf(planned: readonly PlannedRow[]): Iterable<ListedMessage> {
  for (const { row } of planned) yield row
}

/** Counts promises that are to settle, without keeping them. */
class Outstanding {
  #count = 0
  #resolve: (() => void) | undefined

  /** The promise must not reject. */
  add(promise: Promise<void>): void {
    this.#count += 1
    void promise.finally(() => {
      this.#count -= 1
      if (this.#count === 0) this.#resolve?.()
    })
  }

  async settled(): Promise<void> {
    if (this.#count === 0) return
    await new Promise<void>((resolve) => {
      this.#resolve = resolve
    })
  }
}
