/** The catalog's runs: one row for each account that a sync opened. */
import type { Database, Statement } from '../sqlite/database.ts'

export interface RunCounts {
  readonly listed: number
  readonly retrieved: number
  readonly stored: number
  /** Of the messages that count as `stored`, as they left the wire. */
  readonly octets: number
  readonly deleted: number
  readonly failed: number
}

export class RunTable {
  readonly #begin: Statement
  readonly #end: Statement

  constructor(database: Database) {
    this.#begin = database.prepare('INSERT INTO run (account, started_at) VALUES (?, ?)')
    this.#end = database.prepare(
      `UPDATE run SET ended_at = ?, outcome = ?, listed = ?, retrieved = ?, stored = ?, octets = ?,
         deleted = ?, failed = ? WHERE id = ?`,
    )
  }

  /** `at`: RFC 3339 UTC. */
  begin(account: number, at: string): number {
    return this.#begin.run(account, at).lastRowId
  }

  /** `outcome` is 'done' or an error code. */
  end(run: number, counts: RunCounts, outcome: string, at: string): void {
    const { listed, retrieved, stored, octets, deleted, failed } = counts
    this.#end.run(at, outcome, listed, retrieved, stored, octets, deleted, failed, run)
  }
}
