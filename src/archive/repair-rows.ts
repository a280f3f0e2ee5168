/** The catalog's rows of messages, compared with the octets and put right. */

import type { MessageDigests } from '../message/digest.ts'
import { factsOfLines } from '../message/facts.ts'
import type { Database, Row, SqlValue, Statement } from '../sqlite/database.ts'
import { GROUP_MESSAGES } from './limits.ts'
import { hexOf, type MessageFinding } from './repair-findings.ts'

/** What follows from the octets, in the order of `derivedValues`. */
const DERIVED = [
  ...['digest', 'octets', 'canonical', 'fingerprint', 'date', 'sender', 'recipients', 'subject'],
  'message_id',
] as const

/** Reads and corrects rows of `message`. Corrections wait for others and are committed in groups; each stands for itself. */
export class RepairRows {
  readonly #database: Database
  readonly #byDigest: Statement
  readonly #update: Statement
  readonly #insert: Statement
  readonly #want: Statement
  readonly #remove: Statement
  readonly #removeReceipts: Statement
  readonly #return: Statement
  readonly #returnReceipts: Statement
  readonly #doubt: Statement
  #waiting: (() => void)[] = []

  constructor(database: Database) {
    this.#database = database
    this.#byDigest = database.prepare('SELECT * FROM message WHERE digest = ?')
    this.#update = database.prepare(
      `UPDATE message SET ${DERIVED.map((column) => `${column} = ?`).join(', ')} WHERE id = ?`,
    )
    this.#insert = database.prepare(
      `INSERT INTO message (id, archived_at, ${DERIVED.join(', ')})
       VALUES (?, ?, ${DERIVED.map(() => '?').join(', ')})`,
    )
    this.#want = database.prepare('UPDATE message SET wanted = 1, verified_at = NULL WHERE id = ?')
    this.#remove = database.prepare('UPDATE message SET removed = 1, wanted = 0 WHERE id = ?')
    this.#removeReceipts = database.prepare(
      "UPDATE receipt SET state = 'removed' WHERE message = ? AND state = 'stored'",
    )
    this.#return = database.prepare('UPDATE message SET removed = 0, wanted = 0 WHERE id = ?')
    this.#returnReceipts = database.prepare(
      "UPDATE receipt SET state = 'stored' WHERE message = ? AND state = 'removed'",
    )
    this.#doubt = database.prepare(
      "UPDATE receipt SET bound_by = 'canonical' WHERE message = ? AND bound_by = 'digest'",
    )
  }

  find(digest: Uint8Array): Row | undefined {
    return this.#byDigest.get(digest)
  }

  /** The octets of `row` were read and have its digest: corrects what else the row says. */
  settle(row: Row, digests: MessageDigests): MessageFinding {
    const id = row.id ?? null
    const hex = hexOf(digests.digest)
    const values = derivedValues(digests)
    const isRight = DERIVED.every((column, index) => isSame(row[column], values[index]))
    if (!isRight) this.#later(() => this.#update.run(...values, id))
    if (row.removed === 1 || row.wanted === 1) {
      this.#later(() => {
        this.#return.run(id)
        this.#returnReceipts.run(id)
      })
      return { kind: 'returned', id: hex }
    }
    return { kind: isRight ? 'sound' : 'rebuilt', id: hex }
  }

  /** Octets that no row names become a message of their own; `id` where content names its row already. */
  add(digests: MessageDigests, archivedAt: string, id: number | null = null): MessageFinding {
    this.#later(() => this.insert(digests, archivedAt, id))
    return { kind: 'rebuilt', id: hexOf(digests.digest) }
  }

  /** At once, within the caller's transaction. Throws SQLite's constraint error if the message is there. */
  insert(digests: MessageDigests, archivedAt: string, id: number | null = null): void {
    this.#insert.run(id, archivedAt, ...derivedValues(digests))
  }

  /** Receipts of this message count as recognised, not as proven: a DELE wants the message retrieved and compared first. */
  doubtReceipts(id: number): void {
    this.#doubt.run(id)
  }

  want(row: Row, text: string): MessageFinding {
    if (row.wanted !== 1) this.#later(() => this.#want.run(row.id ?? null))
    return { kind: 'wanted', id: String(idOf(row)), text }
  }

  remove(row: Row): MessageFinding {
    this.#later(() => {
      this.#remove.run(row.id ?? null)
      this.#removeReceipts.run(row.id ?? null)
    })
    return { kind: 'removed', id: idOf(row) }
  }

  /** `remove`, by the word of an owner who does not know which messages these are. */
  giveUp(row: Row): MessageFinding {
    const subject = typeof row.subject === 'string' ? row.subject : undefined
    return { ...this.remove(row), givenUp: { subject, wasWanted: row.wanted === 1 } }
  }

  /** Commits what waits. */
  flush(): void {
    const group = this.#waiting
    this.#waiting = []
    if (group.length === 0) return
    this.#database.transaction(() => {
      for (const correct of group) correct()
    })
  }

  #later(correct: () => void): void {
    this.#waiting.push(correct)
    if (this.#waiting.length >= GROUP_MESSAGES) this.flush()
  }
}

/** The digest of a row, 64 hex digits. */
export function idOf(row: Row): string {
  return row.digest instanceof Uint8Array ? hexOf(row.digest) : ''
}

function derivedValues({ digest, octets, canonical, fingerprint, lines }: MessageDigests) {
  const { date, sender, recipients, subject, messageId } = factsOfLines(lines)
  const facts: readonly SqlValue[] = [date, sender, recipients, subject, messageId]
  return [digest, octets, canonical, fingerprint, ...facts]
}

function isSame(one: SqlValue | undefined, other: SqlValue | undefined): boolean {
  if (one instanceof Uint8Array && other instanceof Uint8Array) {
    return Buffer.compare(one, other) === 0
  }
  return one === other
}
