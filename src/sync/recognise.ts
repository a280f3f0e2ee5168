/**
 * Recognises messages by the fingerprint of their header section (TOP n 0), where unique-ids do not tell.
 *
 * A fingerprint may save a retrieval. It never permits a DELE of a message without unique-id, and it never stands in
 * for octets.
 */
import { fingerprintOf, NO_FINGERPRINT } from '../message/fingerprint.ts'
import type { ListedMessage } from '../pop3/listing.ts'
import { Matches } from './matches.ts'
import type { MatchedRow, PlannedRow } from './plan.ts'
import type { LedgerView } from './ports/ledger.ts'
import type { MaildropSession } from './ports/maildrop.ts'
import type { Receipt, Receipts } from './ports/receipt.ts'

/** How many rows stand for all in a sample. */
const SAMPLE = 5

/** The fingerprint that every message without header fields has: it tells nothing. */
const NO_FACE = hex(NO_FINGERPRINT)

/**
 * Fingerprints (hex) by message number, of the rows that have one; undefined for the whole where the server has no
 * TOP.
 */
export async function fingerprintRows(
  session: MaildropSession,
  rows: readonly ListedMessage[],
): Promise<ReadonlyMap<number, string> | undefined> {
  const found = new Map<number, string>()
  if (rows.length === 0) return found
  const hasTop = await session.headers(rows, (row, header) => {
    const face = header ? hex(fingerprintOf(header)) : NO_FACE
    if (face !== NO_FACE) found.set(row.messageNumber, face)
  })
  return hasTop ? found : undefined
}

/** Evenly spread rows of a list, at most five. */
export function spread<T>(items: readonly T[]): readonly T[] {
  if (items.length <= SAMPLE) return items
  const step = (items.length - 1) / (SAMPLE - 1)
  return Array.from({ length: SAMPLE }, (_, i) => items[Math.round(i * step)]).filter(
    (item): item is T => item !== undefined,
  )
}

/**
 * The rows with the fingerprints of the messages that their receipts name. Each is asked for, unless none of a sample of
 * five has it. Empty where the server has no TOP.
 */
export async function agreeingRows(
  session: MaildropSession,
  ledger: LedgerView,
  rows: readonly MatchedRow[],
): Promise<readonly MatchedRow[]> {
  const sample = spread(rows)
  const found = await equalRows(session, ledger, sample)
  if (found.length === 0 || sample.length === rows.length) return found
  const asked = new Set(sample)
  const rest = rows.filter((matched) => !asked.has(matched))
  return [...found, ...(await equalRows(session, ledger, rest))]
}

/**
 * The rows whose messages are others than their receipts name. A sample of five is asked for, and each row if one of these has
 * another header; but if none of these has its own, all rows are taken for others. Once one is another, so are those whose
 * header cannot be compared. Empty where the server has no TOP.
 */
export async function otherRows(
  session: MaildropSession,
  ledger: LedgerView,
  rows: readonly MatchedRow[],
): Promise<readonly MatchedRow[]> {
  const sample = spread(rows)
  const { equal, other } = await compareHeaders(session, ledger, sample)
  if (other.length === 0) return []
  if (equal.length === 0) return rows
  const asked = new Set(sample)
  const rest = await compareHeaders(
    session,
    ledger,
    rows.filter((matched) => !asked.has(matched)),
  )
  const same = new Set([...equal, ...rest.equal])
  return rows.filter((matched) => !same.has(matched))
}

async function equalRows(
  session: MaildropSession,
  ledger: LedgerView,
  rows: readonly MatchedRow[],
): Promise<readonly MatchedRow[]> {
  return (await compareHeaders(session, ledger, rows)).equal
}

