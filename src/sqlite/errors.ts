/** Why SQLite itself cannot be used here, before any archive is looked at. */
export type SqliteErrorCode = 'SQLITE_UNAVAILABLE' | 'SQLITE_TOO_OLD'

export class SqliteError extends Error {
  override readonly name = 'SqliteError'
  readonly code: SqliteErrorCode

  constructor(code: SqliteErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Primary result codes (sqlite3.h) by number, as far as somebody asks for them. */
const PRIMARY: Readonly<Record<number, string>> = {
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  7: 'SQLITE_NOMEM',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  19: 'SQLITE_CONSTRAINT',
  26: 'SQLITE_NOTADB',
}

/**
 * The primary result code of an error that SQLite raised, e.g. 'SQLITE_BUSY', by either driver. Undefined if the error
 * is not SQLite's. better-sqlite3 names the extended code, node:sqlite numbers it in `errcode`, and refuses to read an integer
 * beyond 2^53: popkeep writes none, so the file is damaged.
 */
export function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if (error instanceof SqliteError) return undefined
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  if (code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number') {
    return PRIMARY[errcode & 0xff] ?? 'SQLITE_ERROR'
  }
  if (code === 'ERR_OUT_OF_RANGE' && error.message.startsWith('Value is too large')) {
    return 'SQLITE_CORRUPT'
  }
  if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return undefined
  return Object.values(PRIMARY).find((name) => code === name || code.startsWith(`${name}_`)) ?? code
}
