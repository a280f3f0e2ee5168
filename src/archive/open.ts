/**
 * Opens archives. For reading: nothing is created, locked or changed. For writing: the archive's lock is held from here
 * to `close`, shared with other runs, and exclusively only while the archive is created, led up or put in order.
 */
import { randomBytes } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { ArchiveError, asArchiveError, systemCode } from '../durable/errors.ts'
import { archiveLock, type Lock } from '../durable/lock.ts'
import type { Syncs } from '../durable/syncs.ts'
import type { Database } from '../sqlite/database.ts'
import { openDatabase } from '../sqlite/driver.ts'
import { sqliteCode } from '../sqlite/errors.ts'
import { pragma, settleToOneFile } from '../sqlite/pragmas.ts'
import {
  enterWal,
  inspectCatalog,
  openCatalogForReading,
  openCatalogForWriting,
} from './catalog-file.ts'
import type { ContentStore } from './content.ts'
import { type ArchiveLocation, asWritten, catalogPath, formatLocation } from './location.ts'
import {
  createMaildir,
  type MaildirContent,
  type MaildirDependencies,
  openMaildirContent,
} from './maildir-content.ts'
import type { NameSources } from './maildir-name.ts'
import { DatabasePlace } from './place.ts'
import { SCHEMA_VERSION } from './schema.ts'
import { openSqliteContent } from './sqlite-content.ts'

/** How long the last one to leave waits for others that leave at the same moment, in ms. */
const LEAVING_PATIENCE_MS = 200

/** How often a run tries to be alone where the archive is still to be created or led up. */
const PREPARING_ATTEMPTS = 10

const MAILDIR_FOLDERS = ['tmp', 'new', 'cur']

export interface ReadableArchive {
  readonly location: ArchiveLocation
  readonly database: Database
  readonly content: ContentStore
  close(): void
}

export interface WritableArchive extends ReadableArchive {
  /** The content once more, where it is a Maildir. */
  readonly maildir: MaildirContent | undefined
  /** The catalog was created by this opening. */
  readonly isNew: boolean
  /** True until `share`: no other run is in the archive. */
  readonly isAlone: boolean
  /** Lets other runs in. */
  share(): void
  /**
   * To be called before messages are written, or anything that takes more than a few commits: the catalog goes into WAL. Nothing
   * happens where it has, or could not. Throws ArchiveError ARCHIVE_IO where it is not in its place, or what SQLite throws.
   */
  enterWal(): void
  /**
   * No session ends with QUIT, and nothing is proven, where the next run would not find this archive. Throws ArchiveError
   * ARCHIVE_IO where the database, or its WAL, was moved, removed or replaced since the opening, or a symbolic link in its name
   * leads elsewhere.
   */
  requireInPlace(): void
  /** Nothing is proven by a sqlite archive that has a second name (a hard link): throws ArchiveError ARCHIVE_DENIED. */
  requireOneName(): void
  /** Leaves. Where no other run is in the archive, it is exactly one database file afterwards. */
  close(): void
}

/** What names of Maildir files and times in the catalog come from. */
export const systemSources: NameSources = {
  now: () => performance.timeOrigin + performance.now(),
  pid: process.pid,
  host: hostname(),
  random: (octets) => randomBytes(octets),
}

/** Throws ArchiveError ARCHIVE_NOT_FOUND, ARCHIVE_FOREIGN, ARCHIVE_NEWER, ARCHIVE_DAMAGED or ARCHIVE_IO. */
export function openForReading(location: ArchiveLocation): ReadableArchive {
  if (versionOf(location, 'read') === 0) {
    throw new ArchiveError('ARCHIVE_NOT_FOUND', `there is no archive at ${location.path}`)
  }
  const database = openCatalogForReading(catalogPath(location))
  try {
    requireKind(location, database)
    const content = openMaildir(location, { names: systemSources }) ?? openSqliteContent(database)
    return { location, database, content, close: () => database.close() }
  } catch (error) {
    database.close()
    throw asArchiveError(error, location.path, 'read')
  }
}

/**
 * Opens an archive for sync, creating it where nothing is. While `isAlone`, the caller may put it in order, and lets the
 * other runs in by `share`; staging that a crash left is swept.
 *
 * With `syncs`, files are synced while their writer goes on: see `Draft.seal`.
 *
 * Throws ArchiveError ARCHIVE_FOREIGN, ARCHIVE_NEWER, ARCHIVE_LOCKED (another run has it exclusively), ARCHIVE_CREATE,
 * ARCHIVE_FULL, ARCHIVE_DAMAGED or ARCHIVE_IO; SqliteError SQLITE_UNAVAILABLE or SQLITE_TOO_OLD.
 */
export function openForWriting(
  location: ArchiveLocation,
  sources: NameSources = systemSources,
  syncs?: Syncs,
): WritableArchive {
  // Before the lock's folder is made beside something that is none of ours.
  versionOf(location, 'create')
  const lock = archiveLock(location.path)
  try {
    takeLock(location, lock)
    return openLocked(location, lock, { names: sources, syncs })
  } catch (error) {
    lock.close()
    throw asArchiveError(error, location.path, 'create')
  }
}

/**
 * Alone if nobody else is in the archive, shared otherwise. Of several runs that find nothing there, or an archive of a former
 * version, each may keep the others from being alone for a moment: they try again, so that one of them prepares it.
 */
