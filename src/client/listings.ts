import { SessionError } from '../pop3/errors.ts'
import { type Listing, ListingJoin } from '../pop3/listing-join.ts'
import { commandRefusal } from './refusal.ts'
import type { Timeouts } from './timeouts.ts'
import type { StatusEvent, Wire } from './wire.ts'

export interface Listings {
  readonly rows: Listing
  readonly hasUniqueIds: boolean
}

export interface ListingOptions {
  /** UIDL and LIST may go out in one write. */
  readonly pipelined: boolean
  /** CAPA named UIDL: a refusal is then a passing trouble, as AOL and Exchange have it, not a lack. */
  readonly announced: boolean
  readonly timeouts: Timeouts
  readonly onRows: (rows: number) => void
}

/**
 * UIDL and LIST, joined. UIDL is tried even if not announced. Throws CommandError (POP3_REFUSED) if LIST is refused,
 * SessionError (POP3_TEMPORARY) if UIDL is, though announced.
 */
export async function readListings(
  wire: Wire,
  { pipelined, announced, timeouts, onRows }: ListingOptions,
): Promise<Listings> {
  const join = new ListingJoin()
  const limits = { first: timeouts.listing, data: timeouts.data }
  let uniqueIds = 0
  let sizes = 0
  // Two listings of n rows count together as n.
  const tell = (): void => onRows(uniqueIds > 0 ? Math.ceil((uniqueIds + sizes) / 2) : sizes)

  if (pipelined) wire.send([{ keyword: 'UIDL' }, { keyword: 'LIST' }])
  else wire.send([{ keyword: 'UIDL' }])
  const uidl = await wire.rows(
    limits,
    (lines) => {
      uniqueIds += join.addUniqueIdRows(lines)
    },
    tell,
  )
  if (!pipelined) {
    if (!uidl.ok) throwIfPassing(uidl, announced)
    wire.send([{ keyword: 'LIST' }])
  }
  const list = await wire.rows(
    limits,
    (lines) => {
      sizes += join.addScanRows(lines)
    },
    tell,
  )
  if (!uidl.ok) throwIfPassing(uidl, announced)
  if (!list.ok) throw commandRefusal('LIST', list)
  return { rows: join.listing(uidl.ok), hasUniqueIds: uidl.ok }
}

/** Returns if the server simply has no UIDL. */
function throwIfPassing(uidl: StatusEvent, announced: boolean): void {
  const refusal = commandRefusal('UIDL', uidl)
  if (refusal instanceof SessionError) throw refusal
  if (!announced) return
  const { line: serverText, responseCode } = uidl
  throw new SessionError('POP3_TEMPORARY', 'the server refused UIDL though it announces it', {
    serverText,
    responseCode,
  })
}
