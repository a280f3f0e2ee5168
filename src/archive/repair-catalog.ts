/**
 * Opens the catalog that is to be repaired: as it is where SQLite finds it sound, else a new one into which was copied what
 * can be read of the old. The old file is kept beside it, whole.
 *
 * The new one takes the old one's name by a rename, once it is durable: killed at any moment, the archive is as good as
 * before, and the next repair begins anew.
 */
import { statSync } from 'node:fs'
import { ArchiveError, asArchiveError } from '../durable/errors.ts'
import { keepCopy, removeFile, replaceFile } from '../durable/files.ts'
import type { Database } from '../sqlite/database.ts'
import { openDatabase } from '../sqlite/driver.ts'
import { sqliteCode } from '../sqlite/errors.ts'
import { prepareForReading, settleToOneFile } from '../sqlite/pragmas.ts'
import { wrongRows } from './catalog-checks.ts'
import {
  enterWal,
  inspectCatalog,
  openCatalogForReading,
  openCatalogForWriting,
} from './catalog-file.ts'
import { alteredSchema, isDescribed, mendSchema } from './catalog-schema.ts'
import type { ArchiveKind } from './location.ts'
import type { CatalogFinding } from './repair-findings.ts'
import { salvageCatalog } from './repair-salvage.ts'

/** What SQLite keeps beside a database. */
const SIDE_FILES = ['-wal', '-journal', '-shm'] as const

export interface CatalogToRepair {
  readonly path: string
  readonly kind: ArchiveKind
  /** Maildir: whether a file names this digest. */
  hasFile(digest: Uint8Array): boolean
  /** ms since the epoch. */
  now(): number
}

/**
 * To be called with the archive's lock held exclusively. Throws ARCHIVE_NEWER; ARCHIVE_DAMAGED where
 * SQLite cannot read the file of a sqlite archive at all, which is left alone then; ARCHIVE_FULL or ARCHIVE_IO.
 */
export function* openCatalogToRepair(
  catalog: CatalogToRepair,
): Generator<CatalogFinding, Database> {
  const { path, kind } = catalog
  for (const side of ['', ...SIDE_FILES]) removeFile(`${temporaryPath(path)}${side}`)
  const mended = isThere(path) ? mendSchema(path, kind) : []
  if (mended.length > 0) yield { kind: 'schema', names: mended }
  const state = stateOf(catalog)
  if (state === 'unreadable') {
    // The octets are in the files: their catalog begins anew, but for the receipts.
    yield { kind: 'kept', path: setAside(catalog) }
    removeFile(path)
    yield { kind: 'anew' }
  } else if (state === 'damaged') {
    yield* replaceBySalvage(catalog)
  }
  return openForRepair(path, catalog)
}

