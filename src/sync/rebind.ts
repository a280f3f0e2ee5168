/**
 * Binds rows with new unique-ids to messages that the archive has, where their headers show that they are the same.
 *
 * Two causes. The server renumbered (Dovecot and Cyrus after a migration, a lost index, a changed format): most of what
 * should still be listed is not. Or it tells equal unique-ids apart by suffixes that depend on which copies are still
 * there (Dovecot's `pop3_uidl_duplicates=rename`): `x-2` today, `x` tomorrow.
 *
 * A server that shows a part of the maildrop in each session (Gmail) looks renumbered too, until that is known of it: a
 * sample of five headers ends it.
 */
import type { FreshRows } from './fresh-rows.ts'
import { type Classes, type HeaderMatch, matchHeaders } from './header-match.ts'
import type { Matches } from './matches.ts'
import { faceOf, type MatchedRow, type PlannedRow } from './plan.ts'
import type { LedgerView, ServerFacts } from './ports/ledger.ts'
import type { MaildropSession } from './ports/maildrop.ts'
import type { Receipt, Receipts } from './ports/receipt.ts'
import { spread } from './recognise.ts'
import { relatives, renameFamilies } from './rename.ts'

/** With fewer messages that should be there a share means little, and retrieving them costs little. */
const FEWEST_EXPECTED = 10

/** Below this share of what should be there, unique-ids changed, and not only the maildrop. */
const LOW_OVERLAP = 0.5

/** Mail that comes back after this time comes back as new. A run that noticed, and was broken off, is repeated sooner. */
const RETURN_MS = 30 * 24 * 3600 * 1000

/** So often it is written down. */
const DAY_MS = 24 * 3600 * 1000

/** Whether a listing looked renumbered not long before `now` (ms since the epoch): what is new may be old mail still. */
export function wasRenumberedLately({ renumberedAt }: ServerFacts, now: number): boolean {
  return isWithin(RETURN_MS, renumberedAt, now)
}

/** What is remembered of a listing that looks renumbered at `now`. */
export function renumbering(
  { renumberedAt }: ServerFacts,
  now: number,
): Pick<ServerFacts, 'renumberedAt'> {
  const isKnown = isWithin(DAY_MS, renumberedAt, now)
  return { renumberedAt: isKnown ? renumberedAt : new Date(now).toISOString() }
}

function isWithin(ms: number, at: string | undefined, now: number): boolean {
  return at !== undefined && Math.abs(now - Date.parse(at)) < ms
}

/** What a listing shares with what should be in it. */
export interface Overlap {
  /** Receipts whose messages should be listed, and are not under their unique-ids. */
  readonly missing: readonly Receipt[]
  /** Less than half of what should be listed is, of ten messages at least. */
  readonly isLow: boolean
}

/**
 * What should be listed: what the last complete listing showed and we did not delete; all that was ever stored if that
 * listing was empty, since a server shows nothing while its mail is on its way to it. `isLong`: messages that went missing
 * in former listings are missing still, where no row is known to be one of them.
 */
export function overlapOf(
  receipts: Receipts,
  known: Matches,
  { isLong }: { readonly isLong: boolean },
): Overlap {
  if (known.areAsBefore && known.length > 0 && !isLong) return { missing: [], isLow: false }
  const kept = receipts.all.filter(isKept)
  const present = kept.filter(({ absent }) => !absent)
  const expected = present.length > 0 ? present : kept
  const matched = new Set(known.receipts)
  const missing = expected.filter(({ id }) => !matched.has(id))
  const share = (expected.length - missing.length) / expected.length
  if (isLong) {
    const found = new Set(known.all.map(({ receipt }) => receipt.message))
    missing.push(...kept.filter((r) => r.absent && present.length > 0 && !found.has(r.message)))
  }
  return { missing, isLow: expected.length >= FEWEST_EXPECTED && share < LOW_OVERLAP }
}

/** The message should be on the server unless somebody else took it away. */
function isKept({ state, message }: Receipt): boolean {
  return (state === 'stored' || state === 'removed') && message !== undefined
}

export interface Rebound {
  /** `key` is the row's; `receipt` is that of the same message under its former unique-id, as bound by fingerprint now. */
  readonly rebound: readonly MatchedRow[]
  /** To be retrieved. */
  readonly fresh: FreshRows
  /** How many of them were `missing`; 0 if the server did not renumber, as far as headers show. */
  readonly renumbered: number
}

