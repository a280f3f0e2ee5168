import type { DropListing, ListedMessage } from '../pop3/listing.ts'

/** Octets of all of them as listed; undefined if those of one are not known. */
export function listedOctets(rows: readonly ListedMessage[]): number | undefined {
  let sum = 0
  for (const { octets } of rows) {
    if (octets === undefined) return undefined
    sum += octets
  }
  return sum
}

/**
 * Whether a maildrop that STAT showed as `before` is, without the rows that were deleted since, what STAT shows as `after`.
 * Octets count only where STAT's are the sum of LIST's (`isSummed`). Some servers count what is marked as deleted, against RFC
 * 1939 section 5, or only its octets, or all but its octets (qmail-pop3d): each may be as it was.
 */
export function isOnlyDeleted(
  before: DropListing,
  after: DropListing,
  { deleted, isSummed }: { readonly deleted: readonly ListedMessage[]; readonly isSummed: boolean },
): boolean {
  const isSameSize = after.octets === before.octets
  const isSameCount = after.messages === before.messages
  if (isSameCount && isSameSize) return true
  if (!isSameCount && after.messages !== before.messages - deleted.length) return false
  const octets = listedOctets(deleted)
  if (!isSummed || before.octets === undefined || octets === undefined) return !isSameCount
  return isSameSize || after.octets === before.octets - octets
}
