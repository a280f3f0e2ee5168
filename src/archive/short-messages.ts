/**
 * The mark `short` of messages: complete by their terminator, yet with fewer octets than their server's listing allows.
 *
 * 1: it came so once, and is to be retrieved once more; 2: that was done, and this is the server's word.
 */
import type { Database, Statement } from '../sqlite/database.ts'
import type { Account } from './accounts.ts'

/** What retrieving short messages once more has shown. */
export interface ShortJudgement {
  /** Messages that stay short: they came so twice, or something longer took their place. */
  readonly final: readonly number[]
  /** Messages that are not short, as the server counts. */
  readonly whole: readonly number[]
  /** Receipts whose row is another message: they are taken back. */
  readonly superseded: readonly number[]
}

export class ShortTable {
  readonly #cameShort: Statement
  readonly #cameWhole: Statement
  readonly #ofAccount: Statement
  readonly #mark: Statement
  readonly #removeReceipt: Statement

  constructor(database: Database) {
    this.#cameShort = database.prepare(
      'UPDATE message SET short = max(short, 1) WHERE id = ? RETURNING short',
    )
    this.#cameWhole = database.prepare('UPDATE message SET short = 0 WHERE id = ? AND short = 1')
    // CROSS: from the few messages to their receipts. SQLite, which knows of no few, would go through all receipts of the account.
    this.#ofAccount = database.prepare(
      `SELECT receipt.id AS receipt FROM message CROSS JOIN receipt ON receipt.message = message.id
       WHERE message.short = 1 AND account = ? AND epoch = ?`,
    )
    this.#mark = database.prepare('UPDATE message SET short = ? WHERE id = ?')
    this.#removeReceipt = database.prepare('DELETE FROM receipt WHERE id = ?')
  }

  /** Returns whether it is to be retrieved once more. Within a transaction. */
  cameShort(message: number): boolean {
    return this.#cameShort.get(message)?.short === 1
  }

  /** As listed: it came short for another row, if at all. A final mark stays. Within a transaction. */
  cameWhole(message: number): void {
    this.#cameWhole.run(message)
  }

  /** Receipts of the account's present epoch whose message is to be retrieved once more. */
  receiptsOf(account: Account): readonly number[] {
    return this.#ofAccount.all(account.id, account.epoch).map(({ receipt }) => Number(receipt))
  }

  /** Within a transaction. */
  judge({ final, whole, superseded }: ShortJudgement): void {
    for (const id of final) this.#mark.run(2, id)
    for (const id of whole) this.#mark.run(0, id)
    for (const id of superseded) this.#removeReceipt.run(id)
  }
}
