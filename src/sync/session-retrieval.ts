/** The retrievals of one session, in the order in which they are made. */
import type { SyncContext } from './context.ts'
import type { Drain } from './drain.ts'
import type { FreshRows } from './fresh-rows.ts'
import type { Matches } from './matches.ts'
import { judgeShort, type ShortLedger, tellShort } from './once-more.ts'
import { faceOf, type PlannedRow, type PlannedRows, type RetrievedRow } from './plan.ts'
import type { ArchivePlace, QuarantineRecord } from './ports/ledger.ts'
import type { MaildropSession } from './ports/maildrop.ts'
import type { ReceiptKey, Receipts } from './ports/receipt.ts'
import { restingFaces } from './quarantine.ts'
import type { Findings, Refusal } from './report.ts'
import { lengthOf, type RetrievalPlan, rowsOf } from './retrieval-plan.ts'
import { type BrokenRow, RetrievalWatch } from './retrieval-watch.ts'
import { type RetrievalOptions, retrieveRows } from './retrieve.ts'
import { SizeRecord } from './size-record.ts'

type RetrievalLedger = ShortLedger & ArchivePlace & QuarantineRecord

export interface SessionRetrievalOptions {
  readonly drain: Drain
  /** The run's time is over: nothing more is asked for. */
  readonly isOver: () => boolean
  readonly endsWithoutQuit: boolean
  /** All of the account, as they were before this session. */
  readonly receipts: Receipts
  /** Those of them that are rows of the present listing. */
  readonly known: Matches
  /** A new row may be a message that the archive has under another name. */
  readonly isReturning: boolean
  /** Hears each row behind its commits. */
  readonly onStored: (row: RetrievedRow) => void
}

/** Carries out one plan; what it finds goes into `findings`, also where the session breaks. */
export class SessionRetrieval {
  readonly #context: SyncContext
  readonly #session: MaildropSession
  readonly #ledger: RetrievalLedger
  readonly #findings: Findings
  readonly #options: SessionRetrievalOptions
  readonly #watch: RetrievalWatch
  readonly #sizes: SizeRecord
  readonly #onStored: (row: RetrievedRow) => void
  readonly #resting: ReadonlySet<string>
  #plan: RetrievalPlan | undefined
  /** Messages that came short in this session, and were to be retrieved once more. */
  #onceMore = 0

