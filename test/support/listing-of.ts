import type { ListedMessage } from '../../src/pop3/listing.ts'
import { type Listing, ListingJoin } from '../../src/pop3/listing-join.ts'
import { latin1 } from './chunkings.ts'

/** The listing of a server that shows these messages, by way of its lines. */
export function listingOf(messages: readonly ListedMessage[]): Listing {
  const join = new ListingJoin()
  const lines = (words: readonly (string | number)[][]): Uint8Array =>
    latin1(words.map((row) => `${row.join(' ')}\r\n`).join(''))
  join.addUniqueIdRows(lines(messages.map((m) => [m.messageNumber, m.uniqueId ?? ''])))
  join.addScanRows(lines(messages.map((m) => [m.messageNumber, m.octets ?? ''])))
  const repeated = messages.filter(({ isRepeated }) => isRepeated)
  join.addScanRows(lines(repeated.map((m) => [m.messageNumber])))
  return join.listing(true)
}
