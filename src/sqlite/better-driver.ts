/** better-sqlite3 behind the driver interface. */
import { createRequire } from 'node:module'
import type BetterSqlite3 from 'better-sqlite3'
import loadModule from './better-sqlite3.cjs'
import type { Connection, Open, Row, SqlValue, Statement } from './database.ts'

/** Where its install script puts what it compiled or downloaded; of the same version as the rest, which is pinned exactly. */
const NATIVE_PART = 'better-sqlite3/build/Release/better_sqlite3.node'

/**
 * Loads better-sqlite3 with its native part, by name: its own search for that reads a dozen files. Throws what Node throws:
 * MODULE_NOT_FOUND where the optional dependency is not installed or its install script was not allowed to run, and
 * ERR_DLOPEN_FAILED after a change of Node.
 */
export function loadBetterSqlite3(): Open {
  const Better = loadModule()
  const nativeBinding = createRequire(import.meta.url).resolve(NATIVE_PART)
  new Better(':memory:', { nativeBinding }).close()
  return (path, { isReadOnly, maySetSchema = false }) => {
    const database = new Better(path, { readonly: isReadOnly, timeout: 0, nativeBinding })
    if (maySetSchema) database.unsafeMode(true)
    return connect(database, path)
  }
}

function connect(database: BetterSqlite3.Database, path: string): Connection {
  return {
    path,
    isReadOnly: database.readonly,
    exec: (sql) => {
      database.exec(sql)
    },
    prepare: (sql) => statement(database.prepare(sql)),
    close: () => {
      database.close()
    },
  }
}

function statement(prepared: BetterSqlite3.Statement<unknown[]>): Statement {
  return {
    run: (...parameters) => {
      const { changes, lastInsertRowid } = prepared.run(...parameters)
      return { changes, lastRowId: Number(lastInsertRowid) }
    },
    get: (...parameters) => {
      const row = prepared.get(...parameters) as Record<string, SqlValue> | undefined
      return row === undefined ? undefined : plain(row)
    },
    all: (...parameters) => (prepared.all(...parameters) as Record<string, SqlValue>[]).map(plain),
    iterate: function* (...parameters) {
      for (const row of prepared.iterate(...parameters))
        yield plain(row as Record<string, SqlValue>)
    },
  }
}

/** better-sqlite3 gives each BLOB as a Buffer of its own. */
function plain(row: Record<string, SqlValue>): Row {
  for (const column in row) {
    const value = row[column]
    if (value instanceof Uint8Array) {
      row[column] = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    }
  }
  return row
}
