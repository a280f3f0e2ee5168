/**
 * Reads an archive. Takes no lock, creates nothing and changes nothing: works beside a sync and in a read-only folder.
 *
 * Everything is synchronous, and lazy where it may be long: a reading command has nothing else to do.
 */
import { ArchiveError, asArchiveError } from '../durable/errors.ts'
import type { Database, Row } from '../sqlite/database.ts'
import type { StoredMessage } from './content.ts'
import { type ArchiveLocation, formatLocation } from './location.ts'
import { indexMaildir } from './maildir-index.ts'
import { openForReading, type ReadableArchive } from './open.ts'
import { type ListOptions, listMessages, type MessageSummary } from './reader-list.ts'
import type { ContentReader } from './reader-proof.ts'
import { type ArchiveStatus, readStatus } from './reader-status.ts'

/** What a prefix of a digest names. `tooShort`: fewer than 6 digits, or something that is no hex digit. */
export type Resolution =
  | { readonly type: 'one'; readonly id: string }
  | { readonly type: 'none' }
  | { readonly type: 'tooShort' }
  /** Some of those that begin so, at most ten. */
  | { readonly type: 'ambiguous'; readonly ids: readonly string[] }

/** Fewer would name another message as soon as a few thousand are there. */
const PREFIX_DIGITS = 6

const DIGEST_DIGITS = 64

const CANDIDATES = 10

/**
 * Opens an archive for reading. Throws ArchiveError: ARCHIVE_NOT_FOUND if nothing is there, ARCHIVE_FOREIGN if what is
 * there is no archive of this kind, ARCHIVE_NEWER, ARCHIVE_DAMAGED (also for a Maildir that has lost its catalog).
 */
export function openReader(location: ArchiveLocation): ArchiveReader {
  try {
    return new ArchiveReader(openForReading(location))
  } catch (error) {
    const isMissing = error instanceof ArchiveError && error.code === 'ARCHIVE_NOT_FOUND'
    if (!isMissing || location.kind === 'sqlite') throw error
    if (indexMaildir(location.path).messages === 0) throw error
    throw new ArchiveError(
      'ARCHIVE_DAMAGED',
      `${formatLocation(location)}: messages are there, but the catalog, popkeep.sqlite, is gone`,
      {
        cause: error,
        hint: 'popkeep repair makes it anew from the files, and so does the next popkeep sync.',
      },
    )
  }
}

/** An archive open for reading. */
export class ArchiveReader {
  readonly location: ArchiveLocation
  /** Read-only. For verify and export. */
  readonly database: Database
  readonly content: ContentReader

  readonly #archive: ReadableArchive

  constructor(archive: ReadableArchive) {
    this.location = archive.location
    this.database = archive.database
    this.content = archive.content
    this.#archive = archive
  }

  /** Newest first; removed messages are left out. The first of a million come at once. */
  *list(options: ListOptions = {}): Iterable<MessageSummary> {
    try {
      yield* listMessages(this.database, options)
    } catch (error) {
      throw asArchiveError(error, this.database.path, 'read')
    }
  }

  /** The message whose digest begins with these hex digits; case does not matter. */
  resolve(prefix: string): Resolution {
    const digits = prefix.toLowerCase()
    if (digits.length < PREFIX_DIGITS || !/^[0-9a-f]*$/.test(digits)) return { type: 'tooShort' }
    if (digits.length > DIGEST_DIGITS) return { type: 'none' }
    const ids = this.#guarded(() =>
      this.database
        .prepare(
          'SELECT lower(hex(digest)) AS hex FROM message WHERE digest BETWEEN ? AND ? ORDER BY digest LIMIT ?',
        )
        .all(
          digestOf(digits.padEnd(DIGEST_DIGITS, '0')),
          digestOf(digits.padEnd(DIGEST_DIGITS, 'f')),
          CANDIDATES,
        )
        .map((row) => String(row.hex)),
    )
    const [id] = ids
    if (id === undefined) return { type: 'none' }
    return ids.length === 1 ? { type: 'one', id } : { type: 'ambiguous', ids }
  }

  /**
   * The octets of a message as they left the wire, in chunks of at most 1 MiB. They are not hashed here. Throws, when the
   * first chunk is asked for, ARCHIVE_CONTENT_MISSING if they are not there (in a Maildir: its owner removed the file).
   */
  *octets(id: string): Iterable<Uint8Array> {
    const row = this.#guarded(() =>
      this.database
        .prepare('SELECT id, digest, octets FROM message WHERE digest = ?')
        .get(digestOf(id)),
    )
    if (row === undefined) {
      throw new ArchiveError('ARCHIVE_CONTENT_MISSING', `the archive has no message ${id}`)
    }
    try {
      yield* this.content.read(storedMessageOf(row))
    } catch (error) {
      throw asArchiveError(error, this.location.path, 'read')
    }
  }

  /** Whether a message has fewer octets than its server's listing allows. */
  isShort(id: string): boolean {
    const row = this.#guarded(() =>
      this.database.prepare('SELECT short FROM message WHERE digest = ?').get(digestOf(id)),
    )
    return row !== undefined && row.short !== 0
  }

  /** Names of all accounts that ever synced into this archive, sorted. */
  accountNames(): readonly string[] {
    return this.#guarded(() =>
      this.database
        .prepare('SELECT name FROM account ORDER BY name')
        .all()
        .map(({ name }) => String(name)),
    )
  }

  status(): ArchiveStatus {
    return this.#guarded(() => readStatus(this.database))
  }

  close(): void {
    this.#archive.close()
  }

  #guarded<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw asArchiveError(error, this.database.path, 'read')
    }
  }
}

/** A row with id, digest and octets as the content store wants it. */
export function storedMessageOf(row: Row): StoredMessage {
  if (!(row.digest instanceof Uint8Array)) {
    throw new ArchiveError('ARCHIVE_DAMAGED', `message ${row.id} has no digest in the catalog`)
  }
  return { id: Number(row.id), digest: row.digest, octets: Number(row.octets) }
}

function digestOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'))
}
