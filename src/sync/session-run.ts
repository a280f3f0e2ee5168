/** One session of an account's run: list, compare, retrieve, and on request delete. */
import { type Compared, compareMaildrop } from './compare.ts'
import type { SyncContext } from './context.ts'
import { ArchiveDamagedError } from './errors.ts'
import {
  applyLimits,
  dueRows,
  isDue,
  isEmpty,
  type MatchedRow,
  type PlannedRow,
  settleListing,
} from './plan.ts'
import type { AccountLedger, BoundBy, LedgerView, MaildropSession } from './ports.ts'
import { checkDueRows, type Removal, removalOf, removeRows, settledRows } from './remove.ts'
import { asItem, type Findings, type Preview } from './report.ts'
import { type RetrievedRow, type Retriever, retrieveRows } from './retrieve.ts'

/** Works on one open session; what it finds goes into `findings`, which outlive it. */
export class SessionRun {
  readonly #context: SyncContext
  readonly #session: MaildropSession
  readonly #findings: Findings

  constructor(context: SyncContext, session: MaildropSession, findings: Findings) {
    this.#context = context
    this.#session = session
    this.#findings = findings
  }

  /**
   * Order of effects: as this room's engine has them. Ends by QUIT; throws what broke the session, which is left open, or
   * what kept the archive from storing.
   */
  async sync(ledger: AccountLedger): Promise<void> {
    const session = this.#session
    const { identity, policy, progress, signal, now } = this.#context
    await learnCapabilities(session, ledger)
    const compared = await this.#compare(ledger, (isSame) => ledger.resolveMove(isSame))
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

    const retriever = { session, ledger, progress, tally: this.#findings.tally }
    const removals: Removal[] = [...sure]
    const onStored = (row: RetrievedRow) => {
      const removal = removalOf(row)
      if (removal) removals.push(removal)
    }
    await this.#retrieveFresh(retriever, fresh, {
      isReturning: compared.isReturning,
      onStored: deletesAtOnce ? onStored : () => {},
    })
    const again = await retrieveRows(retriever, doubtful, { byCanonical: false, onStored })
    this.#findings.refusals.push(...again)
    signal.throwIfAborted()

    if (removals.length > 0) await this.#remove(ledger, removals)
    else await session.quit()
  }

  /** Says what `sync` would do, and sends QUIT. */
  async preview(ledger: LedgerView): Promise<Preview> {
    const { known, fresh } = await this.#compare(ledger, async () => {})
    const retrieve = this.#limit(fresh)
    const { policy, now } = this.#context
    const due: PlannedRow[] = [...dueRows(known, policy, now())]
    if (isDue(policy, now(), now())) due.push(...retrieve)
    await this.#session.quit()
    return { retrieve: retrieve.map(asItem), delete: due.map(asItem) }
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
    this.#findings.refusals.push(...refusals)
    for (const { key, serverText } of refusals) await ledger.quarantine(key, serverText)
    // LAST called messages unread that the archive had already: it is no help on this server.
    if (isMisled && !ledger.facts.lastMisled) await ledger.learn({ lastMisled: true })
  }

  async #remove(ledger: AccountLedger, removals: readonly Removal[]): Promise<void> {
    const { identity, progress, signal } = this.#context
    progress({ type: 'deleting', account: identity.name, messages: removals.length })
    const { accepted, unproven, quit } = await removeRows(this.#session, ledger, removals, signal)
    this.#findings.tally.deleted += accepted
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
    this.#findings.postponed = fresh.length - within.length
    return within
  }

  async #compare(
    ledger: LedgerView,
    resolveMove: (isSameMaildrop: boolean) => Promise<void>,
  ): Promise<Compared> {
    const { identity, progress } = this.#context
    const account = identity.name
    const compared = await compareMaildrop(this.#session, ledger, {
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
    this.#findings.tally.listed = compared.listed
    this.#findings.known = compared.known.length
    return compared
  }
}

/**
 * Writes what the listing said about receipts, if anything changed. Former receipts of rows under new unique-ids become
 * absent behind the commit of the new ones: a run that is killed between finds the same again.
 */
async function record(compared: Compared, ledger: AccountLedger): Promise<void> {
  const { receipts, known, fresh, recounted, rebound } = compared
  await bindAll(ledger, rebound, 'fingerprint')
  const underNewNames = new Set(rebound)
  const asBefore = known.filter((matched) => !underNewNames.has(matched))
  const settlement = settleListing(receipts, asBefore, fresh, recounted)
  if (!isEmpty(settlement)) await ledger.settle(settlement)
  await bindAll(ledger, recounted, 'recount')
  // A claim matters to what is retrieved; a steady listing asks for nothing.
  if (fresh.length > 0) await ledger.claim(known.map(({ receipt }) => receipt.id))
}

async function bindAll(
  ledger: AccountLedger,
  rows: readonly MatchedRow[],
  by: BoundBy,
): Promise<void> {
  const bindings = rows.flatMap(({ key, receipt: { message } }) =>
    message === undefined ? [] : [{ key, message, by }],
  )
  if (bindings.length > 0) await ledger.bind(bindings)
}

async function learnCapabilities(session: MaildropSession, ledger: AccountLedger): Promise<void> {
  const { lines } = session.capabilities
  if (ledger.facts.capabilities?.join('\n') !== lines.join('\n')) {
    await ledger.learn({ capabilities: lines })
  }
}

function octetsOf(rows: readonly PlannedRow[]): number {
  return rows.reduce((sum, { row }) => sum + (row.octets ?? 0), 0)
}
