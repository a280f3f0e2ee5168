/** One session of an account's run: list, compare, retrieve, and on request delete. */
import { type Compared, compareMaildrop } from './compare.ts'
import type { SyncContext } from './context.ts'
import { checkDueRows, type DeletableRow } from './delete-rows.ts'
import { Deletion, dueNow, tellIgnored } from './deletion.ts'
import type { Drain } from './drain.ts'
import { ignoredDeletions, isDueAtOnce } from './due.ts'
import { judgeShort, shortOnce, tellShort } from './once-more.ts'
import { applyLimits, type MatchedRow, type PlannedRow, type RetrievedRow } from './plan.ts'
import type { AccountLedger } from './ports/archive.ts'
import type { LedgerView } from './ports/ledger.ts'
import type { MaildropSession } from './ports/maildrop.ts'
import type { Receipt } from './ports/receipt.ts'
import { dueArrivals, untoldNotice } from './preview.ts'
import { type Triage, triage } from './quarantine.ts'
import { renumbering } from './rebind.ts'
import { recordListing } from './record-listing.ts'
import { asItem, type Findings, type Preview, type Refusal } from './report.ts'
import { type BrokenRow, RetrievalWatch } from './retrieval-watch.ts'
import { type Retriever, retrieveEach, retrieveRows } from './retrieve.ts'
import { type BrokenSession, isKnownToShowParts, mayShowParts } from './server-sense.ts'
import { SizeRecord } from './size-record.ts'
import type { Suspects } from './suspects.ts'

const NOTHING = { listed: 0, known: 0 }

export interface SessionOptions {
  readonly drain: Drain
  readonly suspects: Suspects
  /** `suspects`: only these are retrieved, one at a time, and nothing is deleted. `all`: all but these. */
  readonly purpose: 'all' | 'suspects'
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
}

/** What one session is to retrieve. */
interface Retrieval {
  readonly fresh: readonly PlannedRow[]
  readonly again: readonly PlannedRow[]
  /** Those that came short in a run that was broken off. */
  readonly onceMore: readonly RetrievedRow[]
  readonly receipts: readonly Receipt[]
  /** Those that could not be retrieved in former runs. */
  readonly retries: readonly PlannedRow[]
  readonly isReturning: boolean
  readonly onStored: (row: RetrievedRow) => void
}

/** Works on one open session; what it finds goes into `findings`, which outlive it. */
export class SessionRun {
  readonly #context: SyncContext
  readonly #session: MaildropSession
  readonly #findings: Findings
  #watch: RetrievalWatch | undefined
  #planned: readonly PlannedRow[] = []
  #listed = 0
  /** Messages that came short in this session, and were to be retrieved once more. */
  #onceMore = 0

  constructor(context: SyncContext, session: MaildropSession, findings: Findings) {
    this.#context = context
    this.#session = session
    this.#findings = findings
  }

