/** One session of an account's run: list, compare, retrieve, and on request delete. */
import type { Compared } from './compare.ts'
import type { SyncContext } from './context.ts'
import type { DeletableRow } from './delete-rows.ts'
import { Deletion, tellIgnored } from './deletion.ts'
import type { Drain } from './drain.ts'
import { ignoredDeletions, isDueAtOnce } from './due.ts'
import { shortOnce } from './once-more.ts'
import type { PlannedRow } from './plan.ts'
import type { AccountLedger } from './ports/archive.ts'
import type { ArchivePlace, QuarantineRecord } from './ports/ledger.ts'
import type { MaildropSession } from './ports/maildrop.ts'
import type { Receipts } from './ports/receipt.ts'
import { renumbering } from './rebind.ts'
import { recordListing } from './record-listing.ts'
import type { Findings } from './report.ts'
import { lengthOf, octetsOf, planRetrieval, type RetrievalPlan } from './retrieval-plan.ts'
import type { BrokenRow } from './retrieval-watch.ts'
import { type BrokenSession, mayShowParts } from './server-sense.ts'
import { SessionRetrieval } from './session-retrieval.ts'
import { survey } from './survey.ts'
import type { Suspects } from './suspects.ts'

export interface SessionOptions {
  readonly drain: Drain
  readonly suspects: Suspects
  /** `suspects`: only these are retrieved, one at a time, and nothing is deleted. `all`: all but these. */
  readonly purpose: 'all' | 'suspects'
  /** The account's receipts. */
  readonly asked: Promise<Receipts>
  /** Unique-ids that the session before this one listed and left there; undefined unless this is a further look. */
  readonly former: ReadonlySet<string> | undefined
  /** Where nothing was deleted. */
  readonly endsWithoutQuit: boolean
  /** The run's time is over: nothing more is asked for. */
  readonly isOver: () => boolean
  /** Hears how many messages there are to retrieve, before that begins. */
  readonly onPlan: (messages: number) => void
}

/** How a session that came to its end went. */
export interface SessionEnd {
  /** Messages that the archive did not have. */
  readonly stored: number
  /** The server may have more to show, once these were retrieved. */
  readonly mayShowParts: boolean
  /** Unique-ids that it listed and that were not deleted; empty where it shows all at once. */
  readonly left: ReadonlySet<string>
  /** The run's time was over before all was asked for. */
  readonly isCutShort: boolean
  /** What is due waits for a session that retrieves nothing that is to stay: only such a one may end with QUIT. */
  readonly deletesLater: boolean
}

/** What the steps of one session work with. */
interface Work {
  readonly ledger: AccountLedger
  readonly deletion: Deletion
  readonly options: SessionOptions
}

/** Works on one open session; what it finds goes into `findings`, which outlive it. */
export class SessionRun {
  readonly #context: SyncContext
  readonly #session: MaildropSession
  readonly #findings: Findings
  #listed = 0
  #retrieval: SessionRetrieval | undefined

  constructor(context: SyncContext, session: MaildropSession, findings: Findings) {
    this.#context = context
    this.#session = session
    this.#findings = findings
  }

  /** Of a session that broke: what `sync` had come to. */
  get broken(): BrokenSession {
    const { answered = 0, isProven = false } = this.#retrieval ?? {}
    return { listed: this.#listed, retrieved: answered, isProven }
  }

  /** The message at which it broke with this error. */
  brokenAt(error: unknown): (PlannedRow & BrokenRow) | undefined {
    return this.#retrieval?.brokenAt(error)
  }

  /**
   * Order of effects: as this room's engine has them. Ends by QUIT, or without; throws what broke the session, which is left
   * open, or what kept the archive from storing.
   */
  async sync(ledger: AccountLedger, options: SessionOptions): Promise<SessionEnd> {
    const { tally } = this.#findings
    const { policy, signal } = this.#context
    const storedBefore = tally.stored
    const compared = await this.#compare(ledger, options)
    const isAllowed = !ledger.isDamaged && options.purpose === 'all'
    const deletion = new Deletion(this.#context, this.#session, ledger, {
      ...{ isAllowed, endsWithoutQuit: options.endsWithoutQuit },
    })
    const { plan, due } = await this.#plan(compared, { ledger, deletion, options })
    const dueAtOnce = isAllowed && isDueAtOnce(policy) ? plan.fresh.length + plan.retries.length : 0
    this.#tellPlan(compared, plan, due + dueAtOnce)
    const isCutShort = await this.#retrieve(plan, { ledger, deletion, compared, options })
    signal.throwIfAborted()
    const deletable = await deletion.deletable()
    const isLater =
      options.endsWithoutQuit &&
      deletable.length > 0 &&
      this.#retrieval?.hasOthersThan(deletable) === true
    if (deletable.length > 0 && !isLater) await deletion.carryOut(deletable, tally)
    else await this.#leave(ledger, options)
    const { capabilities } = this.#session
    const isPart = mayShowParts(policy, ledger.facts, capabilities, compared)
    return {
      stored: tally.stored - storedBefore,
      mayShowParts: isPart,
      left: isPart ? leftOf(compared, deletable) : new Set(),
      isCutShort,
      deletesLater: isLater,
    }
  }

