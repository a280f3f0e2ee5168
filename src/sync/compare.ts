/** Tells known from new in a maildrop: by receipts, and by header sections (TOP) where those do not tell. */
import { areAllNone } from '../pop3/unique-id-column.ts'
import { areSteady, compareListing } from './compare-listing.ts'
import type { FreshRows } from './fresh-rows.ts'
import type { Matches } from './matches.ts'
import { judgeMove, type MoveVerdict, withoutReplaced } from './move.ts'
import type { MatchedRow } from './plan.ts'
import type { LedgerView } from './ports/ledger.ts'
import type { MaildropSession } from './ports/maildrop.ts'
import { NO_RECEIPTS, type Receipts } from './ports/receipt.ts'
import { overlapOf, rebindRows, wasRenumberedLately } from './rebind.ts'
import { agreeingRows, nameRows, recheckReturned } from './recognise.ts'

/** UIDL was there in the last run and is refused now: an outage, not a server without unique-ids. */
export class UniqueIdsMissingError extends Error {
  override readonly name = 'UniqueIdsMissingError'
  readonly code = 'POP3_TEMPORARY'
}

export interface Compared {
  readonly listed: number
  readonly receipts: Receipts
  readonly known: Matches
  /** To be retrieved. */
  readonly fresh: FreshRows
  /** Those of `known` whose listed octets changed because the server counts anew. */
  readonly recounted: readonly MatchedRow[]
  /** Those of `known` that were recognised by header: each has a key without receipt yet. */
  readonly rebound: readonly MatchedRow[]
  /** A fresh row may be a message that the archive has under another name: its canonical digest may recognise it. */
  readonly isReturning: boolean
  /** Less than half of what should be listed is. */
  readonly looksRenumbered: boolean
  /** Of an account that stands elsewhere than the catalog knows: what its receipts prove there. */
  readonly move: MoveVerdict | undefined
}

export interface CompareOptions {
  /** Ms since the epoch. */
  readonly now: number
  /** Hears the rows listed so far, and STAT's count of messages. */
  readonly onRows: (rows: number, total: number) => void
  /** The account stands elsewhere; what its listing says of that. */
  readonly onMove: (verdict: MoveVerdict) => void
  /** The server renumbered its unique-ids: rows recognised by header, and rows that remain to be retrieved. */
  readonly onRenumbered: (recognised: number, fresh: number) => void
  /** Of the account, where they were asked for already. */
  readonly asked?: Promise<Receipts> | undefined
  /** The listing may be another part of the maildrop than the last: other messages are others, not renumbered ones. */
  readonly mayBeOtherPart?: boolean | undefined
}

/** Sends STAT, LIST, UIDL (or LAST), and TOP where it has to. Changes nothing on the server, nor in the archive. */
export async function compareMaildrop(
  session: MaildropSession,
  ledger: LedgerView,
  { now, onRows, onMove, onRenumbered, asked, mayBeOtherPart }: CompareOptions,
): Promise<Compared> {
  const { moved, facts } = ledger
  // Read while the server opens the maildrop and lists it: of 100,000 messages, either takes as long.
  const kept = (asked ?? ledger.receipts()).then((receipts) => ({
    receipts,
    areSteady: areSteady(receipts),
  }))
  // Where both fail, the listing is what is told.
  kept.catch(() => undefined)
  const { messages } = await session.stat()
  const { rows, hasUniqueIds } = await session.listing((count) => onRows(count, messages))
  const before = await kept
  let { receipts } = before
  if (!hasUniqueIds && moved !== 'host' && listedUniqueIds(receipts)) {
    throw new UniqueIdsMissingError('the server listed unique-ids before and refuses UIDL now')
  }
  const last = hasUniqueIds || facts.lastMisled ? undefined : await session.last()
  let comparison = compareListing(rows, receipts, {
    lastAccessed: last || undefined,
    areSteady: before.areSteady,
  })
  let recounted = await agreeingRows(session, ledger, comparison.resized)
  const move = moved && (await judgeMove(session, ledger, { comparison, recounted, receipts }))
  if (move?.isSame) comparison = withoutReplaced(comparison, move)
  else if (move) {
    receipts = NO_RECEIPTS
    recounted = []
    comparison = compareListing(rows, receipts)
  }
  if (move) onMove(move)
  const { resized, unnamed } = comparison
  const returned = await recheckReturned(session, ledger, comparison.known)
  const isRecounted = new Set(recounted)
  const replaced = resized.filter((matched) => !isRecounted.has(matched))
  const certain = returned.known.and(recounted)
  const named = await nameRows(session, ledger, unnamed, { receipts, known: certain })
  const known = certain.and(named.known)
  const wasRenumbered = wasRenumberedLately(facts, now)
  const overlap = overlapOf(receipts, known, { isLong: wasRenumbered })
  const looksRenumbered = overlap.isLow && !mayBeOtherPart
  const { rebound, fresh, renumbered } = await rebindRows(
    session,
    ledger,
    comparison.fresh.and([
      ...returned.fresh,
      ...named.fresh,
      ...replaced.map(({ row, key }) => ({ row, key })),
    ]),
    { receipts, known, missing: looksRenumbered || wasRenumbered ? overlap.missing : [] },
  )
  if (renumbered > 0) onRenumbered(renumbered, fresh.length)
  // Also a server that has unique-ids from now on.
  const isFirstNamed = areAllNone(receipts.uniqueIds)
  return {
    listed: rows.length,
    receipts,
    known: known.and(rebound),
    fresh,
    recounted,
    rebound,
    isReturning: moved === 'host' || overlap.isLow || wasRenumbered || isFirstNamed,
    looksRenumbered,
    move,
  }
}

function listedUniqueIds(receipts: Receipts): boolean {
  return receipts.all.some(({ uniqueId, absent }) => uniqueId !== undefined && !absent)
}