  /** Of a session that broke: what `sync` had come to. */
  get broken(): BrokenSession {
    const { messages = 0 } = this.#watch?.answered ?? {}
    return { listed: this.#listed, retrieved: messages, isProven: this.#watch?.isProven ?? false }
  }

  /** The message at which it broke with this error. */
  brokenAt(error: unknown): (PlannedRow & BrokenRow) | undefined {
    const broken = this.#watch?.brokenAt(error)
    const planned = broken && this.#planned.find(({ row }) => row === broken.row)
    return planned && { ...planned, ...broken }
  }

  /**
   * Order of effects: as this room's engine has them. Ends by QUIT, or without; throws what broke the session, which is left
   * open, or what kept the archive from storing.
   */
  async sync(ledger: AccountLedger, options: SessionOptions): Promise<SessionEnd> {
    const session = this.#session
    const { tally } = this.#findings
    const { policy, signal } = this.#context
    const storedBefore = tally.stored
    const compared = await this.#compare(
      ledger,
      (isSame) => ledger.resolveMove(isSame),
      options.former,
    )
    // First: a run that is broken off from here on is found out by the next.
    if (compared.looksRenumbered) await ledger.learn(renumbering(ledger.facts, this.#context.now()))
    const changes = await recordListing(compared, ledger)
    tellIgnored(ignoredDeletions(compared.receipts, changes), this.#context)

    const isAllowed = !ledger.isDamaged && options.purpose === 'all'
    const deletion = new Deletion(this.#context, session, ledger, { isAllowed })
    const former = await shortOnce(ledger, compared.known)
    if (former.length > 0) await ledger.claim(compared.known.map(({ receipt }) => receipt.id))
    const unjudged = new Set(former.map(({ row }) => row))
    const { due, doubtful } = await deletion.plan(
      compared.known.filter(({ row }) => !unjudged.has(row)),
    )
    const isWanted = ({ key }: PlannedRow) =>
      options.suspects.has(key) === (options.purpose === 'suspects')
    const { healthy, retries } = this.#triage(compared, isWanted)
    const { fresh, again } = this.#limited(
      [...healthy, ...retries],
      [...doubtful, ...former].filter(isWanted),
    )
    this.#tellPlan(compared, {
      retrieve: [...fresh, ...again],
      delete: due + (isAllowed && isDueAtOnce(policy) ? fresh.length : 0),
    })
    options.onPlan(this.#planned.length)

    const late = new Set(retries)
    const within = new Set(again.map(({ row }) => row))
    const isCutShort = await this.#retrieve(ledger, options, {
      fresh: fresh.filter((planned) => !late.has(planned)),
      retries: fresh.filter((planned) => late.has(planned)),
      again: again.filter(({ row }) => !unjudged.has(row)),
      onceMore: former.filter(({ row }) => within.has(row)),
      ...{ isReturning: compared.isReturning, receipts: compared.receipts },
      onStored: (row) => deletion.retrieved(row),
    })
    signal.throwIfAborted()

    const deletable = await deletion.deletable()
    if (deletable.length > 0) await deletion.carryOut(deletable, tally)
    else await this.#leave(options)
    const { capabilities } = session
    const isPart = mayShowParts(policy, ledger.facts, capabilities, compared)
    return {
      stored: tally.stored - storedBefore,
      mayShowParts: isPart,
      left: isPart ? leftOf(compared, deletable) : new Set(),
      isCutShort,
    }
  }

  /** Says what `sync` would do, and sends QUIT. */
  async preview(ledger: LedgerView): Promise<Preview> {
    const compared = await this.#compare(ledger, async () => {})
    const { known } = compared
    const { policy, identity, progress } = this.#context
    const now = this.#context.now()
    const onceMore = await shortOnce(ledger, known)
    const unjudged = new Set(onceMore.map(({ row }) => row))
    const judged = known.filter(({ row }) => !unjudged.has(row))
    const due = await dueNow(ledger, judged, policy, now)
    const { sure, doubtful } = await checkDueRows(this.#session, ledger, due)
    const { healthy, retries } = this.#triage(compared, () => true)
    const { fresh, again } = this.#limited([...healthy, ...retries], [...doubtful, ...onceMore])
    const arrivals = await dueArrivals(this.#session, ledger, { known, fresh, policy, now })
    if (arrivals.untold > 0) progress(untoldNotice(identity.name, arrivals))
    await this.#session.quit()
    return {
      retrieve: [...fresh, ...again].map(asItem),
      delete: [...sure, ...again.filter(({ row }) => !unjudged.has(row)), ...arrivals.due].map(
        asItem,
      ),
    }
  }

  /**
   * A message at which every session breaks was tried alone, and broke this one too. It is remembered with the reason,
   * and counts as one that the server refused.
   */
  async giveUp(ledger: AccountLedger, { row, key }: PlannedRow, error: unknown): Promise<void> {
    const { tally, refusals } = this.#findings
    const { messageNumber } = row
    const reason = error instanceof Error ? error.message : String(error)
    await ledger.quarantine(key, reason)
    tally.failed += 1
    refusals.push({ messageNumber, key, serverText: reason })
  }

  /** Everything that is to be retrieved, until the run's time is over: then the answer is true. */
  async #retrieve(
    ledger: AccountLedger,
    { drain, isOver, endsWithoutQuit }: SessionOptions,
    plan: Retrieval,
  ): Promise<boolean> {
    const { progress, signal } = this.#context
    const { tally, answered, receipts, refusals } = this.#findings
    const watch = new RetrievalWatch(this.#session, {
      mayGoOn: () => !signal.aborted && !isOver(),
      onOctets: (octets) => drain.received(octets),
    })
    this.#watch = watch
    const sizes = new SizeRecord(ledger.facts.sizeModel)
    const retriever = { session: watch, ledger, progress, tally, sizes }
    const onStored = (row: RetrievedRow) => {
      receipts.add(row.stored.receipt)
      plan.onStored(row)
    }
    try {
      await drain.retrieving(async () => {
        const { isReturning } = plan
        await this.#retrieveFresh(retriever, plan.fresh, { isReturning, onStored })
        const options = { byCanonical: false, onStored }
        refusals.push(...(await retrieveRows(retriever, plan.again, options)))
        await this.#judgeShort(retriever, plan)
        const last = { byCanonical: isReturning, onStored }
        await this.#remember(ledger, await retrieveEach(retriever, plan.retries, last))
        await this.#judgeShort(retriever, { ...plan, onceMore: [] })
        // What came in is durable, and the server may know it.
        if (signal.aborted && !endsWithoutQuit) await this.#session.quit()
      })
    } finally {
      answered.messages += watch.answered.messages
      answered.octets += watch.answered.octets
    }
    const unasked = this.#planned.length + this.#onceMore - watch.answered.messages
    this.#findings.postponed += unasked
    return unasked > 0
  }

