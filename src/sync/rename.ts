/**
 * Unique-ids that differ in a suffix only. Dovecot (`pop3_uidl_duplicates=rename`) lists equal ones as `x`, `x-2`, `x-3`,
 * counted anew in each session: when the first copy goes, the second is `x`.
 */
import type { UniqueId } from '../pop3/listing.ts'
import type { Classes } from './header-match.ts'
import type { PlannedRow } from './plan.ts'
import type { Receipt } from './ports/receipt.ts'

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
