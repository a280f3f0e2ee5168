/** Chooses the SQLite driver of this process. */
import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { loadBetterSqlite3 } from './better-driver.ts'
import { type Database, type Open, type OpenOptions, withTransactions } from './database.ts'
import { SqliteError, sqliteCode } from './errors.ts'
import { loadNodeSqlite } from './node-driver.ts'

const drivers: Readonly<Record<string, () => Open>> = {
  better: loadBetterSqlite3,
  node: loadNodeSqlite,
}

let chosen: Open | undefined

/**
 * Opens a database with better-sqlite3, or with node:sqlite where that did not load. `POPKEEP_SQLITE=better|node` asks
 * for one of them. Sets no pragma: see pragmas.ts.
 *
 * Throws SqliteError SQLITE_UNAVAILABLE if there is no driver, what SQLite throws if the file cannot be opened, and for both
 * what the system throws if that is because too many files are open.
 */
export function openDatabase(path: string, options: OpenOptions): Database {
  chosen ??= choose(process.env.POPKEEP_SQLITE)
  try {
    return withTransactions(chosen(path, options))
  } catch (error) {
    if (sqliteCode(error) === 'SQLITE_CANTOPEN') requireDescriptor()
    throw error
  }
}

/**
 * Loads the driver before anybody names a file, in time that would be spent waiting. Does not throw: a driver that does not load
 * is looked for again, and missed, by `openDatabase`.
 */
export function loadDriverAhead(): void {
  try {
    chosen ??= choose(process.env.POPKEEP_SQLITE)
  } catch {
    // Whoever opens a database hears it.
  }
}

/**
 * The first of the drivers that loads. `wanted` restricts the choice to one. Throws SqliteError SQLITE_UNAVAILABLE if none does,
 * or what the system throws with too many files open. Exported for the tests.
 */
export function choose(wanted: string | undefined, candidates = drivers): Open {
  const failures: unknown[] = []
  for (const [name, load] of Object.entries(candidates)) {
    if (wanted !== undefined && wanted !== '' && wanted !== name) continue
    try {
      return load()
    } catch (error) {
      failures.push(error)
    }
  }
  requireDescriptor()
  throw new SqliteError(
    'SQLITE_UNAVAILABLE',
    'No SQLite driver: this Node has no node:sqlite, and better-sqlite3 did not load. Either its install script was ' +
      'not allowed to run, or it ran and could not compile. Use Node 22.13 or later; or install Python 3, make and a ' +
      'C++ compiler, and install popkeep again, since npm removes what it could not compile (in a clone: npm ci; ' +
      'with --allow-scripts=better-sqlite3 if npm asks for it)',
    { cause: new AggregateError(failures, 'each driver failed to load') },
  )
}

/**
 * With too many files open throws what the system then throws, EMFILE or ENFILE: neither SQLite nor Node, which takes a module
 * that it could not open for one that is not there, says so. It tries one file; where SQLite needs two, it says what it says.
 */
function requireDescriptor(): void {
  try {
    closeSync(openSync(devNull, 'r'))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EMFILE' || code === 'ENFILE') throw error
  }
}