/** Rows with the fingerprint of their message, and with another. In neither list: what has none to be compared. */
async function compareHeaders(
  session: MaildropSession,
  ledger: LedgerView,
  rows: readonly MatchedRow[],
): Promise<{ readonly equal: readonly MatchedRow[]; readonly other: readonly MatchedRow[] }> {
  const listed = await fingerprintRows(
    session,
    rows.map(({ row }) => row),
  )
  if (!listed || listed.size === 0) return { equal: [], other: [] }
  const kept = await ledger.fingerprints(rows.map(({ receipt }) => receipt.id))
  const comparable = rows.filter(({ row }) => listed.has(row.messageNumber))
  const isEqual = ({ row, receipt }: MatchedRow) =>
    listed.get(row.messageNumber) === kept.get(receipt.id)
  return {
    equal: comparable.filter(isEqual),
    other: comparable.filter((matched) => !isEqual(matched)),
  }
}

/** The last complete listing did not show it, or should not show it again: another message may have its unique-id now. */
export function isReturned({ absent, state }: Receipt): boolean {
  return absent || state === 'deleted' || state === 'delete sent'
}

/**
 * Checks known rows whose receipt had left the listing, or should have: the server may have given their unique-id to a new
 * message.
 * Those with another header section are new. Where TOP cannot tell, what we had deleted ourselves is taken for new.
 */
export async function recheckReturned(
  session: MaildropSession,
  ledger: LedgerView,
  known: Matches,
): Promise<{ readonly known: Matches; readonly fresh: readonly PlannedRow[] }> {
  if (known.areAsBefore) return { known, fresh: [] }
  const returned = known.all.filter(({ receipt }) => isReturned(receipt))
  if (returned.length === 0) return { known, fresh: [] }
  const listed = await fingerprintRows(
    session,
    returned.map(({ row }) => row),
  )
  const kept = await ledger.fingerprints(returned.map(({ receipt }) => receipt.id))
  const isOther = ({ row, receipt }: MatchedRow) => {
    const fingerprint = listed?.get(row.messageNumber)
    if (fingerprint === undefined) return receipt.state === 'deleted'
    return fingerprint !== kept.get(receipt.id)
  }
  const others = new Set(returned.filter(isOther))
  return {
    known: Matches.of(known.all.filter((matched) => !others.has(matched))),
    fresh: [...others].map(({ row, key }) => ({ row, key })),
  }
}

/**
 * Matches rows without unique-id by equal listed octets and equal fingerprint: first to receipts without one, then to
 * those of other messages that should be listed (Courier shows `ENOMEM` for unique-ids while its disk is full). Each
 * receipt once. Rows that match nothing are to be retrieved; without TOP these are all of them.
 */
export async function nameRows(
  session: MaildropSession,
  ledger: LedgerView,
  rows: readonly PlannedRow[],
  { receipts, known }: { readonly receipts: Receipts; readonly known: Matches },
): Promise<{ readonly known: readonly MatchedRow[]; readonly fresh: readonly PlannedRow[] }> {
  const listed = await fingerprintRows(
    session,
    rows.map(({ row }) => row),
  )
  if (!listed || listed.size === 0) return { known: [], fresh: rows }
  const taken = new Set(known.receipts)
  const isFree = ({ id, message, state }: Receipt) =>
    message !== undefined && state !== 'quarantined' && !taken.has(id)
  const free = receipts.all.filter(isFree)
  const candidates = [
    ...free.filter((r) => r.uniqueId === undefined),
    ...free.filter((r) => r.uniqueId !== undefined && !r.absent && r.state !== 'deleted'),
  ]
  const kept = await ledger.fingerprints(candidates.map(({ id }) => id))
  const queues = new Map<string, { readonly receipts: Receipt[]; next: number }>()
  for (const receipt of candidates) {
    const face = `${receipt.octets} ${kept.get(receipt.id)}`
    const queue = queues.get(face)
    if (queue) queue.receipts.push(receipt)
    else queues.set(face, { receipts: [receipt], next: 0 })
  }
  const matched: MatchedRow[] = []
  const fresh: PlannedRow[] = []
  for (const planned of rows) {
    const fingerprint = listed.get(planned.row.messageNumber)
    const queue = queues.get(`${planned.row.octets} ${fingerprint}`)
    const receipt = queue?.receipts[queue.next]
    if (queue && receipt && fingerprint !== undefined) {
      queue.next += 1
      matched.push({ ...planned, receipt })
    } else fresh.push(planned)
  }
  return { known: matched, fresh }
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex')
}
