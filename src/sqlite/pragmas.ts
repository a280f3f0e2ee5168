/**
 * How connections are set up. Nothing is left to a driver's defaults: they differ, and better-sqlite3 compiles WAL with
 * synchronous=NORMAL, which may lose commits that have returned when the power goes.
 */
import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Database, SqlValue } from './database.ts'
import { SqliteError, sqliteCode } from './errors.ts'

/** Before it, two connections that reset the same WAL could corrupt the file. */
const OLDEST_FOR_WRITING = [3, 51, 3] as const

const BUSY_TIMEOUT_MS = 10_000

/** Of new archives. Larger pages read messages of 5-100 kB faster than SQLite's 4096. */
export const PAGE_OCTETS = 8192

/** More than there are runs that come to one archive at the same instant: in each attempt one of them gets through. */
const WAL_ATTEMPTS = 20

/** SQLite's page cache, in KiB. better-sqlite3 compiles 16 MB; the kernel caches the file as well. */
const CACHE_KIB = 8192

/** Pages in the WAL before it is copied back: fewer and larger copies than SQLite's 1000, at some 32 MB on disk. */
const CHECKPOINT_PAGES = 4000

/** PRAGMA synchronous, as SQLite numbers it. */
const FULL = 2
const EXTRA = 3

/** Filesystem types (statfs, linux/magic.h) on which other machines may write, so that WAL's shared memory lies. */
const SHARED_FILESYSTEMS: ReadonlySet<number> = new Set([
  0x6969, // NFS
  0x517b, // SMB
  0xff534d42, // CIFS
  0xfe534d42, // SMB2
  0x65735546, // FUSE: sshfs, s3fs and the like
  0x01021997, // 9P
  0x00c36400, // Ceph
  0x5346414f, // AFS
  0x73757245, // Coda
  0x7461636f, // OCFS2
  0x01161970, // GFS2
  0x0bd00bd0, // Lustre
  0x47504653, // GPFS
  0x786f4256, // VirtualBox shared folders
])

/** Whether the folder of `path` lies on a filesystem that other machines may share. Known on Linux only. */
export function isOnSharedFilesystem(path: string): boolean {
  return (
    process.platform === 'linux' && SHARED_FILESYSTEMS.has(statfsSync(dirname(path)).type >>> 0)
  )
}

/** What stands beside the file while it is written: WAL needs shared memory, which not every filesystem has. */
export type JournalMode = 'wal' | 'delete'

/**
 * Prepares a connection for writing with synchronous=EXTRA, and reads that back. In WAL it is FULL; with a rollback journal it
 * syncs the folder once more, behind the journal's unlink, which is the commit. So it is right in either mode, and another
 * connection may take the file into WAL at any time. Returns the present mode: WAL only where a run has taken it there, and
 * never on a shared filesystem.
 *
 * Throws SqliteError SQLITE_TOO_OLD, an Error if a setting did not hold, and SQLite's SQLITE_BUSY if another program kept the
 * file for longer than the busy timeout.
 */
export function prepareForWriting(
  database: Database,
  options: { readonly isShared: boolean },
): JournalMode {
  // First the busy timeout: even to ask for the version, SQLite looks into the file.
  prepareCommon(database)
  requireVersion(database)
  database.exec(`PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
  // Else a statement that changes many pages copies them, and so what mail says, to a file below /var/tmp; and so does each
  // one after it, until the transaction ends.
  database.exec('PRAGMA temp_store = MEMORY')
  if (process.platform === 'darwin') {
    database.exec('PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON')
  }
  setSynchronous(database, EXTRA)
  // The first look into the file; before it SQLite does not know the mode.
  pragma(database, 'user_version')
  if (options.isShared) pragma(database, 'journal_mode = DELETE')
  const mode = pragma(database, 'journal_mode')
  if (mode === 'delete' || (mode === 'wal' && !options.isShared)) return mode
  throw new Error(`SQLite keeps journal_mode=${mode}`)
}

/**
 * Takes the file into WAL. False where the filesystem does not permit it, or a reader kept the file for longer than the busy
 * timeout: then the rollback journal serves. To be called outside of a transaction; the caller syncs the folder, where SQLite
 * has unlinked a journal and made the WAL.
 *
 * Of several connections that do so at once, SQLite refuses all but one at once, whatever the busy timeout, since each holds a
 * read lock that the others wait for. Those wait until they could have the file alone, and try again.
 */
export function switchToWal(database: Database): boolean {
  // What EXTRA adds, the sync of the folder, is the caller's.
  setSynchronous(database, FULL)
  try {
    for (let attempt = 1; attempt <= WAL_ATTEMPTS; attempt += 1) {
      try {
        return pragma(database, 'journal_mode = WAL') === 'wal'
      } catch (error) {
        if (sqliteCode(error) !== 'SQLITE_BUSY') throw error
      }
      if (!hasBeenFree(database)) return false
    }
    return false
  } finally {
    setSynchronous(database, EXTRA)
  }
}

/** Prepares a connection that was opened read-only. Creates nothing beside the file. */
export function prepareForReading(database: Database): void {
  prepareCommon(database)
}

/**
 * Leaves a database as exactly one file: the WAL is copied back and removed. Where another connection is still there,
 * that one keeps the WAL, and nothing is lost by it. The caller closes the connection.
 */
export function settleToOneFile(database: Database): void {
  try {
    database.exec('PRAGMA busy_timeout = 0')
    pragma(database, 'wal_checkpoint(TRUNCATE)')
    pragma(database, 'journal_mode = DELETE')
  } catch (error) {
    const code = sqliteCode(error)
    if (code !== 'SQLITE_BUSY' && code !== 'SQLITE_LOCKED') throw error
  }
}

/**
 * The value of a pragma with one row and one column. Run to its end: journal_mode gives its row first, and only then commits
 * the change; who stops at the row does not hear that the commit failed.
 */
export function pragma(database: Database, name: string): SqlValue | undefined {
  const [row] = database.prepare(`PRAGMA ${name}`).all()
  return row === undefined ? undefined : Object.values(row)[0]
}

/** Whether `version` ('3.51.3') is recent enough to write with. */
export function isFitForWriting(version: string): boolean {
  const numbers = version.split('.').map(Number)
  for (const [index, wanted] of OLDEST_FOR_WRITING.entries()) {
    const found = numbers[index] ?? 0
    if (found !== wanted) return found > wanted
  }
  return true
}

function requireVersion(database: Database): void {
  const version = String(database.prepare('SELECT sqlite_version() AS version').get()?.version)
  if (isFitForWriting(version)) return
  throw new SqliteError(
    'SQLITE_TOO_OLD',
    `This driver has SQLite ${version}; writing needs ${OLDEST_FOR_WRITING.join('.')} or later. ` +
      'Use a newer Node, or install better-sqlite3 with its install script allowed.',
  )
}

function prepareCommon(database: Database): void {
  database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA cache_size = -${CACHE_KIB}`)
  // An archive may come from anybody: what its schema says must not run functions with side effects.
  database.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON')
}

function setSynchronous(database: Database, level: number): void {
  database.exec(`PRAGMA synchronous = ${level}`)
  if (pragma(database, 'synchronous') !== level) {
    throw new Error(`SQLite did not keep synchronous=${level}`)
  }
}

/** Waits until nobody else writes or, outside of WAL, reads. False: the busy timeout was not long enough. */
function hasBeenFree(database: Database): boolean {
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    if (sqliteCode(error) === 'SQLITE_BUSY') return false
    throw error
  }
  database.exec('ROLLBACK')
  return true
}
