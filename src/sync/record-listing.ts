/** What a listing showed, written to the archive before anything is retrieved. */
import type { Compared } from './compare.ts'
import { isEmpty, type MatchedRow, type Settlement, settleListing } from './plan.ts'
import type { AccountLedger, BoundBy } from './ports.ts'

/**
 * Writes what the listing said about receipts, if anything changed. Former receipts of rows under new unique-ids become
 * absent behind the commit of the new ones: a run that is killed between finds the same again.
 */
export async function recordListing(
  compared: Compared,
  ledger: AccountLedger,
): Promise<Settlement> {
  const { receipts, known, fresh, recounted, rebound } = compared
  await bindAll(ledger, rebound, 'fingerprint')
  const underNewNames = new Set(rebound)
  const asBefore = known.filter((matched) => !underNewNames.has(matched))
  const settlement = settleListing(receipts, asBefore, fresh, recounted)
  if (!isEmpty(settlement)) await ledger.settle(settlement)
  await bindAll(ledger, recounted, 'recount')
  // A claim matters to what is retrieved; a steady listing asks for nothing.
  const isGuessed = known.some(({ receipt }) => receipt.boundBy === 'canonical')
  if (fresh.length > 0 || isGuessed) await ledger.claim(known.map(({ receipt }) => receipt.id))
  return settlement
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
