/** Errors of archives and of the files they are made of. Codes are stable; messages are for people. */
import { sqliteCode } from '../sqlite/errors.ts'

export type ArchiveErrorCode =
  /** Another run holds the lock: try later. */
  | 'ARCHIVE_LOCKED'
  | 'ARCHIVE_NOT_FOUND'
  /** What is there is no popkeep archive. */
  | 'ARCHIVE_FOREIGN'
  /** A later popkeep wrote it. */
  | 'ARCHIVE_NEWER'
  | 'ARCHIVE_DAMAGED'
  | 'ARCHIVE_CONTENT_MISSING'
  /** It cannot be created there, or not be opened for writing. */
  | 'ARCHIVE_CREATE'
  /** No space or quota left. */
  | 'ARCHIVE_FULL'
  /** The system refused a read, a write or a sync. */
  | 'ARCHIVE_IO'

export class ArchiveError extends Error {
  override readonly name: string = 'ArchiveError'
  readonly code: ArchiveErrorCode

  constructor(code: ArchiveErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Another run holds the archive or the account. */
export class LockedError extends ArchiveError {
  override readonly name = 'LockedError'

  constructor(message: string, options?: ErrorOptions) {
    super('ARCHIVE_LOCKED', message, options)
  }
}

const NO_SPACE = new Set(['ENOSPC', 'EDQUOT', 'SQLITE_FULL'])
const NOT_CREATABLE = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOENT',
  'ENOTDIR',
  'EISDIR',
  'ELOOP',
  'ENAMETOOLONG',
  'SQLITE_CANTOPEN',
  'SQLITE_READONLY',
])
const DAMAGE = new Set(['SQLITE_CORRUPT', 'SQLITE_NOTADB'])

/**
 * The archive's error for what the system or SQLite threw while something was done to `path`. An ArchiveError, and an
 * error that came from neither, is returned as it is: the latter is a fault of the program and must look like one.
 */
export function asArchiveError(
  error: unknown,
  path: string,
  doing: 'create' | 'read' | 'write',
): unknown {
  if (error instanceof ArchiveError || !(error instanceof Error)) return error
  const code = sqliteCode(error) ?? systemCode(error)
  if (code === undefined) return error
  const wrap = (mapped: ArchiveErrorCode, what: string) =>
    new ArchiveError(mapped, `${path}: ${what} (${code})`, { cause: error })
  if (NO_SPACE.has(code)) return wrap('ARCHIVE_FULL', 'no space left')
  if (code === 'SQLITE_BUSY' || code === 'SQLITE_LOCKED') {
    return new LockedError(`${path}: in use by another program`, { cause: error })
  }
  if (DAMAGE.has(code)) return wrap('ARCHIVE_DAMAGED', 'the database is damaged')
  if (doing === 'create' && NOT_CREATABLE.has(code)) {
    return wrap('ARCHIVE_CREATE', 'cannot be created or written there')
  }
  return wrap('ARCHIVE_IO', doing === 'read' ? 'reading failed' : 'writing failed')
}

/** The system's code of an error of node:fs, e.g. 'ENOSPC'. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('syscall' in error)) return undefined
  const { code } = error as NodeJS.ErrnoException
  return code
}
