/**
 * Copies accounts, runs and receipts from one catalog to another, row by row and column by column. What was copied before
 * is brought up to the source; nothing is ever unbound.
 */
import { ArchiveError } from '../durable/errors.ts'
import type { Database, Row, SqlValue, Statement } from '../sqlite/database.ts'
import { type AccountPlace, moveOf, UNDECIDED } from './accounts.ts'

const ACCOUNT_COLUMNS = [
  ...['host', 'port', 'user', 'epoch', 'capabilities', 'pipelining_failed_at', 'last_misled'],
  ...['size_model', 'shows_parts', 'login_delay_s', 'last_login_at', 'expiry_warned'],
  'renumbered_at',
]

const RUN_COLUMNS = [
  ...['started_at', 'ended_at', 'listed', 'retrieved', 'stored', 'octets', 'deleted', 'failed'],
  'outcome',
]

const RECEIPT_COLUMNS = [
  ...['epoch', 'unique_id', 'occurrence', 'octets', 'state', 'bound_by', 'bound_at', 'reason'],
  'attempts',
]

const PAGE_RECEIPTS = 1000

/** How many receipts without a unique-id the target has of a message, by account and by what tells them apart. */
type NamelessCounts = Map<number, Map<string, number>>

/** Methods but the constructor are called within a transaction of the target. */
export class ReceiptCopy {
  readonly #source: Database
  readonly #target: Database
  /** Ids of the target by those of the source. */
  readonly #accounts = new Map<number, number>()
  readonly #runs = new Map<number, number>()
  /** Runs that the target has, by account and start: two runs of one account never begin at once. */
  readonly #targetRuns = new Map<string, number>()
  readonly #namelessQuarantined: NamelessCounts = new Map()
  readonly #parameters: readonly SqlValue[]
  readonly #copied: Statement
  readonly #run: Statement
  readonly #insertRun: Statement
  readonly #receipts: Statement
  readonly #quarantined: Statement
  readonly #nameless: Statement
  readonly #insert: Statement

