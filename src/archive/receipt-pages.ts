/**
 * Receipts out of the catalog, some thousand at a time. To hand a row over costs a driver several times what it costs SQLite to find
 * it, so that SQLite joins each column of a page into one text: numbers with commas between them, unique-ids with line feeds.
 */
import { ArchiveError } from '../durable/errors.ts'
import type { Database, Row, SqlValue, Statement } from '../sqlite/database.ts'
import type { Account } from './accounts.ts'
import {
  BOUND_BY,
  CODES,
  DIGIT_0,
  joinedColumns,
  NO_MESSAGE,
  type ReceiptColumns,
  STATES,
  TIME_UNITS,
} from './receipt-columns.ts'

/** Times of one length with a comma behind each but the last: a comma within one would shift all that follow. */
const TIME = String.raw`\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z`
const TIMES = new RegExp(`^${TIME}(?:,${TIME})*$`)

/** Receipts of one page. */
const PAGE = 4096

/** Behind a unique-id: no TEXT in the catalog has one, and a BLOB comes in hex, behind a mark that no TEXT has either. */
const LF = 0x0a
const BLOB = 0x0d
const BLOB_MARK = String.fromCharCode(BLOB)
const COMMA = 0x2c
const MINUS = 0x2d

/** What a row is ordered by; the next page begins behind the last of this one. */
type Place = readonly [SqlValue, SqlValue, SqlValue]

/** For what is not in a list. */
const UNKNOWN_DIGIT = 9

/** One digit a row. */
const digitOf = (column: string, names: readonly (string | undefined)[]): string =>
  `CASE ${names.map((name, digit) => `WHEN ${column} IS ${name === undefined ? 'NULL' : `'${name}'`} THEN ${digit}`).join(' ')} ELSE ${UNKNOWN_DIGIT} END`

/** Codes of a receipt. To join digits takes as long as three other columns, so those that nearly all have are one text. */
const CODES_OF_ROW = `CASE
    WHEN state = 'stored' AND bound_by = 'digest' AND absent_since IS NULL
      THEN '${STATES.indexOf('stored')}${BOUND_BY.indexOf('digest')}0'
    WHEN state = 'deleted' AND bound_by = 'digest' AND absent_since IS NOT NULL
      THEN '${STATES.indexOf('deleted')}${BOUND_BY.indexOf('digest')}1'
    ELSE ${digitOf('state', STATES)} || ${digitOf('bound_by', BOUND_BY)} || (absent_since IS NOT NULL)
  END`

const NAME_OF_ROW = `CASE typeof(unique_id)
    WHEN 'blob' THEN char(${BLOB}) || hex(unique_id)
    ELSE coalesce(unique_id, '')
  END`

function pageOf(condition: string, order: string): string {
  return `SELECT count(*) AS receipts, group_concat(id) AS ids, group_concat(message) AS messages,
      group_concat(octets) AS octets, group_concat(bound_at) AS bound_at,
      group_concat(occurrence) AS occurrences, group_concat(attempts) AS attempts,
      group_concat(codes, '') AS codes, group_concat(name, char(${LF})) AS names
    FROM (
      SELECT id, coalesce(message, ${NO_MESSAGE}) AS message, octets, bound_at,
        occurrence, attempts, ${CODES_OF_ROW} AS codes, ${NAME_OF_ROW} AS name
      FROM receipt WHERE account = ? AND epoch = ? AND ${condition}
        -- asked once a page first, since it hardly ever is so
        AND (NOT EXISTS (SELECT 1 FROM message WHERE wanted = 1)
          OR message IS NULL OR state NOT IN ('stored', 'removed')
          OR message NOT IN (SELECT id FROM message WHERE wanted = 1))
      ORDER BY ${order} LIMIT ${PAGE})`
}

export class ReceiptPages {
  readonly #named: Statement
  readonly #nameless: Statement

  constructor(database: Database) {
    // Both in the order of the index on keys, so that a page is found without a look at those before it.
    this.#named = database.prepare(
      pageOf('(unique_id, occurrence, octets) > (?, ?, ?)', 'unique_id, occurrence, octets'),
    )
    this.#nameless = database.prepare(
      pageOf(
        'unique_id IS NULL AND (occurrence, octets, id) > (?, ?, ?)',
        'occurrence, octets, id',
      ),
    )
  }

  /**
   * The receipts of the account's present epoch. Those of a message whose octets are gone or wrong are left out: its row is new to the
   * next sync, which binds them again. Throws ArchiveError ARCHIVE_DAMAGED where a column holds what it never should.
   */
  read({ id, epoch }: Account): ReceiptColumns {
    const pages: Page[] = []
    const read = (statement: Statement, first: Place, placeOf: (page: Page) => Place): void => {
      for (let place = first; ; ) {
        const row = statement.get(id, epoch, ...place)
        if (row === undefined || row.receipts === 0) return
        const page = pageIn(row)
        pages.push(page)
        if (page.columns.count < PAGE) return
        place = placeOf(page)
      }
    }
    read(this.#named, ['', 0, 0], ({ lastName, columns: { occurrences, octets } }) => {
      return [lastName, last(occurrences), last(octets)]
    })
    read(this.#nameless, [0, 0, 0], ({ columns: { occurrences, octets, ids } }) => {
      return [last(occurrences), last(octets), last(ids)]
    })
    return joinedColumns(pages.map(({ columns }) => columns))
  }
}