interface Remembered {
  readonly receipts: Receipts
  readonly known: Matches
  readonly missing: readonly Receipt[]
}

/**
 * Asks by TOP for the headers of those `fresh` rows with a unique-id whose listed octets are those of a missing message,
 * or of a namesake but for a suffix; at first of five of each. Rows that fit none, or several, or a message that `known`
 * rows show is listed, stay fresh; so do several that fit one, and all on a server without TOP. Changes nothing in the archive.
 */
export async function rebindRows(
  session: MaildropSession,
  ledger: LedgerView,
  fresh: FreshRows,
  { receipts, known, missing }: Remembered,
): Promise<Rebound> {
  const candidates = bindable(fresh, receipts)
  if (candidates.length === 0) return { rebound: [], fresh, renumbered: 0 }
  const renumbered = onlyOnce(await matchHeaders(session, ledger, sizeClasses(candidates, missing)))
  const taken = new Set(renumbered.map(({ planned }) => planned.row.messageNumber))
  const isLeft = ({ row }: PlannedRow) => !taken.has(row.messageNumber)
  const left = candidates.filter(isLeft)
  let listed: ReadonlySet<number | undefined> | undefined
  const isListed = ({ message }: Receipt) => {
    listed ??= new Set([...known.messages, ...renumbered.map(({ receipt }) => receipt.message)])
    return listed.has(message)
  }
  // Also with what is listed: where that has the header too, a row may be a second one like it.
  const families = renameFamilies(left, relatives(left, receipts).filter(isKept), isListed)
  const alike = onlyOnce(await matchHeaders(session, ledger, families))
  const renamed = alike.filter(({ receipt }) => !isListed(receipt))
  for (const { planned } of renamed) taken.add(planned.row.messageNumber)
  return {
    rebound: [...renumbered, ...renamed].map(({ planned, receipt }) => ({
      ...planned,
      // Deletion reads it: such a message is retrieved and compared first.
      receipt: { ...receipt, boundBy: 'fingerprint' },
    })),
    fresh: taken.size === 0 ? fresh : fresh.filter(isLeft),
    renumbered: renumbered.length,
  }
}

/**
 * Whether missing messages are there under other unique-ids: more than half of a sample of five rows have the listed octets
 * and the header of one. For a maildrop that may have moved, and was renumbered on its way.
 */
export async function sampleReturns(
  session: MaildropSession,
  ledger: LedgerView,
  fresh: FreshRows,
  { missing }: Overlap,
): Promise<boolean> {
  const classes = sizeClasses([...fresh], missing)
  const rows = spread(classes.rows)
  const found = await matchHeaders(session, ledger, { ...classes, rows })
  return found.length > rows.length / 2
}

/** Rows with a unique-id, and none of which a receipt has the key: that one speaks of another message, or of trouble. */
function bindable(fresh: FreshRows, receipts: Receipts): readonly PlannedRow[] {
  if (receipts.length === 0) return []
  const named = [...fresh.named]
  if (named.length === 0) return []
  const uniqueIds = new Set(named.map(({ key }) => key.uniqueId))
  const namesakes = relatives(named, receipts).filter((r) => uniqueIds.has(r.uniqueId))
  const taken = new Set(namesakes.map(faceOf))
  return named.filter(({ key }) => !taken.has(faceOf(key)))
}

/** Rows and receipts with equal listed octets. */
function sizeClasses(rows: readonly PlannedRow[], receipts: readonly Receipt[]): Classes {
  const bySize = new Map<string, Receipt[]>()
  const sizes = new Set(rows.map(({ row }) => row.octets))
  for (const receipt of receipts) {
    if (!sizes.has(receipt.octets)) continue
    const of = `${receipt.octets}`
    const members = bySize.get(of)
    if (members) members.push(receipt)
    else bySize.set(of, [receipt])
  }
  const classed = rows.map((planned) => ({ planned, of: `${planned.row.octets}` }))
  return { rows: classed.filter(({ of }) => bySize.has(of)), receipts: bySize }
}

/** One row, one message: several rows that look like one may be several messages that differ further down. */
function onlyOnce(matches: readonly HeaderMatch[]): readonly HeaderMatch[] {
  const times = new Map<number, number>()
  for (const { receipt } of matches) times.set(receipt.id, (times.get(receipt.id) ?? 0) + 1)
  return matches.filter(({ receipt }) => times.get(receipt.id) === 1)
}
