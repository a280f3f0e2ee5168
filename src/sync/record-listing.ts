/** What a listing showed, written to the archive before anything is retrieved. */
import type { Compared } from './compare.ts'
import { Matches } from './matches.ts'
import { isEmpty, type ListingChanges, listingChanges, type MatchedRow } from './plan.ts'
import type { ListingRecord } from './ports/ledger.ts'
import type { BoundBy } from './ports/receipt.ts'

/**
 * Writes what the listing said about receipts, if anything changed. Former receipts of rows under new unique-ids become
 * absent behind the commit of the new ones: a run that is killed between finds the same again. That an account has moved is
 * decided last: by then the receipts of replaced rows are absent, and whoever finds these rows listed asks for their headers.
 */
export async function recordListing(
  compared: Compared,
  ledger: ListingRecord,
): Promise<ListingChanges> {
  const { receipts, known, fresh, recounted, rebound, move } = compared
  await bindAll(ledger, rebound, 'fingerprint')
  const underNewNames = new Set(rebound)
  const asBefore =
    rebound.length === 0
      ? known
      : Matches.of(known.all.filter((matched) => !underNewNames.has(matched)))
  const changes = listingChanges(receipts, asBefore, fresh, recounted)
  if (!isEmpty(changes)) await ledger.recordListing(changes)
  await bindAll(ledger, recounted, 'recount')
  // A claim matters to what is retrieved; a steady listing asks for nothing.
  if (fresh.length > 0 || known.hasGuess) await ledger.claim(known.receipts)
  if (move?.isSame !== undefined) await ledger.resolveMove(move.isSame)
  return changes
}

async function bindAll(
  ledger: ListingRecord,
  rows: readonly MatchedRow[],
  by: BoundBy,
): Promise<void> {
  const bindings = rows.flatMap(({ key, receipt: { message } }) =>
    message === undefined ? [] : [{ key, message, by }],
  )
  if (bindings.length > 0) await ledger.bind(bindings)
}