interface Page {
  readonly columns: ReceiptColumns
  /** Unique-id of its last receipt, as the catalog has it; empty where that has none. */
  readonly lastName: SqlValue
}

function pageIn(row: Row): Page {
  const count = Number(row.receipts)
  const { uniqueIds, ends, lastName } = uniqueIdsIn(String(row.names), count)
  const columns: ReceiptColumns = {
    count,
    ids: numbersIn(row.ids, new Float64Array(count)),
    messages: numbersIn(row.messages, new Float64Array(count)),
    octets: numbersIn(row.octets, new Float64Array(count)),
    boundAt: String(row.bound_at),
    occurrences: numbersIn(row.occurrences, new Uint32Array(count)),
    attempts: numbersIn(row.attempts, new Uint32Array(count)),
    codes: Buffer.from(String(row.codes), 'latin1'),
    uniqueIds,
    ends,
  }
  if (!hasTimes(columns) || !hasCodes(columns)) throw damaged()
  return { columns, lastName }
}

function hasTimes({ boundAt, count }: ReceiptColumns): boolean {
  return boundAt.length === (TIME_UNITS + 1) * count - 1 && TIMES.test(boundAt)
}

/** Whether each is in its list, and a receipt without message is a quarantined one, and no other. */
function hasCodes({ codes, count, messages }: ReceiptColumns): boolean {
  if (codes.length !== CODES * count) return false
  for (let at = 0; at < count; at += 1) {
    const state = STATES[(codes[CODES * at] ?? 0) - DIGIT_0]
    if (state === undefined) return false
    if ((state === 'quarantined') !== (messages[at] === NO_MESSAGE)) return false
    if ((codes[CODES * at + 1] ?? 0) - DIGIT_0 >= BOUND_BY.length) return false
  }
  return true
}

/** Fills the column. Throws if the text has not as many whole numbers, exact as doubles. */
function numbersIn<T extends Float64Array | Uint32Array>(text: SqlValue | undefined, column: T): T {
  const digits = String(text)
  let filled = 0
  let value = 0
  let sign = 1
  let begin = 0
  for (let at = 0; at <= digits.length; at += 1) {
    const unit = digits.charCodeAt(at)
    if (unit === COMMA || at === digits.length) {
      if (at === begin || value > Number.MAX_SAFE_INTEGER) throw damaged()
      column[filled] = sign * value
      // It had no room for the number.
      if (column[filled] !== sign * value) throw damaged()
      filled += 1
      value = 0
      sign = 1
      begin = at + 1
    } else if (unit === MINUS && at === begin) {
      sign = -1
      begin = at + 1
    } else {
      const digit = unit - DIGIT_0
      if (digit < 0 || digit > 9) throw damaged()
      value = value * 10 + digit
    }
  }
  if (filled !== column.length) throw damaged()
  return column
}

function uniqueIdsIn(text: string, count: number) {
  const ends = new Uint32Array(count)
  const hasBlobs = text.includes(BLOB_MARK)
  const octets = hasBlobs ? fillByName(text, ends) : fillByOctet(text, ends)
  if (octets.filled !== count) throw damaged()
  const name = text.slice(text.lastIndexOf('\n') + 1)
  const lastName = name.startsWith(BLOB_MARK) ? new Uint8Array(octetsOf(name)) : name
  return { uniqueIds: octets.uniqueIds, ends, lastName }
}

/** Of a unique-id. */
function octetsOf(name: string): Buffer {
  if (name.startsWith(BLOB_MARK)) return Buffer.from(name.slice(BLOB_MARK.length), 'hex')
  requirePrintable(name)
  return Buffer.from(name, 'latin1')
}

/** Only unique-ids of printable ASCII are text (see encodeUniqueId). Others would become those of other octets here. */
function requirePrintable(names: string): void {
  if (!/^[\x20-\x7e\n]*$/.test(names)) throw damaged()
}

/** As nearly always: all of them are text. */
function fillByOctet(text: string, ends: Uint32Array) {
  requirePrintable(text)
  const octets = new Uint8Array(text.length)
  let end = 0
  let filled = 0
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (unit === LF) {
      ends[filled] = end
      filled += 1
    } else {
      octets[end] = unit
      end += 1
    }
  }
  ends[filled] = end
  return { uniqueIds: octets.subarray(0, end), filled: filled + 1 }
}

function fillByName(text: string, ends: Uint32Array) {
  const octets = text.split('\n').map(octetsOf)
  let end = 0
  for (const [at, { length }] of octets.entries()) {
    end += length
    ends[at] = end
  }
  return { uniqueIds: Buffer.concat(octets), filled: octets.length }
}

function last(column: Float64Array | Uint32Array): number {
  return column.at(-1) ?? 0
}

function damaged(): ArchiveError {
  return new ArchiveError(
    'ARCHIVE_DAMAGED',
    'the receipts of the catalog hold what they never should',
  )
}