  constructor(
    context: SyncContext,
    session: MaildropSession,
    { ledger, findings }: { readonly ledger: RetrievalLedger; readonly findings: Findings },
    options: SessionRetrievalOptions,
  ) {
    const { signal, policy, now } = context
    const { drain, isOver } = options
    this.#resting = policy.retryQuarantined ? restingFaces(options.receipts, now()) : new Set()
    this.#context = context
    this.#session = session
    this.#ledger = ledger
    this.#findings = findings
    this.#options = options
    this.#onStored = (row) => {
      findings.receipts.push(row.stored.receipt)
      options.onStored(row)
    }
    this.#sizes = new SizeRecord(ledger.facts.sizeModel)
    this.#watch = new RetrievalWatch(session, {
      mayGoOn: () => !signal.aborted && !isOver(),
      onOctets: (octets) => drain.received(octets),
    })
  }

  /** Messages that were answered in full. */
  get answered(): number {
    return this.#watch.answered.messages
  }

  /** Whether a message was handed over that is not among these rows. */
  hasOthersThan(rows: readonly PlannedRow[]): boolean {
    const going = new Set(rows.map(({ row }) => row.messageNumber))
    return this.#watch.handedOver.some((messageNumber) => !going.has(messageNumber))
  }

  /** It was shown that replies belong to their commands. */
  get isProven(): boolean {
    return this.#watch.isProven
  }

  /** The message at which the session broke with this error. */
  brokenAt(error: unknown): (PlannedRow & BrokenRow) | undefined {
    const broken = this.#watch.brokenAt(error)
    if (!broken || !this.#plan) return undefined
    for (const planned of rowsOf(this.#plan)) {
      if (planned.row.messageNumber === broken.row.messageNumber) return { ...planned, ...broken }
    }
    return undefined
  }

  /** Everything that the plan names, until the run's time is over: then the answer is true. */
  async run(plan: RetrievalPlan): Promise<boolean> {
    const { answered } = this.#findings
    this.#plan = plan
    try {
      await this.#options.drain.retrieving(() => this.#retrieve(plan))
    } finally {
      answered.messages += this.#watch.answered.messages
      answered.octets += this.#watch.answered.octets
      this.#findings.postponed += this.#unanswered(plan)
    }
    return this.#unanswered(plan) > 0
  }

  #unanswered(plan: RetrievalPlan): number {
    return lengthOf(plan) + this.#onceMore - this.answered
  }

  async #retrieve({ fresh, again, onceMore, retries }: RetrievalPlan): Promise<void> {
    const { signal } = this.#context
    const { isReturning, endsWithoutQuit } = this.#options
    const onStored = this.#onStored
    await this.#retrieveFresh(fresh)
    await this.#rows(again, { byCanonical: false, onStored }, async (refusals) => {
      this.#findings.refusals.push(...refusals)
    })
    await this.#judgeShort(onceMore)
    const last = { byCanonical: isReturning, onStored }
    // One at a time: the next is not asked for before the one before it is answered, committed and remembered.
    for (const row of retries) {
      await this.#rows([row], last)
    }
    await this.#judgeShort([])
    // What came in is durable, and the server may know it.
    if (!signal.aborted || endsWithoutQuit) return
    await this.#ledger.requireInPlace()
    await this.#session.quit()
  }

  /** New messages; those that the server refuses are remembered. */
  async #retrieveFresh(fresh: FreshRows): Promise<void> {
    const onStored = this.#onStored
    let isMisled = false
    const byCanonical = this.#options.isReturning
    await this.#rows(fresh.named, { byCanonical, onStored })
    const onUnnamed = (row: RetrievedRow) => {
      isMisled ||= !row.stored.isNew
      onStored(row)
    }
    await this.#rows(fresh.unnamed, { byCanonical: true, onStored: onUnnamed })
    // LAST called messages unread that the archive had already: it is no help on this server.
    if (isMisled && !this.#ledger.facts.lastMisled) await this.#ledger.learn({ lastMisled: true })
  }

  /**
   * Those that are doubted are retrieved once more, each alone, before it goes on. What the server refuses is remembered, unless
   * `hear` takes it.
   */
  async #rows(
    planned: PlannedRows,
    options: RetrievalOptions,
    hear = (refusals: readonly Refusal[]) => this.#remember(refusals),
  ): Promise<void> {
    if (planned.length === 0) return
    const rows = planned[Symbol.iterator]()
    // What one retrieval leaves is for the next: nobody ends the iterator.
    const left = { [Symbol.iterator]: () => ({ next: () => rows.next() }) }
    for (let isMore = true; isMore; ) {
      const { refusals, doubted } = await retrieveRows(this.#retriever, left, options)
      await hear(refusals)
      for (const row of doubted) {
        await hear((await retrieveRows(this.#retriever, [row], options)).refusals)
      }
      isMore = doubted.length > 0
    }
  }

  /** Those that came short since the last call, and those of `former` runs. */
  async #judgeShort(former: readonly RetrievedRow[]): Promise<void> {
    const { receipts, known } = this.#options
    const judged = await judgeShort(this.#retriever, {
      former: former.map((row) => ({ ...row, onJudged: this.#onStored })),
      ...{ receipts, known },
    })
    this.#onceMore += judged.asked
    this.#findings.refusals.push(...judged.refusals)
    tellShort(judged, this.#context)
  }

  async #remember(refusals: readonly Refusal[]): Promise<void> {
    this.#findings.refusals.push(...refusals)
    for (const { key, serverText } of refusals) {
      if (this.isCounted(key)) await this.#ledger.quarantine(key, serverText)
    }
  }

  /** False of one that its owner has tried before its time. */
  isCounted(key: ReceiptKey): boolean {
    return !this.#resting.has(faceOf(key))
  }

  get #retriever() {
    const { progress } = this.#context
    const { tally, unbound } = this.#findings
    const { doubted } = this.#watch
    const record = { tally, unbound, sizes: this.#sizes, onDoubted: doubted }
    return { session: this.#watch, ledger: this.#ledger, progress, ...record }
  }
}
