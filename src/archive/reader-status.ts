/** What an archive holds, counted. Costs one pass over the receipts of each account. */
import type { Database, Row, SqlValue } from '../sqlite/database.ts'
import { QUARANTINED_LISTED } from './limits.ts'
import type { ReceiptState } from './receipts.ts'
import { decodeUniqueId } from './unique-id.ts'

export interface RunSummary {
  /** RFC 3339 UTC. */
  readonly startedAt: string
  /** Undefined while it runs, or if it was killed. */
  readonly endedAt: string | undefined
  /** 'done', an error code, or undefined like endedAt. */
  readonly outcome: string | undefined
  readonly listed: number
  readonly retrieved: number
  readonly stored: number
  readonly octets: number
  readonly deleted: number
  readonly failed: number
}

/** A row of a maildrop that could not be retrieved. */
export interface Quarantined {
  readonly uniqueId: string | undefined
  readonly reason: string
  readonly attempts: number
  /** RFC 3339 UTC. */
  readonly triedAt: string
  /** Whether the last complete listing showed it. */
  readonly isListed: boolean
}

export interface AccountStatus {
  readonly name: string
  readonly host: string
  readonly user: string
  /** Messages that receipts of this account name and whose content is there, each once. */
  readonly messages: number
  readonly octets: number
  /** Receipts of the present epoch by state. */
  readonly states: Readonly<Record<ReceiptState, number>>
  /** At most QUARANTINED_LISTED of them; `states` has their number. */
  readonly quarantined: readonly Quarantined[]
  readonly lastRun: RunSummary | undefined
  /** The last one with outcome 'done', however many failed since. */
  readonly lastGoodRun: RunSummary | undefined
  /** The last one that an error ended, also if good ones followed. */
  readonly lastFailedRun: RunSummary | undefined
  /** RFC 3339 UTC: when the first of the failed runs since the last good one began; undefined if none failed since. */
  readonly failingSince: string | undefined
  /** How many failed since the last good one. */
  readonly failedRuns: number
}

export interface ArchiveStatus {
  readonly kind: 'sqlite' | 'maildir'
  /** RFC 3339 UTC. */
  readonly createdAt: string
  /** Messages whose content is there; `removed` counts those whose files the owner took away. */
  readonly messages: number
  readonly octets: number
  readonly removed: number
  /** Those whose octets are gone or wrong, as a repair found, or that are wanted back: the next sync retrieves them if it can. */
  readonly wanted: number
  /** Of `messages`, those with fewer octets than their server's listing allows. */
  readonly short: number
  /** By name. */
  readonly accounts: readonly AccountStatus[]
}

export function readStatus(database: Database): ArchiveStatus {
  const archive = database.prepare('SELECT kind, created_at FROM archive').get()
  const totals = database
    .prepare(
      `SELECT count(*) FILTER (WHERE removed = 0) AS messages,
         total(octets) FILTER (WHERE removed = 0) AS octets,
         count(*) FILTER (WHERE removed = 1 AND wanted = 0) AS removed,
         count(*) FILTER (WHERE wanted = 1) AS wanted,
         count(*) FILTER (WHERE short <> 0 AND removed = 0) AS short
       FROM message`,
    )
    .get()
  return {
    kind: archive?.kind === 'maildir' ? 'maildir' : 'sqlite',
    createdAt: String(archive?.created_at),
    messages: Number(totals?.messages),
    octets: Number(totals?.octets),
    removed: Number(totals?.removed),
    wanted: Number(totals?.wanted),
    short: Number(totals?.short),
    accounts: database
      .prepare('SELECT id, name, host, user, epoch FROM account ORDER BY name')
      .all()
      .map((account) => accountStatus(database, account)),
  }
}

function accountStatus(database: Database, account: Row): AccountStatus {
  const { id = null, epoch = null } = account
  const held = database
    .prepare(
      `SELECT count(*) AS messages, total(octets) AS octets FROM message WHERE removed = 0
         AND id IN (SELECT message FROM receipt WHERE account = ?)`,
    )
    .get(id)
  return {
    name: String(account.name),
    host: String(account.host),
    user: String(account.user),
    messages: Number(held?.messages),
    octets: Number(held?.octets),
    states: countStates(
      database
        .prepare(
          'SELECT state, count(*) AS receipts FROM receipt WHERE account = ? AND epoch = ? GROUP BY state',
        )
        .all(id, epoch),
    ),
    quarantined: database
      .prepare(
        `SELECT unique_id, reason, attempts, bound_at, absent_since IS NULL AS listed FROM receipt
         WHERE message IS NULL AND account = ? AND epoch = ? ORDER BY id LIMIT ?`,
      )
      .all(id, epoch, QUARANTINED_LISTED)
      .map((row) => ({
        uniqueId: decodeUniqueId(row.unique_id),
        reason: String(row.reason ?? ''),
        attempts: Number(row.attempts),
        triedAt: String(row.bound_at),
        isListed: row.listed === 1,
      })),
    ...runsOf(database, id),
  }
}

type Runs = Pick<
  AccountStatus,
  'lastRun' | 'lastGoodRun' | 'lastFailedRun' | 'failingSince' | 'failedRuns'
>

/** A run that its owner or its deadline ended did not fail; nor is one without an end known to have. */
const FAILED = "outcome NOT IN ('done', 'INTERRUPTED', 'DEADLINE')"

/** By row number: the clock may have been set back between two runs. */
function runsOf(database: Database, account: SqlValue): Runs {
  const last = (which: string) =>
    database
      .prepare(`SELECT * FROM run WHERE account = ? AND ${which} ORDER BY id DESC LIMIT 1`)
      .get(account)
  const good = last("outcome = 'done'")
  const failing = database
    .prepare(
      `SELECT count(*) AS runs, started_at, min(id) FROM run
       WHERE account = ? AND id > ? AND ${FAILED}`,
    )
    .get(account, good?.id ?? 0)
  const failedRuns = Number(failing?.runs)
  return {
    lastRun: runOf(last('true')),
    lastGoodRun: runOf(good),
    lastFailedRun: runOf(last(FAILED)),
    failingSince: failedRuns === 0 ? undefined : String(failing?.started_at),
    failedRuns,
  }
}

function countStates(rows: readonly Row[]): Record<ReceiptState, number> {
  const counts = { stored: 0, removed: 0, 'delete sent': 0, deleted: 0, quarantined: 0 }
  for (const row of rows) counts[row.state as ReceiptState] = Number(row.receipts)
  return counts
}

function runOf(row: Row | undefined): RunSummary | undefined {
  if (row === undefined) return undefined
  return {
    startedAt: String(row.started_at),
    endedAt: row.ended_at === null ? undefined : String(row.ended_at),
    outcome: row.outcome === null ? undefined : String(row.outcome),
    listed: Number(row.listed),
    retrieved: Number(row.retrieved),
    stored: Number(row.stored),
    octets: Number(row.octets),
    deleted: Number(row.deleted),
    failed: Number(row.failed),
  }
}
