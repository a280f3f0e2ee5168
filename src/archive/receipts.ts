/** The catalog's receipts: "this unique-id of this account, with this listed size, is that message". */
import type { Database, Statement } from '../sqlite/database.ts'
import type { Account } from './accounts.ts'
import type { IdSet } from './id-set.ts'
import { OCTETS_UNKNOWN } from './schema.ts'
import { encodeUniqueId } from './unique-id.ts'

export type ReceiptState = 'stored' | 'removed' | 'delete sent' | 'deleted' | 'quarantined'

/** How a receipt was bound to its message. */
export type BoundBy = 'digest' | 'canonical' | 'fingerprint' | 'recount'

/** The row of a listing as a receipt names it. */
export interface ReceiptKey {
  readonly uniqueId: string | undefined
  readonly occurrence: number
  /** As listed; undefined where the server gave no usable size. */
  readonly octets: number | undefined
}

export interface Receipt extends ReceiptKey {
  readonly id: number
  /** Undefined only if quarantined. */
  readonly message: number | undefined
  /** When the account's first receipt of the message was bound, ms since the epoch; of a quarantined one, when it was last tried. */
  readonly boundAt: number
  readonly boundBy: BoundBy | undefined
  readonly state: ReceiptState
  readonly absent: boolean
  /** Quarantined: tries to retrieve it. Any other: DELEs that had no effect as far as anybody knows. Undefined is 0. */
  readonly attempts?: number | undefined
}

/** A receipt about to be written. */
export interface Binding {
  readonly key: ReceiptKey
  readonly message: number
  readonly by: BoundBy
  /** RFC 3339 UTC. */
  readonly at: string
  readonly run: number
}

/** What a complete listing showed of the receipts of an account. */
export interface ListingChanges {
  readonly deleted: readonly number[]
  readonly undeleted: readonly number[]
  readonly absent: readonly number[]
  readonly present: readonly number[]
}

const KEY_CONFLICT = 'ON CONFLICT (account, epoch, unique_id, occurrence, octets) DO'

export class ReceiptTable {
  readonly #count: Statement
  readonly #fingerprint: Statement
  readonly #nameless: Statement
  readonly #namelessRefused: Statement
  /** Any receipt of the message has its time. The index on messages is the one to use: an account may have a million. */
  readonly #insert: Statement
  readonly #bindAgain: Statement
  readonly #rebind: Statement
  readonly #refuse: Statement
  readonly #refuseAgain: Statement
  readonly #restore: Statement
  readonly #undelete: Statement
  readonly #canonical: Statement
  readonly #remove: Statement
  readonly #setState: Statement
  readonly #setDeleted: Statement
  readonly #countDeletion: Statement
  readonly #setAbsent: Statement
  readonly #setPresent: Statement
  /** For each set of taken receipts, by message and octets: so far all receipts without unique-id are in it. */
  readonly #takenUpTo = new WeakMap<Pick<IdSet, 'has'>, Map<string, number>>()

