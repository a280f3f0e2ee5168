/**
 * Locks between runs: SQLite's own locks on empty files in `PATH.locks/`.
 *
 * The kernel frees them when a process dies, however it dies; no file has to be removed by hand, and none is removed. They
 * are POSIX locks: closing any descriptor of such a file would free them, so nothing but SQLite opens one.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from '../sqlite/database.ts'
import { openDatabase } from '../sqlite/driver.ts'
import { sqliteCode } from '../sqlite/errors.ts'
import { asArchiveError, LockedError } from './errors.ts'
import { createEmptyFile, createFolder } from './files.ts'

export type LockMode = 'shared' | 'exclusive'

/** How long a lock is waited for that another run holds only for a moment, in ms. */
const PATIENCE_MS = 5_000

/** The folder of an archive's locks. */
export function locksFolder(archivePath: string): string {
  return `${archivePath}.locks`
}

/** The file whose lock an account's sync holds. Names may hold anything, so the file has the digest of the name. */
export function accountLockPath(archivePath: string, account: string): string {
  const digest = createHash('sha256').update(account).digest('hex')
  return join(locksFolder(archivePath), `account-${digest}.lock`)
}

/** The file whose lock everyone who writes to the archive shares. */
export function archiveLockPath(archivePath: string): string {
  return join(locksFolder(archivePath), 'archive.lock')
}

/** The lock of an account. */
export function accountLock(archivePath: string, account: string): Lock {
  return new Lock(accountLockPath(archivePath, account), `the account ${account}`)
}

/** The lock of an archive. */
export function archiveLock(archivePath: string): Lock {
  return new Lock(archiveLockPath(archivePath), `the archive ${archivePath}`)
}

/**
 * Whether another run has this lock alone, at this moment; nobody has one whose file is not there. Creates nothing, and does
 * not wait: for who asks again and again. Throws ArchiveError.
 */
export function isHeldAlone(path: string): boolean {
  if (!existsSync(path)) return false
  const lock = new Lock(path)
  try {
    lock.acquire('shared', 0)
    return false
  } catch (error) {
    if (error instanceof LockedError) return true
    throw error
  } finally {
    lock.close()
  }
}

/** One lock file, opened once. */
export class Lock {
  readonly path: string
  readonly #guarded: string
  readonly #database: Database
  #held: LockMode | undefined

  /**
   * Opens the lock file, creating it (0600) and its folder (0700). Takes no lock yet. `guarded`: what the lock is of, in
   * words for people.
   */
  constructor(path: string, guarded: string = path) {
    this.path = path
    this.#guarded = guarded
    createFolder(join(path, '..'))
    createEmptyFile(path)
    try {
      this.#database = openDatabase(path, { isReadOnly: false })
    } catch (error) {
      throw asArchiveError(error, path, 'create')
    }
  }

  get held(): LockMode | undefined {
    return this.#held
  }

  /**
   * Takes the lock, or changes the mode of the one held. A change lets go first: another run may come between. Waits
   * `patienceMs` for a lock that others hold. Throws LockedError, and holds nothing then.
   */
  acquire(mode: LockMode, patienceMs: number = PATIENCE_MS): void {
    if (this.#held === mode) return
    this.release()
    try {
      this.#database.exec(`PRAGMA busy_timeout = ${patienceMs}`)
      // Nothing is ever written, and BEGIN EXCLUSIVE shall not leave a journal beside the file. It looks into the file, so it
      // waits for who holds it.
      this.#database.prepare('PRAGMA journal_mode = MEMORY').get()
      if (mode === 'exclusive') {
        this.#database.exec('BEGIN EXCLUSIVE')
        this.#held = mode
        // Where SQLite could open the file for reading only, it took the lock that is shared, and said nothing. A change that is
        // never committed finds that out.
        this.#database.exec('PRAGMA user_version = 1')
      } else {
        this.#database.exec('BEGIN')
        // A deferred transaction has its SHARED lock from the first read on.
        this.#held = mode
        this.#database.prepare('SELECT count(*) FROM sqlite_schema').get()
      }
      this.#held = mode
    } catch (error) {
      this.release()
      if (sqliteCode(error) !== 'SQLITE_BUSY') throw asArchiveError(error, this.path, 'create')
      throw new LockedError(`${this.#guarded} is held by another run`, { cause: error })
    }
  }

  /** Takes the lock alone if nobody else has it, or lets go in time. Afterwards it is held exclusively, or not at all. */
  tryExclusive(patienceMs = 0): boolean {
    try {
      this.acquire('exclusive', patienceMs)
      return true
    } catch (error) {
      if (error instanceof LockedError) return false
      throw error
    }
  }

  release(): void {
    if (this.#held === undefined) return
    this.#held = undefined
    this.#database.exec('ROLLBACK')
  }

  close(): void {
    this.release()
    this.#database.close()
  }
}