  /** With `account`, only what belongs to the account of that name. */
  constructor(source: Database, target: Database, account: string | undefined) {
    this.#source = source
    this.#target = target
    this.#run = source.prepare('SELECT * FROM run WHERE id = ?')
    this.#insertRun = target.prepare(insertSql('run', ['account', ...RUN_COLUMNS]))
    this.#parameters = account === undefined ? [] : [account]
    const accounts = `SELECT id FROM account ${account === undefined ? '' : 'WHERE name = ?'}`
    this.#copied = source.prepare(`SELECT * FROM account WHERE id IN (${accounts}) ORDER BY id`)
    const receipts = `SELECT * FROM receipt WHERE account IN (${accounts})`
    this.#receipts = source.prepare(`${receipts} AND message = ? ORDER BY id`)
    this.#quarantined = source.prepare(
      `${receipts} AND message IS NULL AND id > ? ORDER BY id LIMIT ${PAGE_RECEIPTS}`,
    )
    this.#nameless = target.prepare(
      'SELECT * FROM receipt WHERE unique_id IS NULL AND message IS ? AND account = ?',
    )
    this.#insert = target.prepare(
      `${insertSql('receipt', ['account', 'message', 'first_listed', 'absent_since', ...RECEIPT_COLUMNS])}
       ON CONFLICT (account, epoch, unique_id, occurrence, octets)
       DO UPDATE SET message = excluded.message, state = excluded.state,
         bound_by = excluded.bound_by, bound_at = excluded.bound_at,
         absent_since = excluded.absent_since, reason = excluded.reason,
         attempts = excluded.attempts
       WHERE excluded.message IS NOT NULL OR receipt.message IS NULL`,
    )
  }

  /**
   * Once, before the rest. Throws ArchiveError ARCHIVE_CREATE if the target has an account of the same name that is
   * another maildrop.
   */
  copyAccounts(): void {
    for (const account of this.#copied.all(...this.#parameters)) {
      const id = this.#copyAccount(account)
      this.#accounts.set(Number(account.id), id)
      const runs = this.#target.prepare('SELECT id, started_at FROM run WHERE account = ?')
      for (const run of runs.all(id))
        this.#targetRuns.set(`${id} ${run.started_at}`, Number(run.id))
    }
  }

  /** Copies the receipts of a message of the source to one of the target. */
  copyReceipts(message: number, to: { readonly id: number; readonly isRemoved: boolean }): void {
    const rows = this.#receipts.all(...this.#parameters, message)
    this.#copyRows(
      rows.map((row) =>
        // Removed there, but here: what is in the target was stored.
        row.state === 'removed' && !to.isRemoved ? { ...row, state: 'stored' } : row,
      ),
      to.id,
      new Map(),
    )
  }

  /** Copies some of the receipts without a message, those after `last`; returns where to go on, or undefined. */
  copyQuarantined(last: number): number | undefined {
    const rows = this.#quarantined.all(...this.#parameters, last)
    this.#copyRows(rows, null, this.#namelessQuarantined)
    return rows.length === 0 ? undefined : Number(rows.at(-1)?.id)
  }

  #copyRows(rows: readonly Row[], message: number | null, known: NamelessCounts): void {
    for (const row of rows) {
      const account = this.#accounts.get(Number(row.account))
      if (account === undefined) continue
      if (row.unique_id === null && this.#isThere(row, message, account, known)) continue
      this.#insert.run(
        account,
        message,
        this.#runOf(row.first_listed ?? null) ?? null,
        this.#runOf(row.absent_since ?? null) ?? null,
        ...valuesOf(row, RECEIPT_COLUMNS),
      )
    }
  }

  /** Receipts without a unique-id have no key, and equal ones may be several: they are counted off. */
  #isThere(row: Row, message: number | null, account: number, known: NamelessCounts): boolean {
    let counts = known.get(account)
    if (counts === undefined) {
      counts = new Map()
      known.set(account, counts)
      for (const there of this.#nameless.all(message, account)) {
        const key = namelessKey(there)
        counts.set(key, (counts.get(key) ?? 0) + 1)
      }
    }
    const key = namelessKey(row)
    const left = counts.get(key) ?? 0
    counts.set(key, left - 1)
    return left > 0
  }

  /** The target's run for one of the source; copied when a receipt first needs it. */
  #runOf(run: SqlValue): number | undefined {
    if (run === null) return undefined
    const known = this.#runs.get(Number(run))
    if (known !== undefined) return known
    const row = this.#run.get(run)
    const account = this.#accounts.get(Number(row?.account))
    if (row === undefined || account === undefined) {
      throw new ArchiveError('ARCHIVE_DAMAGED', `a receipt names run ${run}, which is not there`)
    }
    const id =
      this.#targetRuns.get(`${account} ${row.started_at}`) ??
      this.#insertRun.run(account, ...valuesOf(row, RUN_COLUMNS)).lastRowId
    this.#runs.set(Number(run), id)
    return id
  }

  #copyAccount(account: Row): number {
    const { name = null } = account
    const known = this.#target.prepare('SELECT * FROM account WHERE name = ?').get(name)
    const values = valuesOf(account, ACCOUNT_COLUMNS)
    if (known === undefined) {
      return this.#target
        .prepare(insertSql('account', ['name', ...ACCOUNT_COLUMNS]))
        .run(name, ...values).lastRowId
    }
    const id = Number(known.id)
    if (!isSameMaildrop(account, known) && !this.#isEarlierCopy(account, id)) {
      throw new ArchiveError(
        'ARCHIVE_CREATE',
        `${this.#target.path}: account ${name} is ${placeText(known)} there, ` +
          `and ${placeText(account)} here`,
      )
    }
    // Synced on its own since, the target may know of later epochs.
    if (Number(known.epoch) <= Number(account.epoch)) {
      // A former popkeep wrote down no port: the one that the target knows stays.
      const assignments = ACCOUNT_COLUMNS.map((column) =>
        column === 'port' ? 'port = coalesce(?, port)' : `${column} = ?`,
      ).join(', ')
      this.#target.prepare(`UPDATE account SET ${assignments} WHERE id = ?`).run(...values, id)
    }
    return id
  }

  /** Whether the target knows no run of this account that the source does not: it was copied from there, then moved. */
  #isEarlierCopy(account: Row, id: number): boolean {
    const started = this.#source.prepare('SELECT 1 FROM run WHERE account = ? AND started_at = ?')
    return this.#target
      .prepare('SELECT started_at FROM run WHERE account = ?')
      .all(id)
      .every((run) => started.get(account.id ?? null, run.started_at ?? null) !== undefined)
  }
}

function isSameMaildrop(one: Row, other: Row): boolean {
  const [account, known] = [placeIn(one), placeIn(other)]
  // Either may be of a popkeep that wrote down no port.
  return moveOf(known, { ...account, port: account.port ?? known.port }) === undefined
}

function placeIn({ name, host, port = null, user }: Row): AccountPlace {
  return {
    ...{ name: String(name), host: String(host), user: String(user) },
    port: port === null ? undefined : Number(port),
  }
}

function placeText(row: Row): string {
  const { host, port, user } = placeIn(row)
  if (port === undefined) return `${user} at ${host}`
  return `${user} at ${host}, port ${port === UNDECIDED ? 'not known yet' : port}`
}

function namelessKey(row: Row): string {
  return [row.epoch, row.occurrence, row.octets, row.bound_at].join(' ')
}

function valuesOf(row: Row, columns: readonly string[]): SqlValue[] {
  return columns.map((column) => row[column] ?? null)
}

function insertSql(table: string, columns: readonly string[]): string {
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`
}
