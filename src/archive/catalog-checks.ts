/**
 * Rows that the catalog would not take. On a connection that only reads, SQLite leaves the CHECKs of the schema out, in
 * integrity_check too; and that a time is one no CHECK of the first version says.
 */
import type { Database } from '../sqlite/database.ts'

/** By table, in the words of the schema. */
export const CHECKS: readonly (readonly [table: string, check: string])[] = [
  ['archive', "kind IN ('sqlite', 'maildir')"],
  ['message', 'length(digest) = 32'],
  ['receipt', "state IN ('stored', 'removed', 'delete sent', 'deleted', 'quarantined')"],
  ['receipt', "bound_by IN ('digest', 'canonical', 'fingerprint', 'recount')"],
  ['receipt', "(state = 'quarantined') = (message IS NULL)"],
  ['content', '(octets IS NULL) <> (series IS NULL)'],
]

/** `--delete-after` counts from it. */
const TIME_CHECK = ['receipt', "bound_at IS strftime('%Y-%m-%dT%H:%M:%fZ', bound_at)"] as const

/** Of each check, so many rows are named. */
const NAMED_ROWS = 100

/** A sentence for each row; of the content, whose table is as large as all the mail, only if asked. Throws what SQLite throws. */
export function* wrongRows(
  database: Database,
  { withContent }: { readonly withContent: boolean },
): Iterable<string> {
  for (const [table, check] of [...CHECKS, TIME_CHECK]) {
    if (table === 'content' && !withContent) continue
    // Null is let through, as by a CHECK. An index may be what is damaged.
    const rows = database
      .prepare(
        `SELECT rowid AS id FROM ${table} NOT INDEXED WHERE NOT (${check}) LIMIT ${NAMED_ROWS}`,
      )
      .all()
    for (const { id } of rows) yield `row ${id} of ${table} breaks a rule: ${check}`
  }
}

/** Whether a value is a time as the catalog has them: RFC 3339 in UTC with milliseconds. */
export function isTime(value: unknown): boolean {
  if (typeof value !== 'string') return false
  const time = Date.parse(value)
  return !Number.isNaN(time) && new Date(time).toISOString() === value
}
