import type BetterSqlite3 from 'better-sqlite3'

/** The JavaScript of better-sqlite3. Throws MODULE_NOT_FOUND where the optional dependency was not there. */
declare function loadModule(): typeof BetterSqlite3
export = loadModule
