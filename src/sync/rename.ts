/**
 * Unique-ids that differ in a suffix only. Dovecot (`pop3_uidl_duplicates=rename`) lists equal ones as `x`, `x-2`, `x-3`,
 * counted anew in each session: when the first copy goes, the second is `x`.
 */
import type { UniqueId } from '../pop3/listing.ts'
import { octetsOf } from '../pop3/octets.ts'
import { startOf, UniqueIdColumn } from '../pop3/unique-id-column.ts'
import type { Classes } from './header-match.ts'
import type { PlannedRow } from './plan.ts'
import type { Receipt, Receipts } from './ports/receipt.ts'
import { UniqueIdIndex } from './unique-id-index.ts'

const DASH = 0x2d
const DIGIT_0 = 0x30
const DIGIT_9 = 0x39

/**
 * Receipts whose unique-id is that of a row, or may be but for a suffix of either. Found by their octets: of an account's 100,000
 * no other is made an object.
 */
export function relatives(rows: readonly PlannedRow[], receipts: Receipts): readonly Receipt[] {
  const names = new Set(rows.flatMap(({ key }) => basesOf(key.uniqueId)))
  const column = new UniqueIdColumn()
  for (const name of names) column.add(octetsOf(name), 0, name.length)
  const index = new UniqueIdIndex(column.all)
  for (let name = 0; name < names.size; name += 1) index.add(name)
  const { uniqueIds } = receipts
  const { octets, ends } = uniqueIds
  const found: Receipt[] = []
  for (let receipt = 0; receipt < receipts.length; receipt += 1) {
    const start = startOf(uniqueIds, receipt)
    const end = ends[receipt] ?? start
    const base = baseEnd(octets, start, end)
    const isRelative =
      (end > start && index.has(octets, start, end)) ||
      (base < end && index.has(octets, start, base))
    if (isRelative) found.push(receipts.at(receipt))
  }
  return found
}

/** Where a suffix `-n` would begin; `end` if there is none. */
function baseEnd(octets: Uint8Array, start: number, end: number): number {
  let at = end - 1
  while (at > start && isDigit(octets[at] ?? 0)) at -= 1
  return at > start && at < end - 1 && octets[at] === DASH ? at : end
}

function isDigit(octet: number): boolean {
  return octet >= DIGIT_0 && octet <= DIGIT_9
}

/**
 * Classes of rows and receipts with equal listed octets whose unique-ids are `x` or `x-n`, where `x` itself is that of a
 * receipt: on other servers every unique-id may end in a number (Courier). A row is in one only if it could be a message
 * of it that `isListed` does not name: what is listed under another unique-id has not moved here.
 */
export function renameFamilies(
  rows: readonly PlannedRow[],
  receipts: readonly Receipt[],
  isListed: (receipt: Receipt) => boolean,
): Classes {
  const sizes = new Set(rows.map(({ row }) => row.octets))
  const bases = new Set<UniqueId>()
  for (const { key } of rows) {
    for (const base of basesOf(key.uniqueId)) bases.add(base)
  }
  const known = new Set<UniqueId>()
  const members = new Map<string, Receipt[]>()
  const open = new Set<string>()
  for (const receipt of receipts) {
    for (const base of basesOf(receipt.uniqueId)) {
      if (!bases.has(base)) continue
      if (base === receipt.uniqueId) known.add(base)
      if (!sizes.has(receipt.octets)) continue
      const of = familyOf(base, receipt.octets)
      if (!isListed(receipt)) open.add(of)
      const family = members.get(of)
      if (family) family.push(receipt)
      else members.set(of, [receipt])
    }
  }
  return {
    rows: rows.flatMap((planned) => {
      const { row, key } = planned
      const base = basesOf(key.uniqueId).find(
        (one) => known.has(one) && open.has(familyOf(one, row.octets)),
      )
      return base === undefined ? [] : [{ planned, of: familyOf(base, row.octets) }]
    }),
    receipts: members,
  }
}

/** Without its suffix, if it has one, and as it is. */
function basesOf(uniqueId: UniqueId | undefined): readonly UniqueId[] {
  if (uniqueId === undefined) return []
  const base = /^(.+)-[1-9]\d{0,6}$/s.exec(uniqueId)?.[1]
  return base === undefined ? [uniqueId] : [base, uniqueId]
}

function familyOf(base: UniqueId, octets: number | undefined): string {
  return `${octets} ${base}`
}
