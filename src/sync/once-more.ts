/**
 * Messages that came short are retrieved once more, each alone: a server whose disk fails in the middle of a message ends it
 * as it should (Dovecot), and may have the whole of it a moment later.
 *
 * | the second time came                 | the row is             | marked `short`             |
 * | ------------------------------------ | ---------------------- | -------------------------- |
 * | the same digest                      | that message           | it, for good               |
 * | as many octets as listed             | the second             | the first, for good        |
 * | other octets, no fewer, yet short    | the second             | both, for good             |
 * | fewer                                | the first              | both, for good             |
 * | a refusal, or nothing                | the first              | it; the next run asks anew |
 *
 * The first stays in the archive whatever came: octets that were stored are never thrown away. Without a receipt, marked,
 * it is in nobody's way.
 */
import type { SyncContext } from './context.ts'
import type { Matches } from './matches.ts'
import type { RetrievedRow } from './plan.ts'
import type { Intakes } from './ports/intake.ts'
import type { LedgerView, ListingRecord, ServerMemory, ShortRecord } from './ports/ledger.ts'
import type { Receipts } from './ports/receipt.ts'
import type { Refusal } from './report.ts'
import { type Retriever, retrieveRows } from './retrieve.ts'
import type { ShortRow } from './size-record.ts'

/** A ledger that can be told what became of short messages. */
export interface ShortLedger
  extends LedgerView,
    ServerMemory,
    Intakes,
    ShortRecord,
    Pick<ListingRecord, 'bind'> {}

interface ShortRetriever extends Retriever {
  readonly ledger: ShortLedger
}

/** What became of short messages. */
export interface Judged {
  /** Those of this session that were retrieved once more, or were to be, had the run's time not been over. */
  readonly asked: number
  readonly refusals: readonly Refusal[]
  /** Came short again. */
  readonly final: number
  /** Came whole. */
  readonly whole: number
}

/** Known rows whose message came short once, in a run that was broken off before it was retrieved once more. */
export async function shortOnce(
  ledger: LedgerView,
  known: Matches,
): Promise<readonly RetrievedRow[]> {
  if (known.length === 0) return []
  const receipts = new Set(await ledger.shortOnce())
  if (receipts.size === 0) return []
  const rows = known.all.filter(
    ({ receipt: { id, state } }) => receipts.has(id) && state !== 'removed',
  )
  const traits = await ledger.traits(rows.flatMap(({ receipt }) => receipt.message ?? []))
  return rows.flatMap(({ row, key, receipt: { id, message = 0 } }) => {
    const octets = traits.get(message)?.octets
    if (octets === undefined) return []
    const former = { receipt: id, message, octets, digest: undefined }
    const stored = { ...former, isNew: false, isShort: true }
    return { row, key, stored: { ...stored, boundBy: 'digest' as const } }
  })
}

/** Says it once: what is judged is not retrieved again. */
export function tellShort({ final, whole }: Judged, { identity, progress }: SyncContext): void {
  const account = identity.name
  const messages = (count: number) => (count === 1 ? 'a message' : `${count} messages`)
  if (whole > 0) {
    const text = `${messages(whole)} came whole when retrieved once more; what came first is kept, marked short`
    progress({ type: 'notice', account, code: 'SHORT_FIRST', text })
  }
  if (final > 0) {
    const text = `the server handed over ${messages(final)} with fewer octets than it lists, twice: kept, marked short, and not deleted there without --delete-short`
    progress({ type: 'notice', account, code: 'SHORT', text, isWarning: true })
  }
}

/**
 * To be called when the session has nothing else to retrieve but what may break it. Order of effects: what the server's
 * counting shows is learned; what is not short by it loses the mark; the others, and those `former` ones that came short in a run
 * that was broken off, are retrieved and judged one after the other.
 */
