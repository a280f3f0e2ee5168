/** node:sqlite behind the driver interface. Node has it from 22.13 on without a flag. */
import { createRequire } from 'node:module'
import type { Connection, Open, Row, SqlValue, Statement } from './database.ts'

/** As much of node:sqlite as is used here; the types of Node 20 do not have it. */
interface NodeStatement {
  run(...parameters: readonly SqlValue[]): {
    readonly changes: number | bigint
    readonly lastInsertRowid: number | bigint
  }
  get(...parameters: readonly SqlValue[]): Row | undefined
  all(...parameters: readonly SqlValue[]): Row[]
  iterate(...parameters: readonly SqlValue[]): Iterable<Row>
}
interface NodeDatabase {
  exec(sql: string): void
  prepare(sql: string): NodeStatement
  close(): void
}
interface NodeSqlite {
  readonly DatabaseSync: new (
    path: string,
    options: { readonly readOnly: boolean; readonly defensive: boolean },
  ) => NodeDatabase
}

/** Loads node:sqlite. Throws ERR_UNKNOWN_BUILTIN_MODULE where Node is too old. */
export function loadNodeSqlite(): Open {
  const { DatabaseSync } = withoutExperimentalWarning(
    () => createRequire(import.meta.url)('node:sqlite') as NodeSqlite,
  )
  return (path, { isReadOnly, maySetSchema = false }) => {
    // Nodes that do not know `defensive` never forbid it.
    const database = new DatabaseSync(path, { readOnly: isReadOnly, defensive: !maySetSchema })
    return connect(database, path, isReadOnly)
  }
}

/** Node 22 announces its module as experimental on stderr, where popkeep has promised silence. */
function withoutExperimentalWarning<T>(load: () => T): T {
  const { emitWarning } = process
  const filtered = (...parameters: readonly unknown[]): void => {
    if (parameters[1] === 'ExperimentalWarning' && String(parameters[0]).includes('SQLite')) return
    Reflect.apply(emitWarning, process, parameters)
  }
  process.emitWarning = filtered
  try {
    return load()
  } finally {
    process.emitWarning = emitWarning
  }
}

function connect(database: NodeDatabase, path: string, isReadOnly: boolean): Connection {
  let isOpen = true
  return {
    path,
    isReadOnly,
    exec: (sql) => database.exec(sql),
    prepare: (sql) => statement(database.prepare(sql)),
    // Closing twice is no error with the other driver.
    close: () => {
      if (isOpen) database.close()
      isOpen = false
    },
  }
}

function statement(prepared: NodeStatement): Statement {
  return {
    run: (...parameters) => {
      const { changes, lastInsertRowid } = prepared.run(...parameters)
      return { changes: Number(changes), lastRowId: Number(lastInsertRowid) }
    },
    get: (...parameters) => {
      const row = prepared.get(...parameters)
      return row === undefined ? undefined : { ...row }
    },
    // Rows come without a prototype; those of the interface are plain objects.
    all: (...parameters) => prepared.all(...parameters).map((row) => ({ ...row })),
    iterate: function* (...parameters) {
      for (const row of prepared.iterate(...parameters)) yield { ...row }
    },
  }
}
