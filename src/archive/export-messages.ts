/** What is exported, and what is said of it. */
import type { Row } from '../sqlite/database.ts'
import type { ContentStore, Draft, StoredMessage } from './content.ts'
import { type ArchiveReader, storedMessageOf } from './reader.ts'
import type { Proof } from './reader-proof.ts'

/**
 * What became of one message:
 * - `written`: it is at the destination now, and was compared with its digest on the way;
 * - `present`: it was there already;
 * - `removed`: its owner removed it, so there is nothing to export; an archive gets its receipts;
 * - `damaged`: the source does not hold its octets; nothing of it was written;
 * - `conflict`: something else has its name at the destination, and was left alone.
 */
export interface ExportFinding {
  readonly kind: 'written' | 'present' | 'removed' | 'damaged' | 'conflict'
  /** Digest, 64 hex digits. */
  readonly id: string
  readonly octets: number
  /** Of `damaged`: what is wrong. */
  readonly text?: string
}

export interface ExportOptions {
  /** Only messages that a receipt of this account names. */
  readonly account?: string | undefined
}

/** A message of the source. */
export interface ExportedMessage extends StoredMessage {
  /** Digest, 64 hex digits. */
  readonly hex: string
  /** When it was written or, if it does not say that, archived. */
  readonly date: Date
  readonly isRemoved: boolean
}

const PAGE_MESSAGES = 100

/**
 * The messages of an archive in the order in which they came, removed ones too; with `account`, those that a receipt of
 * it names. No read transaction is held between pages.
 */
export function* messagesToExport(
  reader: ArchiveReader,
  account: string | undefined,
): Iterable<ExportedMessage> {
  const ofAccount =
    account === undefined
      ? ''
      : `AND EXISTS (SELECT 1 FROM receipt JOIN account ON account.id = receipt.account
           WHERE receipt.message = message.id AND account.name = ?)`
  const page = reader.database.prepare(
    `SELECT id, digest, lower(hex(digest)) AS hex, octets, coalesce(date, archived_at) AS date, removed
     FROM message WHERE id > ? ${ofAccount} ORDER BY id LIMIT ${PAGE_MESSAGES}`,
  )
  let last = 0
  for (;;) {
    const rows = page.all(last, ...(account === undefined ? [] : [account]))
    for (const row of rows) {
      yield exportedMessageOf(row)
      last = Number(row.id)
    }
    if (rows.length < PAGE_MESSAGES) return
  }
}

export function finding(kind: ExportFinding['kind'], message: ExportedMessage): ExportFinding {
  return { kind, id: message.hex, octets: message.octets }
}

/** The finding for a message whose octets could not be proven. */
export function damage(
  message: ExportedMessage,
  proof: Exclude<Proof, { readonly type: 'ok' }>,
): ExportFinding {
  const text =
    proof.type === 'altered' ? `${proof.octets} other octets are there` : proof.error.message
  return { ...finding('damaged', message), text }
}

/** A sealed draft of octets that were proven. Nothing stays behind if it cannot be written. */
export function writeDraft(
  content: Pick<ContentStore, 'draft'>,
  message: ExportedMessage,
  chunks: Iterable<Uint8Array>,
): Draft {
  const draft = content.draft()
  try {
    for (const chunk of chunks) draft.write(chunk)
    draft.seal(message.digest)
    return draft
  } catch (error) {
    draft.discard()
    throw error
  }
}

function exportedMessageOf(row: Row): ExportedMessage {
  const date = new Date(String(row.date))
  return {
    ...storedMessageOf(row),
    hex: String(row.hex),
    // The catalog may come from anybody.
    date: Number.isNaN(date.getTime()) ? new Date(0) : date,
    isRemoved: row.removed === 1,
  }
}
