/** The messages of an archive, newest first, a page at a time: no read transaction is held between pages. */
import type { Database, Row, SqlValue, Statement } from '../sqlite/database.ts'
import { decodeUniqueId } from './unique-id.ts'

/** Where a message came from. */
export interface Provenance {
  readonly account: string
  /** An octet string; undefined where the server gave none. */
  readonly uniqueId: string | undefined
}

/** A message as a list shows it. Texts are the sender's: control characters in them are not escaped. */
export interface MessageSummary {
  /** Digest, 64 hex digits. */
  readonly id: string
  readonly octets: number
  /** RFC 3339 UTC, undefined where the message does not say a plausible one. */
  readonly date: string | undefined
  /** As formatAddresses wrote it. */
  readonly sender: string | undefined
  readonly recipients: string | undefined
  readonly subject: string | undefined
  readonly messageId: string | undefined
  /** RFC 3339 UTC. */
  readonly archivedAt: string
  /** Fewer octets than its server's listing allows. */
  readonly isShort: boolean
  readonly receipts: readonly Provenance[]
}

export interface ListOptions {
  /** At most so many messages. */
  readonly newest?: number | undefined
  /** Only messages that a receipt of this account names. */
  readonly account?: string | undefined
}

const PAGE_MESSAGES = 100

/** The expression of the index message_newest, letter by letter: else SQLite sorts the whole table. */
const AGE = 'coalesce(date, archived_at)'

/** Yields messages whose content is there. Messages that arrive meanwhile may be missed. */
export function* listMessages(database: Database, options: ListOptions): Iterable<MessageSummary> {
  const pages = new Pages(database, options.account)
  const provenance = database.prepare(
    `SELECT account.name AS account, receipt.unique_id
     FROM receipt JOIN account ON account.id = receipt.account
     WHERE receipt.message = ? ORDER BY receipt.id`,
  )
  let left = options.newest ?? Number.POSITIVE_INFINITY
  let last: Row | undefined
  while (left > 0) {
    const limit = Math.min(left, PAGE_MESSAGES)
    const page = pages.after(last, limit)
    for (const row of page) yield summaryOf(row, provenance)
    if (page.length < limit) return
    left -= page.length
    last = page.at(-1)
  }
}

class Pages {
  readonly #parameters: readonly SqlValue[]
  readonly #first: Statement
  readonly #ofSameAge: Statement
  readonly #older: Statement

  constructor(database: Database, account: string | undefined) {
    this.#parameters = account === undefined ? [] : [account]
    const ofAccount =
      account === undefined
        ? ''
        : `AND EXISTS (SELECT 1 FROM receipt JOIN account ON account.id = receipt.account
             WHERE receipt.message = message.id AND account.name = ?)`
    const page = (condition: string, order = `${AGE} DESC, id DESC`) =>
      database.prepare(
        `SELECT *, lower(hex(digest)) AS hex, ${AGE} AS age FROM message
         WHERE ${condition} AND removed = 0 ${ofAccount}
         ORDER BY ${order} LIMIT ?`,
      )
    this.#first = page('TRUE')
    // With the age in ORDER BY too, SQLite would sort all messages of that age for each page.
    this.#ofSameAge = page(`${AGE} = ? AND id < ?`, 'id DESC')
    this.#older = page(`${AGE} < ?`)
  }

  after(last: Row | undefined, limit: number): Row[] {
    if (last === undefined) return this.#first.all(...this.#parameters, limit)
    const { age = null, id = null } = last
    const page = this.#ofSameAge.all(age, id, ...this.#parameters, limit)
    if (page.length === limit) return page
    return [...page, ...this.#older.all(age, ...this.#parameters, limit - page.length)]
  }
}

function summaryOf(row: Row, provenance: Statement): MessageSummary {
  return {
    id: String(row.hex),
    octets: Number(row.octets),
    date: textOf(row.date),
    sender: textOf(row.sender),
    recipients: textOf(row.recipients),
    subject: textOf(row.subject),
    messageId: textOf(row.message_id),
    archivedAt: String(row.archived_at),
    isShort: row.short !== 0,
    receipts: provenance.all(row.id ?? null).map((receipt) => ({
      account: String(receipt.account),
      uniqueId: decodeUniqueId(receipt.unique_id),
    })),
  }
}

function textOf(value: SqlValue | undefined): string | undefined {
  return value === null || value === undefined ? undefined : String(value)
}
