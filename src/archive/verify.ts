/**
 * Reads every message of an archive back and compares it with its digest, and asks SQLite whether its file is sound. Never
 * writes. One damaged message does not stop the rest.
 */
import { ArchiveError, asArchiveError } from '../durable/errors.ts'
import type { Row, Statement } from '../sqlite/database.ts'
import { isSuspicious } from './maildir-reconcile.ts'
import { type ArchiveReader, storedMessageOf } from './reader.ts'
import { proveMessage } from './reader-proof.ts'

/**
 * What verify found. All but `ok` and `removed` mean that the archive is damaged:
 * - `altered`: octets are there, but not those of the digest; `octets` says how many;
 * - `missing`: the octets are gone, and no owner's act explains it;
 * - `removed`: Maildir only, its owner removed the file;
 * - `damaged`: the system or SQLite cannot read the message or, without `id`, a part of the database.
 */
export type Finding =
  | { readonly kind: 'ok' | 'removed' | 'missing'; readonly id: string; readonly octets: number }
  | { readonly kind: 'altered'; readonly id: string; readonly octets: number }
  | { readonly kind: 'damaged'; readonly id: string | undefined; readonly text: string }

/** Whether this finding makes `verify` leave with 65. */
export function isDamage(finding: Finding): boolean {
  return finding.kind !== 'ok' && finding.kind !== 'removed'
}

const PAGE_MESSAGES = 100

/** Of what SQLite finds wrong, so many lines are reported. */
const SQLITE_FINDINGS = 100

/** Behind a damaged page, row ids are looked for this far, doubling the step each time. */
const LARGEST_STEP = 2 ** 40

/** The whole archive. Lazily: each message is read when its finding is asked for. */
export function* verifyArchive(reader: ArchiveReader): Iterable<Finding> {
  yield* checkDatabase(reader)
  const toleratesGone = reader.location.kind === 'maildir' && !hasLostMany(reader)
  for (const row of eachMessage(reader)) {
    yield 'text' in row ? row : checkMessage(reader, row.message, toleratesGone)
  }
}

/** SQLite's own check: structure, indexes, constraints. */
function* checkDatabase(reader: ArchiveReader): Iterable<Finding> {
  try {
    const rows = reader.database.prepare(`PRAGMA integrity_check(${SQLITE_FINDINGS})`).all()
    const texts = rows.map((row) => String(Object.values(row)[0]))
    for (const text of texts) if (text !== 'ok') yield damaged(text)
    for (const row of reader.database.prepare('PRAGMA foreign_key_check').all()) {
      yield damaged(
        `row ${row.rowid} of ${row.table} names a row of ${row.parent} that is not there`,
      )
    }
  } catch (error) {
    yield damaged(textOf(error))
  }
}

function checkMessage(reader: ArchiveReader, row: Row, toleratesGone: boolean): Finding {
  const id = String(row.hex)
  const octets = Number(row.octets)
  try {
    const message = storedMessageOf(row)
    const isRemoved = row.removed === 1
    const proof = proveMessage(reader.content, message)
    switch (proof.type) {
      case 'ok':
        return { kind: 'ok', id, octets }
      case 'altered':
        return { kind: 'altered', id, octets: proof.octets }
      case 'missing':
        return { kind: isRemoved || toleratesGone ? 'removed' : 'missing', id, octets }
      case 'unreadable':
        return { kind: 'damaged', id, text: proof.error.message }
    }
  } catch (error) {
    return { kind: 'damaged', id, text: textOf(error) }
  }
}

/** Whether so many files are gone since the last run that it was no owner's act. */
function hasLostMany(reader: ArchiveReader): boolean {
  let present = 0
  let gone = 0
  for (const row of eachMessage(reader)) {
    if ('text' in row || row.message.removed === 1) continue
    present += 1
    if (!reader.content.has(storedMessageOf(row.message))) gone += 1
  }
  return isSuspicious(gone, present)
}

/** The rows of all messages by id; where the table cannot be read, a finding, and the rows behind the damage. */
function* eachMessage(
  reader: ArchiveReader,
): Iterable<{ readonly message: Row } | Extract<Finding, { kind: 'damaged' }>> {
  let last = 0
  try {
    const page = reader.database.prepare(
      `SELECT id, digest, lower(hex(digest)) AS hex, octets, removed FROM message
       WHERE id > ? ORDER BY id LIMIT ?`,
    )
    for (;;) {
      const rows = readPage(page, last)
      if (Array.isArray(rows)) {
        for (const message of rows) yield { message }
        if (rows.length === 0) return
        last = Number(rows.at(-1)?.id)
        continue
      }
      yield rows.finding
      if (rows.next === undefined) return
      last = rows.next
    }
  } catch (error) {
    yield damaged(textOf(error))
  }
}

interface Gap {
  readonly finding: Extract<Finding, { kind: 'damaged' }>
  /** Rows with larger ids can be read again; undefined if there is none. */
  readonly next: number | undefined
}

/** A page, or one row where a page cannot be read, or the gap if that cannot either. */
function readPage(page: Statement, last: number): Row[] | Gap {
  try {
    return page.all(last, PAGE_MESSAGES)
  } catch {
    // A page may be unreadable for its last row only: the rows before it are wanted.
  }
  try {
    return page.all(last, 1)
  } catch (error) {
    const finding = damaged(`messages after row ${last} cannot be read: ${textOf(error)}`)
    for (let step = 1; step < LARGEST_STEP; step *= 2) {
      if (isReadable(page, last + step)) return { finding, next: last + step }
    }
    return { finding, next: undefined }
  }
}

function isReadable(page: Statement, last: number): boolean {
  try {
    return page.all(last, 1).length > 0
  } catch {
    return false
  }
}

function damaged(text: string): Extract<Finding, { kind: 'damaged' }> {
  return { kind: 'damaged', id: undefined, text }
}

function textOf(error: unknown): string {
  const known = asArchiveError(error, 'the database', 'read')
  if (known instanceof ArchiveError) return known.message
  throw error
}
