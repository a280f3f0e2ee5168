/**
 * How a catalog comes to the present schema: led up from version 1, or from the one that it has, one step at a time. A new one
 * goes the same way, so that its tables read as those of an old one do.
 */
import type { Database } from '../sqlite/database.ts'
import type { ArchiveKind } from './location.ts'
import { APPLICATION_ID, CATALOG_SQL, CONTENT_SQL, SCHEMA_VERSION } from './schema.ts'

/** The step from version `from` to the next. */
export interface Migration {
  readonly from: number
  readonly sql: string
}

const MIGRATIONS: readonly Migration[] = [
  // Where the account was last seen. Null: its port was not written down; 0: the maildrop is still to be recognised.
  { from: 1, sql: 'ALTER TABLE account ADD COLUMN port INTEGER' },
]

/** Creates the tables of a new archive, in one transaction; `version`: as a former program would have. */
export function createCatalog(
  database: Database,
  kind: ArchiveKind,
  now: string,
  version: number = SCHEMA_VERSION,
): void {
  database.transaction(() => {
    database.exec(CATALOG_SQL)
    if (kind === 'sqlite') database.exec(CONTENT_SQL)
    for (const { from, sql } of MIGRATIONS) if (from < version) database.exec(sql)
    database.prepare('INSERT INTO archive (kind, created_at) VALUES (?, ?)').run(kind, now)
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
    database.exec(`PRAGMA user_version = ${version}`)
  })
}

/**
 * Leads an older catalog up to the present version; each step is one transaction. The caller holds the archive's lock
 * exclusively.
 */
export function migrate(
  database: Database,
  version: number,
  migrations: readonly Migration[] = MIGRATIONS,
): void {
  for (const { from, sql } of migrations.toSorted((a, b) => a.from - b.from)) {
    if (from < version) continue
    database.transaction(() => {
      database.exec(sql)
      database.exec(`PRAGMA user_version = ${from + 1}`)
    })
  }
}
