/**
 * One account's run: list, compare, retrieve, commit, and on request delete.
 *
 * All effects on the server are in this order: TOP, then all RETR, then (after their commits, and a proof) all DELE,
 * then QUIT alone. All effects on the archive come before the DELE that relies on them.
 */
import { type Compared, compareMaildrop } from './compare.ts'
import { ArchiveDamagedError, codeOf } from './errors.ts'
import { applyLimits, dueRows, isDue, isEmpty, type PlannedRow, settleListing } from './plan.ts'
import type { Policy } from './policy.ts'
import type {
  AccountIdentity,
  AccountLedger,
  Archive,
  LedgerView,
  Maildrop,
  MaildropSession,
  Progress,
  ServerFacts,
} from './ports.ts'
import { checkDueRows, type Removal, removalOf, removeRows, settledRows } from './remove.ts'
import { type AccountResult, asItem, emptyTally, type Refusal, type Tally } from './report.ts'
import { type RetrievedRow, type Retriever, retrieveRows } from './retrieve.ts'

/** A pipelined session that failed is tried again after this time. */
const PIPELINING_RETRY_MS = 30 * 24 * 3600 * 1000

export interface SyncContext {
  readonly identity: AccountIdentity
  readonly maildrop: Maildrop
  readonly policy: Policy
  readonly progress: Progress
  readonly signal: AbortSignal
  /** Ms since the epoch. */
  readonly now: () => number
}

