/** The database file of a catalog: found, recognised, opened. */
import { accessSync, constants, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { ArchiveError, asArchiveError } from '../durable/errors.ts'
import { createEmptyFile, createFolder, syncEntry, syncFolder } from '../durable/files.ts'
import type { Database } from '../sqlite/database.ts'
import { openDatabase } from '../sqlite/driver.ts'
import { sqliteCode } from '../sqlite/errors.ts'
import {
  isOnSharedFilesystem,
  PAGE_OCTETS,
  pragma,
  prepareForReading,
  prepareForWriting,
  switchToWal,
} from '../sqlite/pragmas.ts'
import type { ArchiveKind } from './location.ts'
import { createCatalog, migrate } from './migrations.ts'
import { requireNoOrphan } from './place.ts'
import { APPLICATION_ID, SCHEMA_VERSION } from './schema.ts'

/** Version 0: an empty file, where a creation was interrupted or is about to begin. */
export interface CatalogState {
  readonly version: number
}

/** What is at `path`: undefined if nothing, else the catalog's version. Throws ARCHIVE_FOREIGN and ARCHIVE_NEWER. */
export function inspectCatalog(path: string): CatalogState | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return undefined
  if (!found.isFile()) throw foreign(path)
  if (found.size === 0) return { version: 0 }
  return guarded(path, 'read', () => {
    // SQLite only says that it cannot open the file; the system says why.
    accessSync(path, constants.R_OK)
    const database = openReadOnly(path)
    try {
      return { version: readVersion(database) }
    } finally {
      database.close()
    }
  })
}

/** Opens a catalog that is there, for reading; nothing is created or locked. What a kill left half-written is undone. */
export function openCatalogForReading(path: string): Database {
  return guarded(path, 'read', () => {
    const database = openReadOnly(path)
    try {
      readVersion(database)
      return database
    } catch (error) {
      database.close()
      throw error
    }
  })
}

/**
 * Opens a catalog for writing. With `isAlone` (the archive's lock is held exclusively) it is created or migrated if need
 * be; without, another run did that already, or the caller is told to try later.
 */
export function openCatalogForWriting(
  path: string,
  options: { readonly kind: ArchiveKind; readonly isAlone: boolean; readonly now: string },
): { readonly database: Database; readonly isNew: boolean } {
  const { version } = inspectCatalog(path) ?? { version: 0 }
  if (version !== SCHEMA_VERSION && !options.isAlone) {
    throw new ArchiveError('ARCHIVE_LOCKED', `${path}: another run keeps it from being prepared`)
  }
  if (version === 0) {
    if (options.kind === 'sqlite') requireNoOrphan(path)
    createFolder(dirname(path))
    syncEntry(dirname(path))
    // Where a killed run has made it, that one may not have come to sync the folder.
    if (!createEmptyFile(path)) syncFolder(dirname(path))
  }
  return guarded(path, 'create', () => {
    const database = openDatabase(path, { isReadOnly: false })
    try {
      // Has an effect on empty files only.
      if (options.kind === 'sqlite') database.exec(`PRAGMA page_size = ${PAGE_OCTETS}`)
      const mode = prepareForWriting(database, { isShared: isOnSharedFilesystem(path) })
      if (mode === 'wal') syncFolder(dirname(path))
      if (version === 0) createCatalog(database, options.kind, options.now)
      else if (version < SCHEMA_VERSION) migrate(database, version)
      return { database, isNew: version === 0 }
    } catch (error) {
      database.close()
      throw error
    }
  })
}

/**
 * To be called before many commits, or large ones: in WAL a commit takes one sync instead of five, and others read meanwhile;
 * to go there and back takes twelve. False where the catalog keeps its rollback journal (see `switchToWal` of pragmas.ts). Throws
 * ArchiveError, or what SQLite throws.
 */
export function enterWal(database: Database): boolean {
  const { path } = database
  if (isOnSharedFilesystem(path) || !switchToWal(database)) return false
  // SQLite syncs the folder of a new WAL at the first commit, and ignores it if that fails. The first look makes the WAL.
  pragma(database, 'user_version')
  syncFolder(dirname(path))
  return true
}

/**
 * A run that is killed leaves a WAL or a rollback journal. SQLite reads such a file only where it can make others beside it,
 * and plays a journal back only on a connection that may write; once that is done, reading needs no such right.
 *
 * Throws ArchiveError ARCHIVE_DENIED where the folder does not permit it. (`immutable=1` would read on, without what is in
 * the WAL.)
 */
function openReadOnly(path: string): Database {
  try {
    return connectReadOnly(path)
  } catch (error) {
    if (!needsToWrite(error)) throw error
  }
  try {
    playBackJournal(path)
    return connectReadOnly(path)
  } catch (cause) {
    if (!needsToWrite(cause)) throw cause
    throw new ArchiveError(
      'ARCHIVE_DENIED',
      `${path}: a run was killed and left it unfinished. To use it, copy it, with all files beside it whose names begin ` +
        'like its own, to a folder that you may write to',
      { cause },
    )
  }
}

/** Of a file that is there and may be read. */
function needsToWrite(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === 'SQLITE_READONLY' || code === 'SQLITE_CANTOPEN'
}

function connectReadOnly(path: string): Database {
  const database = openDatabase(path, { isReadOnly: true })
  try {
    prepareForReading(database)
    // The first look into the file finds a journal that is left.
    pragma(database, 'user_version')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function playBackJournal(path: string): void {
  const database = openDatabase(path, { isReadOnly: false })
  try {
    prepareForReading(database)
    pragma(database, 'user_version')
  } finally {
    database.close()
  }
}

function readVersion(database: Database): number {
  const id = pragma(database, 'application_id')
  const version = Number(pragma(database, 'user_version'))
  if (id !== APPLICATION_ID) {
    const tables = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()
    if (id === 0 && tables?.n === 0) return 0
    throw foreign(database.path)
  }
  if (version > SCHEMA_VERSION) {
    throw new ArchiveError(
      'ARCHIVE_NEWER',
      `${database.path} was written by a later popkeep (schema ${version}; this one knows ${SCHEMA_VERSION})`,
    )
  }
  return version
}

function foreign(path: string, cause?: unknown): ArchiveError {
  return new ArchiveError('ARCHIVE_FOREIGN', `${path} is not a popkeep archive`, { cause })
}

function guarded<T>(path: string, doing: 'create' | 'read', act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (sqliteCode(error) === 'SQLITE_NOTADB') throw foreign(path, error)
    throw asArchiveError(error, path, doing)
  }
}
