/**
 * The small interface that popkeep asks of a SQLite driver. All of it is synchronous.
 *
 * Rows are plain objects, integers are numbers (the catalog has none beyond 2^53) and BLOBs are Uint8Array, never
 * Buffer, with both drivers.
 */
export type SqlValue = null | number | string | Uint8Array

export type Row = Readonly<Record<string, SqlValue>>

export interface Statement {
  run(...parameters: readonly SqlValue[]): { readonly changes: number; readonly lastRowId: number }
  /** Stops at the first row. Outside a transaction, what a statement with RETURNING wrote is not proven by it: use `all`. */
  get(...parameters: readonly SqlValue[]): Row | undefined
  all(...parameters: readonly SqlValue[]): Row[]
  /** One row at a time. While it runs, the connection can do nothing else: end or leave the loop first. */
  iterate(...parameters: readonly SqlValue[]): IterableIterator<Row>
}

export interface Database {
  readonly path: string
  readonly isReadOnly: boolean
  /** Runs statements that return nothing, separated by semicolons. */
  exec(sql: string): void
  prepare(sql: string): Statement
  /**
   * Runs `body` between BEGIN IMMEDIATE and COMMIT and returns its value once COMMIT returned. Anything thrown, by
   * COMMIT too, rolls back and is thrown on. Transactions do not nest.
   */
  transaction<T>(body: () => T): T
  /**
   * What is read from here to `endReading`, or to the next `transaction`, is of one state of the file, under one lock instead of
   * one for each statement. Nothing may be written meanwhile but by `transaction`. Does nothing where that has begun already.
   */
  beginReading(): void
  /** Lets go of that state. Does not throw, and does nothing where none is held. */
  endReading(): void
  close(): void
}

/** What a driver gives: transactions are the same for all. */
export type Connection = Omit<Database, 'transaction' | 'beginReading' | 'endReading'>

export interface OpenOptions {
  readonly isReadOnly: boolean
  /** Lets PRAGMA writable_schema be set, by which a damaged schema is read past and written anew. */
  readonly maySetSchema?: boolean
}

export type Open = (path: string, options: OpenOptions) => Connection

export function withTransactions(connection: Connection): Database {
  let isReading = false
  const endReading = () => {
    // SQLite may have ended it by itself, at an error that somebody has heard.
    if (isReading) rollBack(connection)
    isReading = false
  }
  return {
    path: connection.path,
    isReadOnly: connection.isReadOnly,
    exec: (sql) => connection.exec(sql),
    prepare: (sql) => connection.prepare(sql),
    close: () => connection.close(),
    beginReading: () => {
      if (isReading) return
      connection.exec('BEGIN')
      isReading = true
    },
    endReading,
    transaction: (body) => {
      endReading()
      connection.exec('BEGIN IMMEDIATE')
      try {
        const result = body()
        connection.exec('COMMIT')
        return result
      } catch (error) {
        rollBack(connection)
        throw error
      }
    },
  }
}

function rollBack(connection: Connection): void {
  try {
    connection.exec('ROLLBACK')
  } catch {
    // SQLite rolls back by itself on SQLITE_FULL, SQLITE_IOERR and the like, and then refuses ROLLBACK. The error that
    // brought us here is the one that the caller has to hear.
  }
}
