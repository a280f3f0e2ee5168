/**
 * Recognises messages by the fingerprint of their header section (TOP n 0), where unique-ids do not tell.
 *
 * A fingerprint may save a retrieval. It never permits a DELE of a message without unique-id, and it never stands in
 * for octets.
 */
import { fingerprintOf, NO_FINGERPRINT } from '../message/fingerprint.ts'
import type { ListedMessage } from '../pop3/listing.ts'
import type { MatchedRow, PlannedRow } from './plan.ts'
import type { LedgerView } from './ports/ledger.ts'
import type { MaildropSession } from './ports/maildrop.ts'
import type { Receipt } from './ports/receipt.ts'

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
 * Whether a sample of rows has the fingerprints of the messages that their receipts name. An empty sample, a server
 * without TOP, or one difference says no.
 */
export async function sampleAgrees(
  session: MaildropSession,
  ledger: LedgerView,
  rows: readonly MatchedRow[],
): Promise<boolean> {
  const sample = spread(rows.filter(({ receipt }) => receipt.message !== undefined))
  return sample.length > 0 && (await equalRows(session, ledger, sample)).length === sample.length
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

async function equalRows(
  session: MaildropSession,
  ledger: LedgerView,
  rows: readonly MatchedRow[],
): Promise<readonly MatchedRow[]> {
  const listed = await fingerprintRows(
    session,
    rows.map(({ row }) => row),
  )
  if (!listed || listed.size === 0) return []
  const kept = await ledger.fingerprints(rows.map(({ receipt }) => receipt.id))
  return rows.filter(({ row, receipt }) => {
    const fingerprint = listed.get(row.messageNumber)
    return fingerprint !== undefined && fingerprint === kept.get(receipt.id)
  })
}

/**
 * Checks known rows whose receipt had left the listing, or should have: the server may have given their unique-id to a new
 * message.
 * Those with another header section are new. Where TOP cannot tell, what we had deleted ourselves is taken for new.
 */
export async function recheckReturned(
  session: MaildropSession,
  ledger: LedgerView,
  known: readonly MatchedRow[],
): Promise<{ readonly known: readonly MatchedRow[]; readonly fresh: readonly PlannedRow[] }> {
  const returned = known.filter(
    ({ receipt: { absent, state } }) => absent || state === 'deleted' || state === 'delete sent',
  )
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
    known: known.filter((matched) => !others.has(matched)),
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
  {
    receipts,
    known,
  }: { readonly receipts: readonly Receipt[]; readonly known: readonly MatchedRow[] },
): Promise<{ readonly known: readonly MatchedRow[]; readonly fresh: readonly PlannedRow[] }> {
  const listed = await fingerprintRows(
    session,
    rows.map(({ row }) => row),
  )
  if (!listed || listed.size === 0) return { known: [], fresh: rows }
  const taken = new Set(known.map(({ receipt }) => receipt.id))
  const isFree = ({ id, message, state }: Receipt) =>
    message !== undefined && state !== 'quarantined' && !taken.has(id)
  const free = receipts.filter(isFree)
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
