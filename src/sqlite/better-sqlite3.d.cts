import type BetterSqlite3 from 'better-sqlite3'

/**
 * The JavaScript of better-sqlite3, which is part of the build. Throws MODULE_NOT_FOUND if the optional dependency was neither there
 * at the build nor is now.
 */
declare function loadModule(): typeof BetterSqlite3
export = loadModule
