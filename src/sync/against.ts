/**
 * What a server lists now, row by row, against what an archive has. On the server nothing changes: STAT, LIST, UIDL, TOP of
 * each known row, QUIT; never RETR, by which some servers mark mail as read.
 */
import { type Compared, compareMaildrop } from './compare.ts'
import type { SyncContext } from './context.ts'
import type { MatchedRow, PlannedRow } from './plan.ts'
import type { LedgerView } from './ports/ledger.ts'
import type { MaildropSession } from './ports/maildrop.ts'
import type { ReceiptKey } from './ports/receipt.ts'
import { fingerprintRows } from './recognise.ts'
import { isKnownToShowParts } from './server-sense.ts'

/** What the archive can show for a listed row; `Verdict` in its words. */
export interface ListedProof<Verdict> {
  /** Of a row that a receipt names. */
  ofMessage(message: number): Verdict
  /** Of a row that the next sync would retrieve. */
  ofFresh(key: ReceiptKey): Verdict
}

/** The archive has never had it under this name. */
export interface NotRetrieved {
  readonly kind: 'not retrieved'
}

/** The archive has a message with another header section under this name. */
export interface AnotherMessage {
  readonly kind: 'another message'
}

const NOT_RETRIEVED: NotRetrieved = { kind: 'not retrieved' }
const ANOTHER_MESSAGE: AnotherMessage = { kind: 'another message' }

export interface JudgedRow<Verdict> {
  readonly planned: PlannedRow
  readonly verdict: Verdict | NotRetrieved | AnotherMessage
}

/** One complete listing, compared. */
export interface ComparedListing {
  readonly compared: Compared
  /** Host or user changed, and it is another maildrop: receipts speak of messages of the former. */
  readonly isOther: boolean
  /** Known rows whose header section is not that of the message under their name; undefined where the server has no TOP. */
  readonly strangers: ReadonlySet<MatchedRow> | undefined
}

type ListingContext = Pick<SyncContext, 'maildrop' | 'policy' | 'signal' | 'now'>

/**
 * Logs in, compares and ends by QUIT, so that the connection is closed before a message is read: that may take longer than a
 * server waits. Servers that show parts are judged as in a sync. Throws what opening or the session throws, or the signal's
 * reason; then the connection is closed.
 */
export async function compareWithServer(
  context: ListingContext,
  ledger: LedgerView,
): Promise<ComparedListing> {
  const { maildrop, signal } = context
  const session = await maildrop.open(signal, { pipelining: false })
  try {
    const listing = await compareIn(session, ledger, context)
    await session.quit()
    return listing
  } catch (error) {
    session.close()
    throw signal.aborted ? signal.reason : error
  }
}

async function compareIn(
  session: MaildropSession,
  ledger: LedgerView,
  { policy, now }: ListingContext,
): Promise<ComparedListing> {
  let isOther = false
  const compared = await compareMaildrop(session, ledger, {
    now: now(),
    mayBeOtherPart: isKnownToShowParts(policy, ledger.facts, session.capabilities),
    onRows: () => {},
    onMove: ({ isSame }) => {
      isOther = isSame === false
    },
    onRenumbered: () => {},
  })
  const strangers = await findStrangers(session, ledger, compared)
  return { compared, isOther, strangers }
}

async function findStrangers(
  session: MaildropSession,
  ledger: LedgerView,
  { known, rebound }: Compared,
): Promise<ReadonlySet<MatchedRow> | undefined> {
  // The others are known by their header as it is.
  const byHeader = new Set(rebound)
  const named = known.all.filter((row) => row.key.uniqueId !== undefined && !byHeader.has(row))
  const rows = named.map(({ row }) => row)
  const listed = await fingerprintRows(session, rows)
  const kept = await ledger.fingerprints(named.map(({ receipt }) => receipt.id))
  const isStranger = ({ row, receipt }: MatchedRow) => {
    const [there, here] = [listed?.get(row.messageNumber), kept.get(receipt.id)]
    return there !== undefined && here !== undefined && there !== here
  }
  return listed && new Set(named.filter(isStranger))
}

/** The rows with their verdicts, known ones first; each is asked of `proof` as it is reached. */
export function* judgeListing<Verdict>(
  { compared: { known, fresh, rebound }, isOther, strangers }: ComparedListing,
  proof: ListedProof<Verdict>,
): Iterable<JudgedRow<Verdict>> {
  // Recognised by their header only, and under a name that no receipt has yet: the next sync binds them.
  const unbound = new Set<PlannedRow>(rebound)
  for (const matched of known.all) {
    const { message } = matched.receipt
    if (strangers?.has(matched)) {
      yield { planned: matched, verdict: ANOTHER_MESSAGE }
      continue
    }
    const isBound = message !== undefined && !unbound.has(matched)
    yield { planned: matched, verdict: isBound ? proof.ofMessage(message) : NOT_RETRIEVED }
  }
  for (const planned of fresh) {
    yield { planned, verdict: isOther ? NOT_RETRIEVED : proof.ofFresh(planned.key) }
  }
}
