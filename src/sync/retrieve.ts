/** Retrieves planned rows into the archive: the bridge between the session's sinks and the ledger's intakes. */
import type { CommandError } from '../pop3/errors.ts'
import type { ListedMessage } from '../pop3/listing.ts'
import { StepRecord } from './in-step.ts'
import type { PlannedRow, RetrievedRow } from './plan.ts'
import type { Progress } from './ports/events.ts'
import type { IntakeOutcome, IntakeSink, Intakes, Stored } from './ports/intake.ts'
import type { MaildropSession, MessageReceiver, MessageSink } from './ports/maildrop.ts'
import type { Refusal, Tally } from './report.ts'
import type { Gauge, SizeRecord } from './size-record.ts'
import type { Unbound } from './unbound.ts'

/** What retrieval works with, for one account's run. */
export interface Retriever {
  readonly session: Pick<MaildropSession, 'pipelined' | 'retrieve'>
  readonly ledger: Intakes
  readonly progress: Progress
  readonly tally: Tally
  readonly unbound: Unbound
  readonly sizes: SizeRecord
  /** So many rows that were answered are to be asked for once more. */
  readonly onDoubted: (rows: number) => void
}

export interface RetrievalOptions {
  readonly byCanonical: boolean
  /** Hears each row behind its commits; nothing of it is kept here, so that memory does not grow with the maildrop. */
  readonly onStored?: (row: RetrievedRow) => void
  /** They came short before: what they are now is the server's word. Others that seem short are kept in `sizes` for that. */
  readonly isOnceMore?: boolean
}

/** What became of rows that are not stored under their names. */
export interface Unstored {
  readonly refusals: readonly Refusal[]
  /**
   * Between two proofs, one of several rows was refused. A refusal that comes late would have handed over each message in its
   * neighbour's place, and nothing but their sizes could show it: none of these has a receipt, and all are to be retrieved
   * once more, each alone. What was not asked for by then is still to come.
   */
  readonly doubted: readonly PlannedRow[]
}

/**
 * Retrieves the rows in their order and resolves after the last commit. Order of effects per message: octets to the
 * archive, commit of the message, a sign that the session is in step, commit of the receipt, count, event.
 *
 * Throws what ended the session, or what kept the archive from storing; what was complete is still committed and counted
 * in the tally. But messages since the last sign that the session was in step, and the doubted, get no receipts: a reply too
 * few or too many would have bound each message to its neighbour's unique-id, and one of them would never be retrieved.
 */
export async function retrieveRows(
  retriever: Retriever,
  planned: Iterable<PlannedRow>,
  options: RetrievalOptions,
): Promise<Unstored> {
  const receiver = new RowReceiver(retriever, options)
  let failure: { readonly error: unknown } | undefined
  try {
    await retriever.session.retrieve(receiver.asked(planned), receiver)
  } catch (error) {
    failure = { error }
  }
  await receiver.committed()
  if (failure) throw failure.error
  const { refusals, doubted } = receiver
  // Refusals of a session that broke may have been the server's word on the session; all are asked for again.
  retriever.tally.failed += refusals.length
  return { refusals, doubted }
}

interface RefusedRow {
  readonly planned: PlannedRow
  readonly serverText: string
}

/** Hands what the server answers to the ledger, row by row, and counts what became of it. */
class RowReceiver implements MessageReceiver {
  readonly refusals: Refusal[] = []
  readonly doubted: PlannedRow[] = []
  readonly retriever: Retriever
  readonly options: RetrievalOptions
  /** Undefined: one command at a time, whose reply no other can be. */
  readonly steps: StepRecord | undefined
  /** Rows that were asked for and not answered yet, in their order. */
  readonly #outstanding: PlannedRow[] = []
  /** Both since the session was last shown to be in step. */
  readonly #ended: PlannedRow[] = []
  readonly #refused: RefusedRow[] = []
  #storageFailure: { readonly error: unknown } | undefined

  constructor(retriever: Retriever, options: RetrievalOptions) {
    this.retriever = retriever
    this.options = options
    this.steps = retriever.session.pipelined ? new StepRecord() : undefined
  }

  /** The rows to be asked for, one by one, up to a doubt: a session that breaks behind it must not take all back. */
  *asked(planned: Iterable<PlannedRow>): Iterable<ListedMessage> {
    for (const one of planned) {
      this.#outstanding.push(one)
      yield one.row
      if (this.doubted.length > 0) return
    }
  }

