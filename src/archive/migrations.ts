/** How a catalog comes to the present schema: created, or led up from an older number, one step at a time. */
import type { Database } from '../sqlite/database.ts'
import type { ArchiveKind } from './location.ts'
import { APPLICATION_ID, CATALOG_SQL, CONTENT_SQL, SCHEMA_VERSION } from './schema.ts'

/** The step from version `from` to the next. */
export interface Migration {
  readonly from: number
  readonly sql: string
}

/** None yet: 1 is the first version. */
const MIGRATIONS: readonly Migration[] = []

/** Creates the tables of a new archive, in one transaction. */
export function createCatalog(database: Database, kind: ArchiveKind, now: string): void {
  database.transaction(() => {
    database.exec(CATALOG_SQL)
    if (kind === 'sqlite') database.exec(CONTENT_SQL)
    database.prepare('INSERT INTO archive (kind, created_at) VALUES (?, ?)').run(kind, now)
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)
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