/** Syncs one account. Never throws: the result carries the error that ended the run. */
export async function syncAccount(
  context: SyncContext,
  archive: Archive,
  configured: ReadonlySet<string>,
): Promise<AccountResult> {
  const { identity, progress, signal } = context
  const run = new Run(context)
  let ledger: AccountLedger
  try {
    signal.throwIfAborted()
    ledger = await archive.openAccount(identity, { configured })
  } catch (error) {
    return run.result(error)
  }
  if (ledger.renamedFrom !== undefined) {
    const text = `the account ${ledger.renamedFrom} is now called ${identity.name}`
    progress({ type: 'notice', account: identity.name, code: 'RENAMED', text })
  }
  let failure: unknown
  try {
    await run.sync(ledger)
    if (ledger.isDamaged) {
      throw new ArchiveDamagedError(
        `${ledger.vanished} files vanished from the Maildir since the last run; nothing was deleted`,
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
  const run = new Run(context)
  try {
    await run.preview(ledger)
    return run.result(undefined)
  } catch (error) {
    return run.result(context.signal.aborted ? context.signal.reason : error)
  }
}

/** The state of one account's run. */
class Run {
  readonly tally: Tally = emptyTally()
  readonly #context: SyncContext
  #known = 0
  #postponed = 0
  #refusals: readonly Refusal[] = []
  #preview: AccountResult['preview']

  constructor(context: SyncContext) {
    this.#context = context
  }

  result(error: unknown, renamedFrom?: string): AccountResult {
    return {
      account: this.#context.identity.name,
      error,
      counts: { ...this.tally },
      known: this.#known,
      postponed: this.#postponed,
      renamedFrom,
      refusals: this.#refusals,
      preview: this.#preview,
    }
  }

  async preview(ledger: LedgerView): Promise<void> {
    const session = await this.#open(ledger)
    try {
      const { known, fresh } = await this.#compare(session, ledger, async () => {})
      const retrieve = this.#limit(fresh)
      const { policy, now } = this.#context
      const due: PlannedRow[] = [...dueRows(known, policy, now())]
      if (isDue(policy, now(), now())) due.push(...retrieve)
      this.#preview = { retrieve: retrieve.map(asItem), delete: due.map(asItem) }
      await session.quit()
    } catch (error) {
      session.close()
      throw error
    }
  }

  async sync(ledger: AccountLedger): Promise<void> {
    const session = await this.#open(ledger)
    try {
      await this.#syncSession(session, ledger)
    } catch (error) {
      session.close()
      if (this.#pipeliningFailed(session, error)) {
        await this.#rememberPipelining(ledger, error)
      }
      throw error
    }
  }

  /** Throws what the archive says, with the session's error as its cause: then both are wrong, and mail was not stored. */
  async #rememberPipelining(ledger: AccountLedger, sessionError: unknown): Promise<void> {
    const pipeliningFailedAt = new Date(this.#context.now()).toISOString()
    try {
      await ledger.learn({ pipeliningFailedAt })
    } catch (error) {
      if (error instanceof Error) error.cause ??= sessionError
      throw error
    }
  }

  async #open(ledger: LedgerView): Promise<MaildropSession> {
    const { identity, maildrop, progress, signal, now } = this.#context
    progress({ type: 'connecting', account: identity.name })
    return await maildrop.open(signal, { pipelining: mayPipeline(ledger.facts, now()) })
  }

  async #syncSession(session: MaildropSession, ledger: AccountLedger): Promise<void> {
    const { identity, policy, progress, signal, now } = this.#context
    await learnCapabilities(session, ledger)
    const compared = await this.#compare(session, ledger, (isSame) => ledger.resolveMove(isSame))
    await record(compared, ledger)

    const mayDelete = policy.delete !== 'never' && !ledger.isDamaged
    const deletesAtOnce = mayDelete && isDue(policy, now(), now())
    const known = mayDelete ? await settledRows(ledger, compared.known) : []
    const due = dueRows(known, policy, now())
    const { sure, doubtful } = await checkDueRows(session, ledger, due)
    const fresh = this.#limit(compared.fresh)
    progress({
      type: 'plan',
      account: identity.name,
      listed: compared.listed,
      known: compared.known.length,
      retrieve: fresh.length + doubtful.length,
      octets: octetsOf(fresh) + octetsOf(doubtful),
      delete: due.length + (deletesAtOnce ? fresh.length : 0),
    })

    const retriever = { session, ledger, progress, tally: this.tally }
    const removals: Removal[] = [...sure]
    const onStored = (row: RetrievedRow) => {
      const removal = removalOf(row)
      if (removal) removals.push(removal)
    }
    await this.#retrieveFresh(retriever, fresh, {
      isReturning: ledger.isMoved || compared.receipts.length === 0,
      onStored: deletesAtOnce ? onStored : () => {},
    })
    const again = await retrieveRows(retriever, doubtful, { byCanonical: false, onStored })
    this.#refusals = [...this.#refusals, ...again]
    signal.throwIfAborted()

    if (removals.length > 0) await this.#remove(session, ledger, removals)
    else await session.quit()
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
    this.#refusals = [
      ...(await retrieveRows(retriever, named, { byCanonical: isReturning, onStored })),
      ...(await retrieveRows(retriever, unnamed, {
        byCanonical: true,
        onStored: (row) => {
          isMisled ||= !row.stored.isNew
          onStored(row)
        },
      })),
    ]
    for (const { key, serverText } of this.#refusals) await ledger.quarantine(key, serverText)
    // LAST called messages unread that the archive had already: it is no help on this server.
    if (isMisled && !ledger.facts.lastMisled) await ledger.learn({ lastMisled: true })
  }

  async #remove(
    session: MaildropSession,
    ledger: AccountLedger,
    removals: readonly Removal[],
  ): Promise<void> {
    const { identity, progress, signal } = this.#context
    progress({ type: 'deleting', account: identity.name, messages: removals.length })
    const { accepted, unproven, quit } = await removeRows(session, ledger, removals, signal)
    this.tally.deleted += accepted
    if (quit !== 'done') {
      const text = `the server did not confirm the end of the session; the next run will see which of ${accepted} messages are gone`
      progress({ type: 'notice', account: identity.name, code: 'DELETION_UNCONFIRMED', text })
    }
    if (unproven > 0) {
      throw new ArchiveDamagedError(
        `${unproven} messages were not found again in the archive and stay on the server`,
      )
    }
  }

  #limit(fresh: readonly PlannedRow[]): readonly PlannedRow[] {
    const within = applyLimits(fresh, this.#context.policy)
    this.#postponed = fresh.length - within.length
    return within
  }

  async #compare(
    session: MaildropSession,
    ledger: LedgerView,
    resolveMove: (isSameMaildrop: boolean) => Promise<void>,
  ): Promise<Compared> {
    const { identity, progress } = this.#context
    const account = identity.name
    const compared = await compareMaildrop(session, ledger, {
      onRows: (rows, total) => progress({ type: 'listing', account, rows, total }),
      onMove: async (isSame) => {
        await resolveMove(isSame)
        const text = isSame
          ? `${identity.host} holds the maildrop that was kept before under this name`
          : `another maildrop stands at ${identity.host}: all of it is compared with the archive`
        progress({ type: 'notice', account, code: 'MOVED', text })
      },
    })
    this.tally.listed = compared.listed
    this.#known = compared.known.length
    return compared
  }

  /**
   * Out of step, silent with commands outstanding, or closed at the first of several: the announcement was not true. Without
   * the second, a server that swallows commands would have the same messages retrieved again for ever.
   */
  #pipeliningFailed(session: MaildropSession, error: unknown): boolean {
    if (!session.pipelined || this.#context.signal.aborted) return false
    const code = codeOf(error)
    if (code === 'POP3_OUT_OF_STEP') return true
    // 0: the listings, two commands outstanding, did not come to their end.
    if (this.tally.listed === 1) return false
    return code === 'NET_TIMEOUT' || (code === 'NET_CLOSED' && this.tally.retrieved <= 1)
  }
}

/** Writes what the listing said about receipts, if anything changed. */
async function record(
  { receipts, known, fresh, recounted }: Compared,
  ledger: AccountLedger,
): Promise<void> {
  const settlement = settleListing(receipts, known, fresh, recounted)
  if (!isEmpty(settlement)) await ledger.settle(settlement)
  const bindings = recounted.flatMap(({ key, receipt: { message } }) =>
    message === undefined ? [] : [{ key, message, by: 'recount' as const }],
  )
  if (bindings.length > 0) await ledger.bind(bindings)
  // A claim matters to what is retrieved; a steady listing asks for nothing.
  if (fresh.length > 0) await ledger.claim(known.map(({ receipt }) => receipt.id))
}

async function learnCapabilities(session: MaildropSession, ledger: AccountLedger): Promise<void> {
  const { lines } = session.capabilities
  if (ledger.facts.capabilities?.join('\n') !== lines.join('\n')) {
    await ledger.learn({ capabilities: lines })
  }
}

function mayPipeline({ pipeliningFailedAt }: ServerFacts, now: number): boolean {
  if (pipeliningFailedAt === undefined) return true
  return now - Date.parse(pipeliningFailedAt) > PIPELINING_RETRY_MS
}

function octetsOf(rows: readonly PlannedRow[]): number {
  return rows.reduce((sum, { row }) => sum + (row.octets ?? 0), 0)
}
