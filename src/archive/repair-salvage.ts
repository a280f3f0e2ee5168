/** Copies what can be read of a damaged catalog, and of the content beside it, into a new one. The old is only read. */

import type { Database, Row, SqlValue, Statement } from '../sqlite/database.ts'
import { sqliteCode } from '../sqlite/errors.ts'
import { isTime } from './catalog-checks.ts'
import { GROUP_MESSAGES, GROUP_OCTETS } from './limits.ts'
import type { ArchiveKind } from './location.ts'
import type { CatalogFinding } from './repair-findings.ts'
import { RepairRows } from './repair-rows.ts'
import { RawContent } from './repair-sqlite.ts'
import { walkRows } from './row-walk.ts'

/** Rows that may hold 1 MiB each are read a few at a time. */
const LARGE_ROWS = 4

/** The old file's own proof of a digest that a flipped octet may have changed in the row. */
const DIGEST_INDEX = 'SELECT id FROM message INDEXED BY sqlite_autoindex_message_1 WHERE digest = ?'

export interface SalvageOptions {
  readonly kind: ArchiveKind
  /** RFC 3339 UTC: when a message was archived whose row is lost. */
  readonly at: string
  /** Maildir: whether a file names this digest. */
  hasFile(digest: Uint8Array): boolean
}

/** Parents before children: a row that names one which was lost is left out, and the next sync binds its message anew. */
export function* salvageCatalog(
  old: Database,
  target: Database,
  options: SalvageOptions,
): Iterable<CatalogFinding> {
  copyArchiveRow(old, target)
  const contradicting: Row[] = []
  const rebuilt = new Set<number>()
  yield* copyTable(old, target, { table: 'account' })
  yield* copyTable(old, target, { table: 'run' })
  if (options.kind === 'sqlite')
    yield* copyTable(old, target, { table: 'piece', pageRows: LARGE_ROWS })
  yield* copyTable(old, target, {
    table: 'message',
    accept: digestCheck(old, options, contradicting),
  })
  if (options.kind === 'sqlite') yield* copyContent(old, target, { at: options.at, rebuilt })
  yield* copyTable(old, target, {
    table: 'receipt',
    accept: ({ bound_at }) => isTime(bound_at),
  })
  settleContradictions(target, contradicting)
  doubt(target, rebuilt)
}

interface TableCopy {
  readonly table: string
  readonly pageRows?: number
  /** Whether a row is to be copied. */
  readonly accept?: (row: Row) => boolean
}

function* copyTable(
  old: Database,
  target: Database,
  { table, pageRows, accept = () => true }: TableCopy,
): Iterable<CatalogFinding> {
  // A catalog of a former version lacks what came later.
  const there = new Set(columnsOf(old, table))
  const columns = columnsOf(target, table).filter((column) => there.has(column))
  const insert = target.prepare(
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
  )
  const counts = new Losses(table)
  const group = new Group(target)
  for (const walked of rowsOf(old, table, columns, pageRows)) {
    if (walked.type === 'gap') counts.gap()
    else if (!accept(walked.row)) counts.row()
    else {
      const values = columns.map((column) => walked.row[column] ?? null)
      group.add(walked.row.octets ?? null, () => {
        if (!insertIfValid(insert, values)) counts.row()
      })
    }
  }
  group.flush()
  yield* counts.findings()
}

function columnsOf(database: Database, table: string): readonly string[] {
  const columns = database.prepare(`PRAGMA table_info(${table})`).all()
  return columns.map(({ name }) => String(name))
}

/** By row id, never by an index, which may be what is damaged. */
function* rowsOf(old: Database, table: string, columns: readonly string[], pageRows?: number) {
  const names = columns.filter((column) => column !== 'id').join(', ')
  let page: Statement
  try {
    page = old.prepare(
      `SELECT rowid AS id, ${names} FROM ${table} NOT INDEXED WHERE rowid > ? ORDER BY rowid LIMIT ?`,
    )
  } catch (error) {
    yield { type: 'gap', after: 0, error } as const
    return
  }
  yield* walkRows(page, pageRows)
}

/** False if the row contradicts the schema or a row that is there: that is what damage looks like. */
function insertIfValid(insert: Statement, values: readonly SqlValue[]): boolean {
  try {
    insert.run(...values)
    return true
  } catch (error) {
    const code = sqliteCode(error)
    if (code === 'SQLITE_CONSTRAINT') return false
    throw error
  }
}

function copyArchiveRow(old: Database, target: Database): void {
  try {
    const row = old.prepare('SELECT created_at FROM archive').get()
    const at = row?.created_at
    if (typeof at === 'string' && !Number.isNaN(Date.parse(at))) {
      target.prepare('UPDATE archive SET created_at = ?').run(at)
    }
  } catch (error) {
    // The new catalog says when it was made; nothing depends on it.
    if (sqliteCode(error) === undefined) throw error
  }
}

/**
 * Tells rows whose digest the old file's index does not confirm. In a Maildir such a row is left out, unless a file has that
 * digest: else the file that has the true one is adopted. Beside content it is copied, and settled once the content is there.
 */
