/**
 * Whether the database that was opened is still the one at its path. SQLite goes on in a file that was moved, removed or
 * replaced, and in a WAL that was removed, and says nothing: what it commits there no later run finds.
 *
 * By names only: closing a descriptor of the file would free the locks that SQLite has on it in this process.
 */
import { type BigIntStats, realpathSync, statSync } from 'node:fs'
import { ArchiveError, asArchiveError } from '../durable/errors.ts'
import { replaceFile } from '../durable/files.ts'
import type { Database } from '../sqlite/database.ts'
import { pragma } from '../sqlite/pragmas.ts'

/** How long what was committed waits for those who read in the file before it goes there, in ms. */
const READER_PATIENCE_MS = 1_000

export class DatabasePlace {
  readonly #database: Database
  readonly #path: string
  /** Leads to `path`, as long as no symbolic link in it is changed. */
  readonly #name: string
  readonly #walPath: string
  readonly #file: string | undefined
  /** As it was found when the connection was first seen to write to it. */
  #wal: string | undefined

  /** Of a database that was opened just now. `name`: its path as its owner wrote it. */
  constructor(database: Database, name: string = database.path) {
    this.#database = database
    this.#path = realpathSync(database.path)
    this.#name = name
    this.#walPath = `${this.#path}-wal`
    this.#file = identity(this.#path)
    this.#isWalInPlace()
  }

  /** The file alone: a WAL is gone once the last connection is closed. */
  isSameFile(): boolean {
    return this.#file !== undefined && identity(this.#path) === this.#file
  }

  /** The file, under its name, and where the connection is in WAL, that. To be called once it has gone there. */
  isInPlace(): boolean {
    return this.isSameFile() && this.#isWalInPlace() && this.#isNamed()
  }

  /** Throws ArchiveError ARCHIVE_IO. */
  requireInPlace(): void {
    if (!this.isInPlace()) throw this.#moved()
  }

  /**
   * Two names of one file have two sets of locks and two WALs: runs under both write over each other. Throws ArchiveError
   * ARCHIVE_DENIED.
   */
  requireOneName(): void {
    if ((look(this.#path)?.nlink ?? 1n) <= 1n) return
    const own = `${this.#path}.own`
    throw new ArchiveError(
      'ARCHIVE_DENIED',
      `${this.#path}: this file has a second name (a hard link), and a run under that name would write over this one`,
      {
        hint:
          'What came is stored; no message is deleted on its word. A second name is no backup. While no run is in it, ' +
          `make two files of them: cp '${this.#path}' '${own}' && mv '${own}' '${this.#path}'`,
      },
    )
  }

  /**
   * Closes a database that is not in its place any more, and throws ArchiveError ARCHIVE_IO. What was committed goes into
   * the file, wherever that is now: SQLite does not do so by itself in a file that was moved. Where that cannot be, the WAL
   * stays, but not beside a file that it does not belong to, which it would overwrite.
   */
  abandon(): never {
    const isEmpty = emptyWal(this.#database)
    this.#database.close()
    if (!isEmpty && this.#isOurWal() && identity(this.#path) !== undefined && !this.isSameFile()) {
      replaceFile(this.#walPath, `${this.#walPath}.${Date.now()}`)
    }
    throw this.#moved()
  }

  /** Another run may have taken the database into WAL, and this connection with it. */
  #isWalInPlace(): boolean {
    if (pragma(this.#database, 'journal_mode') !== 'wal') return true
    this.#wal ??= identity(this.#walPath)
    return this.#isOurWal()
  }

  #isOurWal(): boolean {
    return this.#wal !== undefined && identity(this.#walPath) === this.#wal
  }

  #isNamed(): boolean {
    try {
      return realpathSync(this.#name) === this.#path
    } catch {
      return false
    }
  }

  /** Says nothing of the server: what it deleted by itself nobody here knows. */
  #moved(): ArchiveError {
    const text =
      this.isSameFile() && !this.#isNamed()
        ? `${this.#name}: this name led to ${this.#path} when the run began, and leads elsewhere now`
        : `${this.#path}: the archive was moved, removed or replaced while a run was in it`
    return new ArchiveError('ARCHIVE_IO', text, {
      hint:
        'What the run stored is in the file that it began with, wherever that is now. Put the right archive in its place ' +
        'and run it again: it retrieves what is missing there, as far as the server still has it.',
    })
  }
}

/**
 * A new database throws away the WAL that it finds. Throws ArchiveError ARCHIVE_CREATE where one waits for a database that
 * is not there. A file that has octets is: its WAL may be of a run that was killed while it created the archive.
 */
export function requireNoOrphan(path: string): void {
  const octets = (file: string) => look(file)?.size ?? 0n
  if (octets(path) > 0n || octets(`${path}-wal`) === 0n) return
  throw new ArchiveError(
    'ARCHIVE_CREATE',
    `${path} is not there, but its -wal is, which may hold mail of a run that was killed`,
    { hint: `Put the archive back beside it; or, to begin a new one, move ${path}-wal away.` },
  )
}

/** Puts what the WAL holds into the file. False where a reader is in the way, or the disk. */
function emptyWal(database: Database): boolean {
  try {
    database.exec(`PRAGMA busy_timeout = ${READER_PATIENCE_MS}`)
    return pragma(database, 'wal_checkpoint(TRUNCATE)') === 0
  } catch {
    // That the file is not in its place is the thing to hear.
    return false
  }
}

function look(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    throw asArchiveError(error, path, 'read')
  }
}

/** Undefined where nothing is, and where a part of the path is gone or may not be looked into. */
function identity(path: string): string | undefined {
  try {
    const found = look(path)
    return found && `${found.dev}:${found.ino}`
  } catch {
    return undefined
  }
}
