/**
 * Decides which messages may be deleted, and deletes them. Invariant I1 stands here:
 *
 * for every DELE, the exact octets of that message are durable in the archive and were found there again in this run,
 * and "that message" means: retrieved in this session, or its unique-id, listed octets and header fingerprint equal
 * the receipt's. A server without TOP cannot show the last, so its messages are retrieved once more: servers give
 * unique-ids of deleted messages to new ones.
 *
 * The one exception is the owner's: a message whose file he removed, where he asked for its deletion too
 * (`deleteRemoved`). The archive has no octets of it to be proven, and it is never retrieved only to be compared: that
 * would bring it back.
 */
import type { MatchedRow, PlannedRow, RetrievedRow } from './plan.ts'
import type { ArchivePlace, DeletionJournal, LedgerView } from './ports/ledger.ts'
import type { MaildropSession, QuitOutcome } from './ports/maildrop.ts'
import type { Receipt } from './ports/receipt.ts'
import { fingerprintRows } from './recognise.ts'

/** A row that may be deleted once its message is proven to be in the archive. */
export interface DeletableRow extends PlannedRow {
  readonly receipt: number
  readonly message: number
  /** Its owner removed it from the archive and wants it off the server: there is nothing to prove. */
  readonly isRemoved: boolean
  /** Of the octets that came in this session, hex; undefined where the row was known and not retrieved. */
  readonly cameAs?: string | undefined
}

/** A row whose DELE was accepted. */
export interface DeletedRow extends DeletableRow {
  /** Of its octets in the archive, hex; undefined where its owner removed it from there. */
  readonly digest: string | undefined
}

/**
 * The known rows as they stand once the listing was recorded. A message whose DELE had no effect is stored again, or
 * removed where its owner removed it meanwhile: only the ledger knows which.
 */
export async function rowsAsRecorded(
  ledger: LedgerView,
  known: readonly MatchedRow[],
): Promise<readonly MatchedRow[]> {
  const isBack = ({ state }: Receipt) => state === 'delete sent' || state === 'deleted'
  const back = new Set(known.flatMap(({ receipt }) => (isBack(receipt) ? receipt.id : [])))
  if (back.size === 0) return known
  const recorded = new Map<number, Receipt>()
  for (const receipt of (await ledger.receipts()).all) {
    if (back.has(receipt.id)) recorded.set(receipt.id, receipt)
  }
  return known.map((matched) => ({
    ...matched,
    receipt: recorded.get(matched.receipt.id) ?? matched.receipt,
  }))
}

/**
 * Divides due rows into those whose receipt holds for them as they are, and those to be retrieved and compared first:
 * without unique-id, without listed octets, bound by anything less than the digest, or with another header. One whose owner
 * removed it is in neither list unless its header was seen: the same, or that of another message.
 */
export async function checkDueRows(
  session: MaildropSession,
  ledger: LedgerView,
  due: readonly MatchedRow[],
): Promise<{ readonly sure: readonly DeletableRow[]; readonly doubtful: readonly PlannedRow[] }> {
  const sure: DeletableRow[] = []
  const doubtful: PlannedRow[] = []
  const checkable: MatchedRow[] = []
  for (const matched of due) {
    const { uniqueId, octets } = matched.row
    const { receipt } = matched
    const isExact = receipt.boundBy === 'digest' && receipt.octets === octets
    if (isExact && uniqueId !== undefined && octets !== undefined) checkable.push(matched)
    else if (receipt.state !== 'removed') doubtful.push(matched)
  }
  const listed = await fingerprintRows(
    session,
    checkable.map(({ row }) => row),
  )
  const kept = await ledger.fingerprints(checkable.map(({ receipt }) => receipt.id))
  for (const { row, key, receipt } of checkable) {
    const fingerprint = listed?.get(row.messageNumber)
    const isSame = fingerprint !== undefined && fingerprint === kept.get(receipt.id)
    const { id, message, state } = receipt
    const isRemoved = state === 'removed'
    if (isSame && message !== undefined) sure.push({ row, key, receipt: id, message, isRemoved })
    else if (!isRemoved || fingerprint !== undefined) doubtful.push({ row, key })
  }
  return { sure, doubtful }
}

/**
 * Undefined if the archive does not hold its exact octets: one bound by its canonical digest differs from what it has. Also
 * if its message number was listed twice.
 */
export function deletableRow({ row, key, stored }: RetrievedRow): DeletableRow | undefined {
  const { receipt, message, boundBy, digest } = stored
  return boundBy === 'digest' && row.isRepeated !== true
    ? { row, key, receipt, message, isRemoved: false, cameAs: digest }
    : undefined
}

/**
 * Order of effects: read back and hash every message, journal those that hold (and, of what was retrieved in this session, are
 * the very octets that came), DELE, QUIT alone; but nothing behind the
 * first where one does not hold and QUIT may take it too (EXPIRE 0, or `endsWithoutQuit`), and no QUIT where the archive went
 * from its place meanwhile: the session is left open.
 * Nothing should be deleted before QUIT's reply (RFC 1939 section 6), yet Qpopper 2 can delete at DELE; and not even that
 * reply is proof: the next listing shows what became of what was journalled. Each QUIT is counted, answered or not: a
 * server that keeps its messages is not asked for ever.
 */
export async function deleteRows(
  session: MaildropSession,
  ledger: ArchivePlace & DeletionJournal,
  rows: readonly DeletableRow[],
  { signal, endsWithoutQuit }: { readonly signal: AbortSignal; readonly endsWithoutQuit: boolean },
): Promise<{
  readonly accepted: readonly DeletedRow[]
  readonly refused: number
  /** Not found in the archive as they were stored: no DELE was sent for them. */
  readonly unproven: readonly DeletableRow[]
  readonly quit: QuitOutcome
}> {
  const provable = rows.filter(({ isRemoved }) => !isRemoved)
  const proven = await ledger.prove(provable.map(({ message }) => message))
  const isAllowed = ({ message, isRemoved, cameAs }: DeletableRow) => {
    const digest = proven.get(message)
    return isRemoved || (digest !== undefined && (cameAs === undefined || cameAs === digest))
  }
  const allowed = rows.filter(isAllowed)
  const unproven = rows.filter((row) => !isAllowed(row))
  signal.throwIfAborted()
  if (unproven.length > 0 && (endsWithoutQuit || deletesRetrieved(session))) {
    return { accepted: [], refused: 0, unproven, quit: 'lost' }
  }
  const receipts = allowed.map(({ receipt }) => receipt)
  await ledger.deleteSent(receipts)
  const said = new Set(await session.delete(allowed.map(({ row }) => row)))
  await ledger.requireInPlace()
  signal.throwIfAborted()
  const accepted = allowed
    .filter(({ row }) => said.has(row))
    .map((allowedRow) => ({ ...allowedRow, digest: proven.get(allowedRow.message) }))
  const quit = await session.quit()
  await ledger.deleteTried(receipts)
  return { accepted, refused: allowed.length - accepted.length, unproven, quit }
}

/** RFC 2449 section 6.7: at QUIT it may delete what was retrieved, also what was not proven. */
function deletesRetrieved({ capabilities }: MaildropSession): boolean {
  return capabilities.args('EXPIRE')[0] === '0'
}