function takeLock(location: ArchiveLocation, lock: Lock): void {
  if (lock.tryExclusive()) return
  for (let attempt = 0; attempt < PREPARING_ATTEMPTS; attempt += 1) {
    lock.acquire('shared')
    const isPrepared = versionOf(location, 'create') === SCHEMA_VERSION
    if (isPrepared || lock.tryExclusive(LEAVING_PATIENCE_MS)) return
  }
  lock.acquire('shared')
}

function openLocked(
  location: ArchiveLocation,
  lock: Lock,
  deps: MaildirDependencies,
): WritableArchive {
  if (location.kind === 'maildir') createMaildir(location.path)
  const path = catalogPath(location)
  const { database: opened, isNew } = openCatalogForWriting(path, {
    kind: location.kind,
    isAlone: lock.held === 'exclusive',
    now: new Date(deps.names.now()).toISOString(),
  })
  try {
    requireKind(location, opened)
    const place = new DatabasePlace(opened, catalogPath(asWritten(location)))
    const database: Database = {
      ...opened,
      transaction: (body) => inPlace(place, () => opened.transaction(body)),
    }
    const maildir = openMaildir(location, deps)
    const content = maildir ?? openSqliteContent(database)
    if (lock.held === 'exclusive') content.sweep()
    let hasTriedWal = false
    return {
      location,
      database,
      content,
      maildir,
      isNew,
      get isAlone() {
        return lock.held === 'exclusive'
      },
      share: () => lock.acquire('shared'),
      enterWal: () => {
        if (hasTriedWal) return
        hasTriedWal = true
        if (inPlace(place, () => enterWal(database))) place.requireInPlace()
      },
      requireInPlace: () => place.requireInPlace(),
      requireOneName: () => {
        // The catalog of a Maildir can be rebuilt, and Maildirs are copied by links: their files never change.
        if (location.kind === 'sqlite') place.requireOneName()
      },
      close: () => leave(database, lock, place),
    }
  } catch (error) {
    opened.close()
    throw error
  }
}

/**
 * What fails in a database that is not in its place any more is told as that: outside of WAL, SQLite sees that its file was moved,
 * and calls it read-only.
 */
function inPlace<T>(place: DatabasePlace, write: () => T): T {
  try {
    return write()
  } catch (error) {
    // The file alone: a disk that fails leaves a connection that is in WAL and has none.
    if (!place.isSameFile()) place.requireInPlace()
    throw error
  }
}

/**
 * The connection is closed before the lock is let go, so whoever then gets the lock alone knows that no run has the
 * database open, and settles it. Throws ArchiveError ARCHIVE_IO where the database is not in its place any more.
 */
function leave(database: Database, lock: Lock, place: DatabasePlace): void {
  const { path } = database
  try {
    if (!place.isInPlace()) place.abandon()
    database.close()
    // Opening would create a file where none is any more.
    if (lock.tryExclusive(LEAVING_PATIENCE_MS) && place.isSameFile()) settle(path)
  } catch (error) {
    throw asArchiveError(error, path, 'write')
  } finally {
    lock.close()
  }
}

function settle(path: string): void {
  const database = openDatabase(path, { isReadOnly: false })
  try {
    database.exec(`PRAGMA busy_timeout = ${LEAVING_PATIENCE_MS}`)
    if (pragma(database, 'journal_mode') !== 'wal') return
    database.exec('PRAGMA synchronous = FULL')
    settleToOneFile(database)
  } catch (error) {
    // Somebody who holds no lock is looking into it, as every run does before it waits for one: the next to leave settles it.
    if (sqliteCode(error) !== 'SQLITE_BUSY') throw error
  } finally {
    database.close()
  }
}

/** The state file of a Maildir is no sqlite archive, though it is a catalog. */
function requireKind(location: ArchiveLocation, database: Database): void {
  const kind = database.prepare('SELECT kind FROM archive').get()?.kind
  if (kind === location.kind) return
  if (kind !== 'sqlite' && kind !== 'maildir') {
    const words = `${location.path}: the catalog does not say to which kind of archive it belongs`
    throw new ArchiveError('ARCHIVE_DAMAGED', words)
  }
  throw new ArchiveError(
    'ARCHIVE_FOREIGN',
    `${location.path} belongs to a ${kind} archive, not to a ${location.kind} one`,
  )
}

function openMaildir(
  { kind, path }: ArchiveLocation,
  deps: MaildirDependencies,
): MaildirContent | undefined {
  return kind === 'maildir' ? openMaildirContent(path, deps) : undefined
}

/** The version of the catalog; 0 where none is. Throws ARCHIVE_FOREIGN where something else is, and ARCHIVE_NEWER. */
function versionOf(location: ArchiveLocation, doing: 'create' | 'read'): number {
  const { kind, path } = location
  try {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found === undefined) return 0
    if (kind === 'maildir' && !(found.isDirectory() && mayBeOurs(path))) {
      throw new ArchiveError('ARCHIVE_FOREIGN', `${formatLocation(location)}: this is no Maildir`)
    }
    return inspectCatalog(catalogPath(location))?.version ?? 0
  } catch (error) {
    // A part of the path is a file: nothing is there, and nothing can be made there.
    if (systemCode(error) === 'ENOTDIR') return 0
    throw asArchiveError(error, path, doing)
  }
}

/** A Maildir, a folder where creating one was interrupted, or an empty folder. */
function mayBeOurs(path: string): boolean {
  const entries = readdirSync(path)
  if (entries.includes('popkeep.sqlite')) return true
  if (MAILDIR_FOLDERS.every((name) => entries.includes(name))) return true
  return entries.every(
    (name) => MAILDIR_FOLDERS.includes(name) && readdirSync(join(path, name)).length === 0,
  )
}
