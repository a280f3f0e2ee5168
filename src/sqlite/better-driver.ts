/** better-sqlite3 behind the driver interface. */
import { createRequire } from 'node:module'
import type BetterSqlite3 from 'better-sqlite3'
import type { Connection, Open, Row, SqlValue, Statement } from './database.ts'

type Constructor = typeof BetterSqlite3

/**
 * Loads better-sqlite3 with its native part, which it only looks for when a database is opened. Throws what Node
 * throws: MODULE_NOT_FOUND where the optional dependency is not installed, ERR_DLOPEN_FAILED after a change of Node,
 * or an error without code where its install script was not allowed to run.
 */
export function loadBetterSqlite3(): Open {
  const Better = createRequire(import.meta.url)('better-sqlite3') as Constructor
  new Better(':memory:').close()
  return (path, { isReadOnly, maySetSchema = false }) => {
    const database = new Better(path, { readonly: isReadOnly, timeout: 0 })
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
