/** Errors of archives and of the files they are made of. Codes are stable; messages are for people. */
import { constants } from 'node:os'
import { sqliteCode } from '../sqlite/errors.ts'

export type ArchiveErrorCode =
  /** Another run holds the lock: try later. */
  | 'ARCHIVE_LOCKED'
  | 'ARCHIVE_NOT_FOUND'
  /** There was an archive, and nothing is there now. */
  | 'ARCHIVE_VANISHED'
  /** What a person wrote does not say which archive is meant. */
  | 'ARCHIVE_NAME'
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
  /** What is there may not be read, or not be written: owner, mode, a read-only filesystem, or a second name of the file. */
  | 'ARCHIVE_DENIED'
  /** The system failed at a read, a write or a sync, or what was opened is not in its place any more. */
  | 'ARCHIVE_IO'

export class ArchiveError extends Error {
  override readonly name: string = 'ArchiveError'
  readonly code: ArchiveErrorCode
  /** What to do, where it is not what is always done about this code. */
  readonly hint: string | undefined

  constructor(
    code: ArchiveErrorCode,
    message: string,
    options?: ErrorOptions & { readonly hint?: string },
  ) {
    super(message, options)
    this.code = code
    this.hint = options?.hint
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
  'EEXIST',
  'EISDIR',
  'ELOOP',
  'ENAMETOOLONG',
  'SQLITE_CANTOPEN',
  'SQLITE_READONLY',
])
const DENIED = new Set(['EACCES', 'EPERM', 'EROFS', 'SQLITE_PERM', 'SQLITE_READONLY'])
/** Of SQLITE_CONSTRAINT: what popkeep writes breaks no rule of its own tables, unless what they hold contradicts itself. */
const DAMAGE = new Set(['SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_CONSTRAINT'])

const TOO_MANY_FILES = new Set(['EMFILE', 'ENFILE'])

/** What helps where too many files are open, be they of an archive or sockets. */
export const OPEN_FILES_HINT = 'Let it open more files (ulimit -n), or close other programs.'

/** What the system means, for those who do not know its codes. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['SQLITE_PERM', 'permission denied'],
  ['EROFS', 'the filesystem is read-only'],
  ['SQLITE_READONLY', 'it may be read, but not written'],
  ['ENOENT', 'a part of the path does not exist'],
  ['ENOTDIR', 'a part of the path is not a folder'],
  ['EEXIST', 'something else has that name'],
  ['EISDIR', 'a folder has that name'],
  ['ELOOP', 'the symbolic links lead in a circle'],
  ['ENAMETOOLONG', 'the name is too long'],
  ['EMFILE', 'too many files are open'],
  ['ENFILE', 'too many files are open, in all programs together'],
])

/** What the system means by a code for too many open files, of whatever kind; undefined: it is another code. */
export function tooManyFiles(code: string): string | undefined {
  return TOO_MANY_FILES.has(code) ? WORDS.get(code) : undefined
}

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
    new ArchiveError(mapped, `${path}: ${what} (${code})`, {
      cause: error,
      ...(TOO_MANY_FILES.has(code) && { hint: OPEN_FILES_HINT }),
    })
  if (NO_SPACE.has(code)) return wrap('ARCHIVE_FULL', 'no space left')
  if (code === 'SQLITE_BUSY' || code === 'SQLITE_LOCKED') {
    return new LockedError(`${path}: in use by another program`, { cause: error })
  }
  if (DAMAGE.has(code) || isOfAnotherSchema(code, error))
    return wrap('ARCHIVE_DAMAGED', 'the database is damaged')
  const words = WORDS.get(code)
  if (doing === 'create' && NOT_CREATABLE.has(code)) {
    return wrap('ARCHIVE_CREATE', words ?? 'cannot be created or written there')
  }
  if (DENIED.has(code)) return wrap('ARCHIVE_DENIED', words ?? 'permission denied')
  return wrap('ARCHIVE_IO', words ?? (doing === 'read' ? 'reading failed' : 'writing failed'))
}

/** A statement that the tables do not fit: popkeep's own always do, unless the file's description of them is damaged. */
function isOfAnotherSchema(code: string, { message }: Error): boolean {
  return code === 'SQLITE_ERROR' && /^(no such|foreign key mismatch|unknown function)/.test(message)
}

/** The system's code of an error of node:fs, e.g. 'ENOSPC'. Node has no name for some, EDQUOT among them: they have a number. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('syscall' in error)) return undefined
  const { code, errno } = error as NodeJS.ErrnoException
  if (errno === undefined || (code !== undefined && code in constants.errno)) return code
  return Object.entries(constants.errno).find(([, number]) => number === -errno)?.[0] ?? code
}