  begin(row: ListedMessage): MessageSink {
    this.requireStorage()
    return new RowIntake(this, this.#answered(row))
  }

  refused(row: ListedMessage, { serverText }: CommandError): void {
    this.steps?.refused(row.octets)
    this.#refused.push({ planned: this.#answered(row), serverText })
  }

  ended(planned: PlannedRow): void {
    this.#ended.push(planned)
  }

  inStep(): void {
    const { ledger } = this.retriever
    this.steps?.requireOrder()
    const ended = this.#ended.splice(0)
    if (this.steps && ended.length > 0 && this.#refused.length > 0) {
      const doubted = [...ended, ...this.#refused.splice(0).map(({ planned }) => planned)]
      this.doubted.push(...doubted)
      this.retriever.onDoubted(doubted.length)
      ledger.inDoubt()
      return
    }
    this.#tellRefused()
    ledger.inStep()
  }

  #tellRefused(): void {
    const { ledger, progress } = this.retriever
    for (const { planned, serverText: text } of this.#refused.splice(0)) {
      const { messageNumber, uniqueId } = planned.row
      this.refusals.push({ messageNumber, key: planned.key, serverText: text })
      progress({ type: 'refused', account: ledger.account, messageNumber, uniqueId, text })
    }
  }

  /**
   * Commits what came to its end; then it is known what became of all. Throws what kept the archive from storing: nothing more
   * can be written.
   */
  async committed(): Promise<void> {
    await this.retriever.ledger.flush().catch((error: unknown) => this.storageFailed(error))
    this.requireStorage()
  }

  storageFailed(error: unknown): void {
    this.#storageFailure ??= { error }
  }

  requireStorage(): void {
    if (this.#storageFailure) throw this.#storageFailure.error
  }

  /** The planned row that is answered by this one: the next. */
  #answered(row: ListedMessage): PlannedRow {
    const next = this.#outstanding.shift()
    if (next?.row !== row) throw new Error(`message ${row.messageNumber} was answered out of turn`)
    return next
  }
}

/**
 * One message, from the session to what became of it. An object and its gauge are all that waits for a commit on this side:
 * with closures and promises a message, the young objects of a retrieval took 30 MB.
 */
class RowIntake implements MessageSink, IntakeOutcome {
  readonly #receiver: RowReceiver
  readonly #planned: PlannedRow
  readonly #gauge: Gauge
  readonly #sink: IntakeSink
  #isAbandoned = false

  constructor(receiver: RowReceiver, planned: PlannedRow) {
    const { ledger, sizes } = receiver.retriever
    const { byCanonical } = receiver.options
    this.#receiver = receiver
    this.#planned = planned
    this.#gauge = sizes.gauge(planned.row.octets)
    this.#sink = ledger.intake(planned.key, { byCanonical }, this)
  }

  write(octets: Uint8Array): Promise<void> | undefined {
    this.#receiver.requireStorage()
    this.#gauge.write(octets)
    const { progress, ledger } = this.#receiver.retriever
    progress({ type: 'receiving', account: ledger.account, octets: octets.length })
    return this.#sink.write(octets)
  }

  end(): Promise<void> | undefined {
    const { steps, retriever, options } = this.#receiver
    const { sizes } = retriever
    const gauge = this.#gauge
    steps?.ended(gauge.measure)
    this.#receiver.ended(this.#planned)
    return this.#sink.end({
      isShort: options.isOnceMore ? sizes.isShort(gauge) : sizes.seemsShort(gauge),
    })
  }

  abandon(): void {
    this.#isAbandoned = true
    this.#sink.abandon()
  }

  stored(stored: Stored): void {
    const { retriever, options } = this.#receiver
    const { ledger, progress, tally, unbound, sizes } = retriever
    const { onStored = () => {}, isOnceMore = false } = options
    const { octets, isNew, receipt, isShort } = stored
    const { key } = this.#planned
    const before = unbound.take(key)
    if (isNew) {
      tally.stored += 1
      tally.octets += octets
    }
    // One that comes once more was counted and told of when it came first.
    if (before === undefined) {
      tally.retrieved += 1
      progress({ type: 'stored', account: ledger.account, octets, isNew })
    }
    const wasNew = isNew || before === true
    if (receipt === undefined) unbound.add(key, wasNew)
    else {
      const retrieved = retrievedRow(this.#planned, { ...stored, isNew: wasNew }, receipt)
      const gauge = this.#gauge
      if (isShort && !isOnceMore) sizes.keep({ ...retrieved, gauge, onJudged: onStored })
      else onStored(retrieved)
    }
  }

  failed(error: unknown): void {
    if (!this.#isAbandoned) this.#receiver.storageFailed(error)
  }
}

/** By name: objects that are spread cost V8 as much as the rest of what is done for a stored message. */
function retrievedRow({ row, key }: PlannedRow, stored: Stored, receipt: number): RetrievedRow {
  const { message, octets, digest, isNew, boundBy, isShort } = stored
  return { row, key, stored: { receipt, message, octets, digest, isNew, boundBy, isShort } }
}