  constructor(database: Database) {
    this.#count = database.prepare(
      'SELECT count(*) AS receipts FROM receipt WHERE account = ? AND epoch = ?',
    )
    this.#fingerprint = database.prepare(
      `SELECT lower(hex(message.fingerprint)) AS fingerprint
       FROM receipt JOIN message ON message.id = receipt.message WHERE receipt.id = ?`,
    )
    this.#nameless = database.prepare(
      `SELECT id FROM receipt
       WHERE message = ? AND account = ? AND epoch = ? AND unique_id IS NULL AND octets = ?
         AND id > ?
       ORDER BY id LIMIT 1`,
    )
    this.#namelessRefused = database.prepare(
      `SELECT id FROM receipt
       WHERE message IS NULL AND account = ? AND epoch = ? AND unique_id IS NULL
         AND occurrence = ? AND octets = ?`,
    )
    const insert = `INSERT INTO receipt (account, epoch, unique_id, occurrence, octets, message, state, bound_by,
         bound_at, first_listed)
       VALUES (?, ?, ?, ?, ?, ?,
         (SELECT iif(removed = 1, 'removed', 'stored') FROM message WHERE id = ?), ?,
         coalesce((SELECT bound_at FROM receipt WHERE message = ? AND +account = ? AND +epoch = ? LIMIT 1), ?),
         ?)`
    this.#insert = database.prepare(`${insert} ${KEY_CONFLICT} NOTHING`)
    this.#bindAgain = database.prepare(
      `${insert} ${KEY_CONFLICT} UPDATE SET message = excluded.message, state = excluded.state, bound_by = excluded.bound_by,
         bound_at = iif(receipt.message IS excluded.message, receipt.bound_at, excluded.bound_at),
         absent_since = NULL, reason = NULL,
         attempts = iif(receipt.message IS excluded.message, receipt.attempts, 0)
       RETURNING id`,
    )
    this.#rebind = database.prepare(
      "UPDATE receipt SET state = 'stored', bound_by = ?, absent_since = NULL WHERE id = ?",
    )
    // A row that was stored once stays as it is: that another under its name cannot be retrieved proves nothing against it,
    // nor that it is still listed.
    this.#refuse = database.prepare(
      `INSERT INTO receipt (account, epoch, unique_id, occurrence, octets, state, bound_at,
         first_listed, reason, attempts)
       VALUES (?, ?, ?, ?, ?, 'quarantined', ?, ?, ?, 1)
       ${KEY_CONFLICT} UPDATE SET reason = excluded.reason, attempts = attempts + 1, absent_since = NULL,
         bound_at = excluded.bound_at
       WHERE receipt.state = 'quarantined'`,
    )
    this.#refuseAgain = database.prepare(
      `UPDATE receipt SET reason = ?, attempts = attempts + 1, absent_since = NULL, bound_at = ?
       WHERE id = ?`,
    )
    this.#restore = database.prepare(
      "UPDATE receipt SET state = 'stored' WHERE message = ? AND state = 'removed'",
    )
    this.#undelete = database.prepare(
      `UPDATE receipt SET state =
         (SELECT iif(removed = 1, 'removed', 'stored') FROM message WHERE id = receipt.message)
       WHERE id = ?`,
    )
    this.#canonical = database.prepare(
      `SELECT id FROM receipt
       WHERE message = ? AND account = ? AND epoch = ? AND bound_by = 'canonical'
         AND state = 'stored'`,
    )
    this.#remove = database.prepare('DELETE FROM receipt WHERE id = ?')
    this.#setState = database.prepare('UPDATE receipt SET state = ? WHERE id = ?')
    this.#setDeleted = database.prepare(
      "UPDATE receipt SET state = 'deleted', attempts = 0 WHERE id = ?",
    )
    this.#countDeletion = database.prepare(
      'UPDATE receipt SET attempts = attempts + 1 WHERE id = ?',
    )
    this.#setAbsent = database.prepare(
      'UPDATE receipt SET absent_since = ? WHERE id = ? AND absent_since IS NULL',
    )
    this.#setPresent = database.prepare('UPDATE receipt SET absent_since = NULL WHERE id = ?')
  }

  /** How many receipts the account's present epoch has; `ReceiptPages` may leave some out. */
  count(account: Account): number {
    return Number(this.#count.get(account.id, account.epoch)?.receipts)
  }

  /** Header fingerprints (hex) of the messages that these receipts name. */
  fingerprints(receipts: readonly number[]): Map<number, string> {
    const found = new Map<number, string>()
    for (const id of receipts) {
      const row = this.#fingerprint.get(id)
      if (row !== undefined) found.set(id, String(row.fingerprint))
    }
    return found
  }

  /**
   * Writes the receipt of a message, or binds that of the same key anew; it is `removed` if the message is. Where the account has
   * a receipt of this message already, under whatever key, the time is that one's: the message is no younger for being retrieved
   * again, renumbered or counted anew. Rows without a unique-id have no key: one of this message that is not in `taken` is used again, so that retrieving it each run does
   * not add one each run. The caller adds what is returned to `taken`, from which nothing is ever taken away.
   */
  bind(account: Account, binding: Binding, taken: Pick<IdSet, 'has'>): number {
    const { key, message, by, at, run } = binding
    const octets = key.octets ?? OCTETS_UNKNOWN
    if (key.uniqueId === undefined) {
      const free = this.#freeNameless(account, { message, octets }, taken)
      if (free !== undefined) {
        this.#rebind.run(by, free)
        return free
      }
    }
    const uniqueId = encodeUniqueId(key.uniqueId)
    const { id, epoch } = account
    const { occurrence } = key
    // biome-ignore format: in the order of the statement
    const row = [
      id, epoch, uniqueId, occurrence, octets, message, message, by, message, id, epoch, at, run,
    ] as const
    // RETURNING costs a copy of each page that the statement changes: only where the key is there already.
    const { changes, lastRowId } = this.#insert.run(...row)
    return changes > 0 ? lastRowId : Number(this.#bindAgain.get(...row)?.id)
  }

  /**
   * A row turned out to be this very message: those of the account that only a canonical digest bound to it are others, whose
   * octets are not kept. Their receipts go, so that they are new where they are listed. Returns which went.
   */
  takeBack(account: Account, message: number): readonly number[] {
    const wrong = this.#canonical
      .all(message, account.id, account.epoch)
      .map(({ id }) => Number(id))
    this.remove(wrong)
    return wrong
  }

  /** Their rows are new to the next session. */
  remove(receipts: readonly number[]): void {
    for (const id of receipts) this.#remove.run(id)
  }

  /** Passes each receipt once: a maildrop may list one message 20,000 times. */
  #freeNameless(
    account: Account,
    { message, octets }: { readonly message: number; readonly octets: number },
    taken: Pick<IdSet, 'has'>,
  ): number | undefined {
    const passed = this.#takenUpTo.get(taken) ?? new Map<string, number>()
    this.#takenUpTo.set(taken, passed)
    const face = `${message} ${octets}`
    for (let upTo = passed.get(face) ?? 0; ; passed.set(face, upTo)) {
      const row = this.#nameless.get(message, account.id, account.epoch, octets, upTo)
      const id = row === undefined ? undefined : Number(row.id)
      if (id === undefined || !taken.has(id)) return id
      upTo = id
    }
  }

  /** Remembers that a row could not be retrieved, and how often. */
  quarantine(
    account: Account,
    key: ReceiptKey,
    refusal: { reason: string; at: string; run: number },
  ) {
    const octets = key.octets ?? OCTETS_UNKNOWN
    const { id, epoch } = account
    const { reason, at, run } = refusal
    if (key.uniqueId === undefined) {
      const row = this.#namelessRefused.get(id, epoch, key.occurrence, octets)
      if (row !== undefined) {
        this.#refuseAgain.run(reason, at, Number(row.id))
        return
      }
    }
    const uniqueId = encodeUniqueId(key.uniqueId)
    this.#refuse.run(id, epoch, uniqueId, key.occurrence, octets, at, run, reason)
  }

  /** The octets of a removed message came again. */
  restore(message: number): void {
    this.#restore.run(message)
  }

  recordListing(changes: ListingChanges, run: number): void {
    for (const id of changes.deleted) this.#setDeleted.run(id)
    for (const id of changes.undeleted) this.#undelete.run(id)
    for (const id of changes.absent) this.#setAbsent.run(run, id)
    for (const id of changes.present) this.#setPresent.run(id)
  }

  deleteSent(receipts: readonly number[]): void {
    for (const id of receipts) this.#setState.run('delete sent', id)
  }

  /** QUIT followed their DELEs. */
  deleteTried(receipts: readonly number[]): void {
    for (const id of receipts) this.#countDeletion.run(id)
  }
}
