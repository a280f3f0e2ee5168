/**
 * The description that a catalog's file gives of itself (sqlite_schema), compared with the one that popkeep writes, and put
 * right where damage changed a few of its octets: SQLite checks all pages against it, but it against nothing.
 */
import type { Database, Row } from '../sqlite/database.ts'
import { openDatabase } from '../sqlite/driver.ts'
import { sqliteCode } from '../sqlite/errors.ts'
import { pragma } from '../sqlite/pragmas.ts'
import type { ArchiveKind } from './location.ts'
import { createCatalog } from './migrations.ts'
import { APPLICATION_ID, SCHEMA_VERSION } from './schema.ts'

/** Where more octets of one text differ, somebody wrote another text: that is no damage to be undone. */
const MOST_OCTETS = 16

const TEXTS = ['type', 'name', 'tbl_name', 'sql'] as const

/** By row, which is the order of creation: with a flipped octet, a name finds nothing. */
const SCHEMA = `SELECT rowid AS id, ${TEXTS.join(', ')} FROM sqlite_schema ORDER BY rowid`

/** Names of tables, indexes and views that the file does not describe as popkeep wrote them. Others are not looked at. */
export function alteredSchema(database: Database, kind: ArchiveKind): readonly string[] {
  const found = new Map(database.prepare(SCHEMA).all().map(byId))
  return expectedSchema(kind, versionOf(database))
    .filter((row) => !isSame(found.get(Number(row.id)), row))
    .map(({ name }) => String(name))
}

/** Whether SQLite knows all tables with all their columns, be they readable or not. */
export function isDescribed(database: Database, kind: ArchiveKind): boolean {
  try {
    for (const [table, columns] of expectedColumns(kind, versionOf(database))) {
      database.prepare(`SELECT ${columns.join(', ')} FROM ${table} NOT INDEXED`)
    }
    return true
  } catch (error) {
    if (sqliteCode(error) === undefined) throw error
    return false
  }
}

/**
 * Writes the altered rows anew, in one transaction, where it is plain what they were: the version is one that popkeep had, and each
 * is as long as it was and differs in a few octets. Returns their names. Otherwise nothing is changed, and what SQLite makes of the
 * file comes out when it is opened.
 *
 * To be called with the archive's lock held exclusively, for a file that is there. Throws what SQLite throws, but for damage.
 */
export function mendSchema(path: string, kind: ArchiveKind): readonly string[] {
  const database = openDatabase(path, { isReadOnly: false, maySetSchema: true })
  try {
    // First of all: other pragmas read the schema, and SQLite stops at what it cannot parse.
    database.exec('PRAGMA writable_schema = ON; PRAGMA synchronous = EXTRA')
    const isOurs =
      pragma(database, 'application_id') === APPLICATION_ID &&
      isKnown(Number(pragma(database, 'user_version')))
    return isOurs ? rewrite(database, kind) : []
  } catch (error) {
    const code = sqliteCode(error)
    if (code === 'SQLITE_CORRUPT' || code === 'SQLITE_NOTADB' || code === 'SQLITE_ERROR') return []
    throw error
  } finally {
    database.close()
  }
}

function rewrite(database: Database, kind: ArchiveKind): readonly string[] {
  const found = new Map(database.prepare(SCHEMA).all().map(byId))
  const altered = expectedSchema(kind, versionOf(database)).filter(
    (row) => !isSame(found.get(Number(row.id)), row),
  )
  if (!altered.every((row) => isNear(found.get(Number(row.id)), row))) return []
  if (altered.length === 0) return []
  const update = database.prepare(
    `UPDATE sqlite_schema SET ${TEXTS.map((text) => `${text} = ?`).join(', ')} WHERE rowid = ?`,
  )
  database.transaction(() => {
    for (const row of altered) {
      update.run(...TEXTS.map((text) => row[text] ?? null), row.id ?? null)
    }
  })
  return altered.map(({ name }) => String(name))
}

/** Rows of an index that SQLite makes by itself have no text of their own. */
function expectedSchema(kind: ArchiveKind, version: number): readonly Row[] {
  return withNewCatalog(kind, version, (database) => database.prepare(SCHEMA).all())
}

function expectedColumns(
  kind: ArchiveKind,
  version: number,
): readonly (readonly [string, readonly string[]])[] {
  return withNewCatalog(kind, version, (database) => {
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
    return tables.map(({ name }) => {
      const columns = database.prepare(`PRAGMA table_info(${name})`).all()
      return [String(name), columns.map((column) => String(column.name))] as const
    })
  })
}

/** An older catalog has its own text until the next sync or repair leads it up. A damaged number is taken for the present one. */
function versionOf(database: Database): number {
  const version = Number(pragma(database, 'user_version'))
  return isKnown(version) ? version : SCHEMA_VERSION
}

function isKnown(version: number): boolean {
  return version >= 1 && version <= SCHEMA_VERSION
}

function withNewCatalog<T>(kind: ArchiveKind, version: number, read: (database: Database) => T): T {
  const database = openDatabase(':memory:', { isReadOnly: false })
  try {
    createCatalog(database, kind, '', version)
    return read(database)
  } finally {
    database.close()
  }
}

function byId(row: Row): [number, Row] {
  return [Number(row.id), row]
}

function isSame(found: Row | undefined, expected: Row): boolean {
  return found !== undefined && TEXTS.every((text) => found[text] === expected[text])
}

function isNear(found: Row | undefined, expected: Row): boolean {
  if (found === undefined) return false
  return TEXTS.every((text) => {
    const [one, other] = [found[text], expected[text]]
    if (typeof one !== 'string' || typeof other !== 'string') return one === other
    return distance(one, other) <= MOST_OCTETS
  })
}

/** Octets that differ; without end where the lengths do. */
function distance(one: string, other: string): number {
  // An octet that is no UTF-8 any more comes as one character: the schema's own are all ASCII.
  if (one.length !== other.length) return Number.POSITIVE_INFINITY
  let differing = 0
  for (let at = 0; at < one.length; at += 1) if (one[at] !== other[at]) differing += 1
  return differing
}
