/** Tells known from new in a maildrop: by receipts, and by header sections (TOP) where those do not tell. */
import { compareListing, type MatchedRow, type PlannedRow } from './plan.ts'
import type { LedgerView, MaildropSession, Receipt } from './ports.ts'
import { nameRows, recheckReturned, sampleAgrees } from './recognise.ts'

/** UIDL was there in the last run and is refused now: an outage, not a server without unique-ids. */
export class UniqueIdsMissingError extends Error {
  override readonly name = 'UniqueIdsMissingError'
  readonly code = 'POP3_TEMPORARY'
}

export interface Compared {
  readonly listed: number
  readonly receipts: readonly Receipt[]
  readonly known: readonly MatchedRow[]
  /** To be retrieved, in the order of message numbers. */
  readonly fresh: readonly PlannedRow[]
  /** Those of `known` whose listed octets changed because the server counts anew. */
  readonly recounted: readonly MatchedRow[]
}

export interface CompareOptions {
  /** Hears the rows listed so far, and STAT's count of messages. */
  readonly onRows: (rows: number, total: number) => void
  /** The account's host or user changed; whether it is the same maildrop all the same. */
  readonly onMove: (isSameMaildrop: boolean) => Promise<void>
}

/** Sends STAT, LIST, UIDL (or LAST), and TOP where it has to. Changes nothing on the server, nor in the archive. */
export async function compareMaildrop(
  session: MaildropSession,
  ledger: LedgerView,
  { onRows, onMove }: CompareOptions,
): Promise<Compared> {
  const { messages } = await session.stat()
  const { rows, hasUniqueIds } = await session.listing((count) => onRows(count, messages))
  let receipts = await ledger.receipts()
  if (!hasUniqueIds && receipts.some((r) => r.uniqueId !== undefined && !r.absent)) {
    throw new UniqueIdsMissingError('the server listed unique-ids before and refuses UIDL now')
  }
  const last = hasUniqueIds || ledger.facts.lastMisled ? undefined : await session.last()
  let comparison = compareListing(rows, receipts, last || undefined)
  if (ledger.isMoved) {
    const isSame = await sampleAgrees(session, ledger, comparison.known)
    await onMove(isSame)
    if (!isSame) {
      receipts = []
      comparison = compareListing(rows, receipts)
    }
  }
  const { resized, unnamed } = comparison
  const returned = await recheckReturned(session, ledger, comparison.known)
  const isRecount = resized.length > 0 && (await sampleAgrees(session, ledger, resized))
  const recounted = isRecount ? resized : []
  const named =
    unnamed.length > 0
      ? await nameRows(session, ledger, unnamed, receipts)
      : { known: [], fresh: [] }
  const fresh: PlannedRow[] = [
    ...comparison.fresh,
    ...returned.fresh,
    ...named.fresh,
    ...(isRecount ? [] : resized.map(({ row, key }) => ({ row, key }))),
  ]
  fresh.sort((a, b) => a.row.messageNumber - b.row.messageNumber)
  const known = [...returned.known, ...named.known, ...recounted]
  return { listed: rows.length, receipts, known, fresh, recounted }
}