function openForRepair(path: string, { kind, now }: CatalogToRepair): Database {
  const at = new Date(now()).toISOString()
  const { database } = openCatalogForWriting(path, { kind, isAlone: true, now: at })
  try {
    enterWal(database)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

type CatalogState = 'sound' | 'missing' | 'damaged' | 'unreadable'

function stateOf({ path, kind }: CatalogToRepair): CatalogState {
  try {
    const { version } = inspectCatalog(path) ?? { version: 0 }
    if (version === 0) {
      if (kind === 'maildir') return 'missing'
      throw new ArchiveError('ARCHIVE_NOT_FOUND', `there is no archive at ${path}`)
    }
    const state = lookInto(path, kind)
    if (state === 'unreadable' && kind === 'sqlite') throw leftAlone(path)
    return state
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error
    const isBeyondReading = error.code === 'ARCHIVE_DAMAGED' || error.code === 'ARCHIVE_FOREIGN'
    if (!isBeyondReading) throw error
    if (kind === 'maildir') return 'unreadable'
    throw leftAlone(path, error)
  }
}

function leftAlone(path: string, cause?: unknown): ArchiveError {
  return new ArchiveError(
    'ARCHIVE_DAMAGED',
    `${path}: SQLite cannot read this file at all, and it was left as it is`,
    {
      cause,
      hint: 'Restore a backup. Where none is, the steps of "A file that SQLite cannot read" in docs/operations.md save most of it: a header from another archive, then popkeep repair',
    },
  )
}

/**
 * `sound` if SQLite finds nothing wrong; `unreadable` if it cannot make out a table at all, since a copy would lack all of that
 * one; else `damaged`. Throws ARCHIVE_NAME.
 */
function lookInto(path: string, kind: ArchiveKind): CatalogState {
  const database = openCatalogForReading(path)
  try {
    const stated = statedKind(database)
    if (isOther(stated, kind)) throw belongsTo(path, stated)
    if (!isDescribed(database, kind)) return 'unreadable'
    if (stated !== kind) return 'damaged'
    if (alteredSchema(database, kind).length > 0) return 'damaged'
    const [first] = database.prepare('PRAGMA integrity_check(1)').all()
    if (first === undefined || Object.values(first)[0] !== 'ok') return 'damaged'
    const orphans = database.prepare('PRAGMA foreign_key_check').all()
    if (orphans.length > 0) return 'damaged'
    const [wrong] = wrongRows(database, { withContent: kind === 'sqlite' })
    return wrong === undefined ? 'sound' : 'damaged'
  } catch (error) {
    const known = asArchiveError(error, path, 'read')
    if (known instanceof ArchiveError && known.code === 'ARCHIVE_DAMAGED') return 'damaged'
    throw known
  } finally {
    database.close()
  }
}

/** What is neither is damage, not another archive. */
function isOther(stated: unknown, kind: ArchiveKind): stated is ArchiveKind {
  return stated !== kind && (stated === 'sqlite' || stated === 'maildir')
}

function belongsTo(path: string, kind: ArchiveKind): ArchiveError {
  return new ArchiveError(
    'ARCHIVE_NAME',
    `${path} belongs to a ${kind} archive: write ${kind}:PATH`,
  )
}

function statedKind(database: Database) {
  try {
    return database.prepare('SELECT kind FROM archive').get()?.kind
  } catch (error) {
    if (sqliteCode(error) === undefined) throw error
    return undefined
  }
}

function* replaceBySalvage(catalog: CatalogToRepair): Iterable<CatalogFinding> {
  const { path, kind, now } = catalog
  const temporary = temporaryPath(path)
  const old = openDamaged(path)
  try {
    const at = new Date(now()).toISOString()
    const database = openForRepair(temporary, catalog)
    try {
      yield* salvageCatalog(old, database, { kind, at, hasFile: catalog.hasFile })
      settleToOneFile(database)
    } finally {
      database.close()
    }
  } finally {
    old.close()
  }
  yield { kind: 'kept', path: setAside(catalog) }
  replaceFile(temporary, path)
}

/** What a kill left in a journal is played back, as far as that goes: it belongs to what can be read. */
function openDamaged(path: string): Database {
  const database = openDatabase(path, { isReadOnly: false })
  try {
    prepareForReading(database)
    settleToOneFile(database)
  } catch (error) {
    const known = asArchiveError(error, path, 'read')
    if (!(known instanceof ArchiveError && known.code === 'ARCHIVE_DAMAGED')) {
      database.close()
      throw known
    }
  }
  return database
}

/**
 * Gives the damaged file a second name, and what SQLite left beside it. A journal that stayed under its name would be played
 * back into the file that comes next.
 */
function setAside({ path, now }: CatalogToRepair): string {
  const time = new Date(now()).toISOString().replace(/[-:]|\.\d+/g, '')
  const kept = freeName(`${path}.damaged-${time}`)
  keepCopy(path, kept)
  for (const side of SIDE_FILES) {
    if (!isThere(`${path}${side}`)) continue
    if (side !== '-shm') keepCopy(`${path}${side}`, `${kept}${side}`)
    removeFile(`${path}${side}`)
  }
  return kept
}

function freeName(path: string): string {
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? path : `${path}-${count}`
    if (!isThere(name)) return name
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}

function temporaryPath(path: string): string {
  return `${path}.repairing`
}