function digestCheck(old: Database, { kind, hasFile }: SalvageOptions, contradicting: Row[]) {
  return (row: Row): boolean => {
    const { digest = null } = row
    if (isIndexed(old, digest, Number(row.id))) return true
    if (kind === 'maildir') return digest instanceof Uint8Array && hasFile(digest)
    contradicting.push(row)
    return true
  }
}

/** Whether the index has this digest for this row. One that cannot be read contradicts nothing. */
function isIndexed(old: Database, digest: SqlValue, id: number): boolean {
  try {
    return Number(old.prepare(DIGEST_INDEX).get(digest)?.id) === id
  } catch (error) {
    if (sqliteCode(error) === undefined) throw error
    return true
  }
}

/**
 * A row whose digest nothing confirms, beside content whose canonical digest is the row's: the octets are believed, and the
 * row follows them. Receipts then permit a DELE only after the message was retrieved and compared.
 */
function settleContradictions(target: Database, contradicting: readonly Row[]): void {
  if (contradicting.length === 0) return
  const rows = new RepairRows(target)
  const content = new RawContent(target)
  target.transaction(() => {
    for (const row of contradicting) {
      const id = Number(row.id)
      const digests = content.digests(id)
      const { canonical, digest } = row
      if (digests === undefined || !(canonical instanceof Uint8Array)) continue
      if (digest instanceof Uint8Array && Buffer.compare(digests.digest, digest) === 0) continue
      if (Buffer.compare(digests.canonical, canonical) !== 0) continue
      if (rows.find(digests.digest) !== undefined) continue
      target.prepare('UPDATE message SET digest = ? WHERE id = ?').run(digests.digest, id)
      rows.doubtReceipts(id)
    }
  })
}

/** A row that was made from its octets proves nothing about them: see `settleContradictions`. */
function doubt(target: Database, rebuilt: ReadonlySet<number>): void {
  const rows = new RepairRows(target)
  target.transaction(() => {
    for (const id of rebuilt) rows.doubtReceipts(id)
  })
}

/** Content rows; where their message row was lost, it is made anew from the octets. */
function* copyContent(
  old: Database,
  target: Database,
  { at, rebuilt }: { readonly at: string; readonly rebuilt: Set<number> },
): Iterable<CatalogFinding> {
  const insert = target.prepare(
    'INSERT INTO content (message, codec, octets, series) VALUES (?, ?, ?, ?)',
  )
  const isKnown = target.prepare('SELECT 1 FROM message WHERE id = ?')
  const rows = new RepairRows(target)
  const raw = new RawContent(target)
  const counts = new Losses('content')
  const group = new Group(target)
  const page = contentPage(old)
  if (page === undefined) counts.gap()
  for (const walked of page ? walkRows(page, LARGE_ROWS) : []) {
    if (walked.type === 'gap') {
      counts.gap()
      continue
    }
    const { id = null, codec = null, octets = null, series = null } = walked.row
    group.add(octets, () => {
      if (isKnown.get(id) === undefined) {
        const digests = raw.digest({ octets, series })
        // The same octets under another row: nothing is lost with these.
        if (rows.find(digests.digest) !== undefined) return
        rows.insert(digests, at, Number(id))
        rebuilt.add(Number(id))
      }
      if (!insertIfValid(insert, [id, codec, octets, series])) counts.row()
    })
  }
  group.flush()
  yield* counts.findings()
}

function contentPage(old: Database): Statement | undefined {
  try {
    return old.prepare(
      `SELECT message AS id, codec, octets, series FROM content NOT INDEXED
       WHERE message > ? ORDER BY message LIMIT ?`,
    )
  } catch (error) {
    if (sqliteCode(error) === undefined) throw error
    return undefined
  }
}

/** Inserts into the new file, several to a commit. */
class Group {
  readonly #target: Database
  #waiting: (() => void)[] = []
  #octets = 0

  constructor(target: Database) {
    this.#target = target
  }

  /** `octets`: what waits with it in memory. */
  add(octets: SqlValue, insert: () => void): void {
    this.#waiting.push(insert)
    if (octets instanceof Uint8Array) this.#octets += octets.byteLength
    if (this.#waiting.length >= GROUP_MESSAGES || this.#octets >= GROUP_OCTETS) this.flush()
  }

  flush(): void {
    const group = this.#waiting
    this.#waiting = []
    this.#octets = 0
    this.#target.transaction(() => {
      for (const insert of group) insert()
    })
  }
}

class Losses {
  readonly #table: string
  #rows = 0
  #gaps = 0

  constructor(table: string) {
    this.#table = table
  }

  row(): void {
    this.#rows += 1
  }

  gap(): void {
    this.#gaps += 1
  }

  *findings(): Iterable<CatalogFinding> {
    if (this.#rows + this.#gaps === 0) return
    yield { kind: 'lost', table: this.#table, rows: this.#rows, gaps: this.#gaps }
  }
}