export async function judgeShort(
  retriever: ShortRetriever,
  { former, ...past }: { readonly former: readonly ShortRow[] } & Past,
): Promise<Judged> {
  const { sizes, ledger } = retriever
  if (sizes.hasShort) await lookBack(retriever, past)
  const { model } = sizes
  if (model !== undefined && model !== ledger.facts.sizeModel) {
    await ledger.learn({ sizeModel: model })
  }
  const { short, whole } = sizes.take()
  if (whole.length > 0) {
    const messages = whole.map(({ stored }) => stored.message)
    await ledger.judgeShort({ final: [], whole: messages, superseded: [] })
    for (const row of whole) row.onJudged(row)
  }
  return { ...(await retrieveOnceMore(retriever, [...former, ...short])), asked: short.length }
}

/** What former runs have left that shows how a server counts. */
interface Past {
  /** Of the account, as they were before this session. */
  readonly receipts: Receipts
  /** Those of them that are rows of the present listing. */
  readonly known: Matches
}

/**
 * Few messages of which none is as listed do not show how a server counts, nor do a few at a time that its estimates are exact
 * by now: those of former runs help, the latest first. What is not listed may be of a former server of this account: it
 * never shows that estimates are to be excused.
 */
async function lookBack(
  { sizes, ledger }: ShortRetriever,
  { receipts, known }: Past,
): Promise<void> {
  const { model } = sizes
  if (!sizes.isOpen || (model !== undefined && model !== 'estimate')) return
  const listed = new Set(known.receipts)
  const told = receipts.all.filter(
    ({ id, boundBy, octets, state }) =>
      boundBy === 'digest' &&
      octets !== undefined &&
      state !== 'quarantined' &&
      (model === 'estimate' || listed.has(id)),
  )
  const few = told.toSorted((a, b) => b.id - a.id).slice(0, LOOK_BACK)
  const traits = await ledger.traits(few.flatMap(({ message }) => message ?? []))
  for (const { octets, message = 0 } of few) {
    const came = traits.get(message)?.octets
    if (came === undefined || !octets) continue
    sizes.add({ listed: octets, came, lineEnds: undefined })
    if (model === 'estimate' && sizes.model !== model) return
  }
}

/** Receipts; a few of them may be of no help. */
const LOOK_BACK = 40

async function retrieveOnceMore(
  retriever: ShortRetriever,
  rows: readonly ShortRow[],
): Promise<Omit<Judged, 'asked'>> {
  const refusals: Refusal[] = []
  let final = 0
  let whole = 0
  for (const first of rows) {
    // Counted apart: it is one message, not two.
    const tally = { ...retriever.tally, retrieved: 0, stored: 0, octets: 0, failed: 0 }
    const came: RetrievedRow[] = []
    const alone = await retrieveRows({ ...retriever, tally }, [first], {
      ...{ byCanonical: false, isOnceMore: true },
      onStored: (row) => came.push(row),
    })
    refusals.push(...alone.refusals)
    retriever.tally.retrieved += tally.stored
    retriever.tally.stored += tally.stored
    retriever.tally.octets += tally.octets
    retriever.tally.failed += tally.failed
    const [second] = came
    if (second === undefined) continue
    first.onJudged(await judge(retriever.ledger, first, second))
    if (second.stored.isShort) final += 1
    else if (second.stored.message !== first.stored.message) whole += 1
  }
  return { refusals, final, whole }
}

/** Returns what the row is. */
async function judge(
  ledger: ShortLedger,
  first: ShortRow,
  second: RetrievedRow,
): Promise<RetrievedRow> {
  const [one, other] = [first.stored, second.stored]
  const isSame = one.message === other.message
  const isSecond = isSame || !other.isShort || other.octets >= one.octets
  const [winner, loser] = isSecond ? [second, first] : [first, second]
  // A row without unique-id may have got another receipt for what came the second time.
  const superseded = one.receipt === other.receipt ? [] : [loser.stored.receipt]
  if (!isSecond && superseded.length === 0) {
    await ledger.bind([{ key: first.key, message: one.message, by: 'digest' }])
  }
  const final = [...(isSame ? [] : [one.message]), ...(other.isShort ? [other.message] : [])]
  await ledger.judgeShort({ final, whole: [], superseded })
  return winner
}