  /**
   * A message at which every session breaks was tried alone, and broke this one too. It is remembered with the reason,
   * and counts as one that the server refused.
   */
  async giveUp(ledger: QuarantineRecord, { row, key }: PlannedRow, error: unknown): Promise<void> {
    const { tally, refusals } = this.#findings
    const { messageNumber } = row
    const reason = error instanceof Error ? error.message : String(error)
    if (this.#retrieval?.isCounted(key) !== false) await ledger.quarantine(key, reason)
    tally.failed += 1
    refusals.push({ messageNumber, key, serverText: reason })
  }

  /** Lists, compares, and writes down what the listing showed. */
  async #compare(ledger: AccountLedger, { asked, former }: SessionOptions): Promise<Compared> {
    const compared = await survey(this.#context, {
      ...{ session: this.#session, ledger, findings: this.#findings, asked, former },
    })
    this.#listed = compared.listed
    // First: a run that is broken off from here on is found out by the next.
    if (compared.looksRenumbered) await ledger.learn(renumbering(ledger.facts, this.#context.now()))
    const changes = await recordListing(compared, ledger)
    tellIgnored(ignoredDeletions(compared.receipts, changes), this.#context)
    return compared
  }

  /** What is to be retrieved, and how many of the known messages are due. */
  async #plan(
    compared: Compared,
    { ledger, deletion, options }: Work,
  ): Promise<{ readonly plan: RetrievalPlan; readonly due: number }> {
    const { policy, now } = this.#context
    const { suspects, purpose } = options
    const isForSuspects = purpose === 'suspects'
    const isForAll = !isForSuspects && suspects.size === 0
    const { known } = compared
    const onceMore = await shortOnce(ledger, known)
    if (onceMore.length > 0) await ledger.claim(known.receipts)
    const { due, doubtful } = await deletion.plan(known.without(onceMore))
    const plan = planRetrieval(compared, {
      ...{ doubtful, onceMore, policy, now: now(), findings: this.#findings },
      isWanted: isForAll ? undefined : ({ key }) => suspects.has(key) === isForSuspects,
    })
    this.#findings.postponed = plan.postponed
    return { plan, due }
  }

  #tellPlan({ known }: Compared, plan: RetrievalPlan, due: number): void {
    const { identity, progress } = this.#context
    progress({
      type: 'plan',
      account: identity.name,
      listed: this.#listed,
      known: known.length,
      retrieve: lengthOf(plan),
      octets: octetsOf(plan),
      delete: due,
    })
  }

  async #retrieve(
    plan: RetrievalPlan,
    { ledger, deletion, options, compared }: Work & { readonly compared: Compared },
  ): Promise<boolean> {
    const { drain, isOver, endsWithoutQuit, onPlan } = options
    const { isReturning, receipts, known } = compared
    onPlan(lengthOf(plan))
    const record = { ledger, findings: this.#findings }
    const retrieval = new SessionRetrieval(this.#context, this.#session, record, {
      ...{ drain, isOver, endsWithoutQuit, isReturning, receipts, known },
      onStored: (row) => deletion.retrieved(row),
    })
    this.#retrieval = retrieval
    return await retrieval.run(plan)
  }

  /**
   * Servers that delete at QUIT what was retrieved must not hear it where all is to be kept, nor where the archive is gone from
   * its place. Most of them do not announce it.
   */
  async #leave(ledger: ArchivePlace, { endsWithoutQuit }: SessionOptions): Promise<void> {
    if (endsWithoutQuit) {
      this.#session.close()
      return
    }
    await ledger.requireInPlace()
    await this.#session.quit()
  }
}

function leftOf(
  { known, fresh }: Compared,
  deletable: readonly DeletableRow[],
): ReadonlySet<string> {
  const left = new Set([...known.all, ...fresh].flatMap(({ key: { uniqueId } }) => uniqueId ?? []))
  for (const { key } of deletable) if (key.uniqueId !== undefined) left.delete(key.uniqueId)
  return left
}
