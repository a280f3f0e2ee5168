/** Chooses the SQLite driver of this process. */
import { loadBetterSqlite3 } from './better-driver.ts'
import { type Connection, type Database, withTransactions } from './database.ts'
import { SqliteError } from './errors.ts'
import { loadNodeSqlite } from './node-driver.ts'

type Open = (path: string, isReadOnly: boolean) => Connection

const drivers: Readonly<Record<string, () => Open>> = {
  better: loadBetterSqlite3,
  node: loadNodeSqlite,
}

let chosen: Open | undefined

/**
 * Opens a database with better-sqlite3, or with node:sqlite where that did not load. `POPKEEP_SQLITE=better|node` asks
 * for one of them. Sets no pragma: see pragmas.ts.
 *
 * Throws SqliteError SQLITE_UNAVAILABLE if there is no driver, and what SQLite throws if the file cannot be opened.
 */
export function openDatabase(path: string, options: { readonly isReadOnly: boolean }): Database {
  chosen ??= choose(process.env.POPKEEP_SQLITE)
  return withTransactions(chosen(path, options.isReadOnly))
}

/** The first of the drivers that loads. `wanted` restricts the choice to one. Exported for the tests. */
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
  throw new SqliteError(
    'SQLITE_UNAVAILABLE',
    'No SQLite driver: better-sqlite3 did not load, and this Node has no node:sqlite. Either install popkeep again ' +
      'with the install script of better-sqlite3 allowed (npm install --allow-scripts=better-sqlite3), or use ' +
      'Node 22.13 or later.',
    { cause: new AggregateError(failures, 'each driver failed to load') },
  )
}