  /** New messages; those that the server refuses are remembered. */
  async #retrieveFresh(
    retriever: Retriever,
    fresh: readonly PlannedRow[],
    options: { readonly isReturning: boolean; readonly onStored: (row: RetrievedRow) => void },
  ): Promise<void> {
    const { ledger } = retriever
    const { isReturning, onStored } = options
    let isMisled = false
    const named = fresh.filter(({ key }) => key.uniqueId !== undefined)
    const unnamed = fresh.filter(({ key }) => key.uniqueId === undefined)
    const refusals = [
      ...(await retrieveRows(retriever, named, { byCanonical: isReturning, onStored })),
      ...(await retrieveRows(retriever, unnamed, {
        byCanonical: true,
        onStored: (row) => {
          isMisled ||= !row.stored.isNew
          onStored(row)
        },
      })),
    ]
    await this.#remember(ledger, refusals)
    // LAST called messages unread that the archive had already: it is no help on this server.
    if (isMisled && !ledger.facts.lastMisled) await ledger.learn({ lastMisled: true })
  }

  async #judgeShort(
    retriever: Retriever,
    { onceMore, receipts, onStored }: Pick<Retrieval, 'onceMore' | 'receipts' | 'onStored'>,
  ): Promise<void> {
    const judged = await judgeShort(retriever, {
      former: onceMore.map((row) => ({ ...row, onJudged: onStored })),
      receipts,
    })
    this.#onceMore += judged.asked
    this.#findings.refusals.push(...judged.refusals)
    tellShort(judged, this.#context)
  }

  async #remember(ledger: AccountLedger, refusals: readonly Refusal[]): Promise<void> {
    this.#findings.refusals.push(...refusals)
    for (const { key, serverText } of refusals) await ledger.quarantine(key, serverText)
  }

  /** What this run tried already rests until the next. */
  #triage({ fresh, receipts }: Compared, isWanted: (planned: PlannedRow) => boolean): Triage {
    const { policy, now } = this.#context
    const tried = this.#findings.refusals.map(({ key }) => key)
    const retryAll = policy.retryQuarantined === true
    return triage(fresh.filter(isWanted), receipts, { now: now(), retryAll, tried })
  }

  /** Servers that delete at QUIT what was retrieved must not hear it where all is to be kept. */
  async #leave({ endsWithoutQuit }: SessionOptions): Promise<void> {
    if (endsWithoutQuit) this.#session.close()
    else await this.#session.quit()
  }

  #tellPlan(
    { known }: Compared,
    plan: { readonly retrieve: readonly PlannedRow[]; readonly delete: number },
  ): void {
    const { identity, progress } = this.#context
    this.#planned = plan.retrieve
    progress({
      type: 'plan',
      account: identity.name,
      listed: this.#listed,
      known: known.length,
      retrieve: plan.retrieve.length,
      octets: octetsOf(plan.retrieve),
      delete: plan.delete,
    })
  }

  /** What is to be retrieved within the owner's limits: what is new first, then what is to be compared before its DELE. */
  #limited(
    fresh: readonly PlannedRow[],
    again: readonly PlannedRow[],
  ): { readonly fresh: readonly PlannedRow[]; readonly again: readonly PlannedRow[] } {
    // Not the first so many: a limit may leave out one in the middle.
    const within = new Set(this.#limit([...fresh, ...again]))
    const isWithin = (planned: PlannedRow) => within.has(planned)
    return { fresh: fresh.filter(isWithin), again: again.filter(isWithin) }
  }

  /** What former sessions of the run retrieved counts too. */
  #limit(fresh: readonly PlannedRow[]): readonly PlannedRow[] {
    const { policy } = this.#context
    const { messages, octets } = this.#findings.answered
    const left = (limit: number | undefined, used: number) =>
      limit === undefined ? undefined : limit - used
    const maxMessages = left(policy.maxMessages, messages)
    const limitOctets = left(policy.limitOctets, octets)
    const isUsedUp = messages > 0 && ((maxMessages ?? 1) <= 0 || (limitOctets ?? 1) <= 0)
    const within = isUsedUp ? [] : applyLimits(fresh, { ...policy, maxMessages, limitOctets })
    this.#findings.postponed = fresh.length - within.length
    return within
  }

  async #compare(
    ledger: LedgerView,
    resolveMove: (isSameMaildrop: boolean) => Promise<void>,
    former?: ReadonlySet<string>,
  ): Promise<Compared> {
    const { identity, progress } = this.#context
    const account = identity.name
    const { capabilities } = this.#session
    const compared = await compareMaildrop(this.#session, ledger, {
      mayBeOtherPart:
        former !== undefined ||
        isKnownToShowParts(this.#context.policy, ledger.facts, capabilities),
      now: this.#context.now(),
      onRows: (rows, total) => progress({ type: 'listing', account, rows, total }),
      onMove: async (isSame) => {
        await resolveMove(isSame)
        const text = isSame
          ? `${identity.host} holds the maildrop that was kept before under this name`
          : `another maildrop stands at ${identity.host}: all of it is compared with the archive`
        progress({ type: 'notice', account, code: 'MOVED', text })
      },
      onRenumbered: (recognised, fresh) => {
        const counts = [recognised, fresh].map((count) => count.toLocaleString('en-US'))
        const text = `the server renumbered its unique-ids: ${counts[0]} recognised by header, ${counts[1]} to retrieve`
        progress({ type: 'notice', account, code: 'RENUMBERED', text })
      },
    })
    this.#listed = compared.listed
    this.#count(compared, former)
    return compared
  }

  /** A further look adds what the last one did not show; what this run retrieved itself was not known to it. */
  #count({ listed, known, fresh }: Compared, former: ReadonlySet<string> | undefined): void {
    const { tally, receipts } = this.#findings
    const isSeen = ({ key: { uniqueId } }: PlannedRow) =>
      uniqueId !== undefined && former?.has(uniqueId) === true
    const isKnown = (row: MatchedRow) => !receipts.has(row.receipt.id) && !isSeen(row)
    const before = former ? { listed: tally.listed, known: this.#findings.known } : NOTHING
    tally.listed = before.listed + listed - [...known, ...fresh].filter(isSeen).length
    this.#findings.known = before.known + known.filter(isKnown).length
  }
}

function leftOf(
  { known, fresh }: Compared,
  deletable: readonly DeletableRow[],
): ReadonlySet<string> {
  const left = new Set([...known, ...fresh].flatMap(({ key: { uniqueId } }) => uniqueId ?? []))
  for (const { key } of deletable) if (key.uniqueId !== undefined) left.delete(key.uniqueId)
  return left
}

function octetsOf(rows: readonly PlannedRow[]): number {
  return rows.reduce((sum, { row }) => sum + (row.octets ?? 0), 0)
}
