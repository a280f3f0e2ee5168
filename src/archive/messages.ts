/** The catalog's messages, each once. */
import type { MessageSummary } from '../message/summary.ts'
import type { Database, Row, Statement } from '../sqlite/database.ts'
import type { StoredMessage } from './content.ts'
import { CANONICAL_CANDIDATES } from './limits.ts'

/** What the catalog says of a new message. */
export interface MessageRecord extends MessageSummary {
  /** RFC 3339 UTC. */
  readonly archivedAt: string
}

export interface KnownMessage extends StoredMessage {
  /** Maildir: its owner removed the file. */
  readonly isRemoved: boolean
  /** Its octets are gone or wrong: to be retrieved again. What lies in its place is not to be trusted. */
  readonly isWanted: boolean
}

/** What matters to the deletion of a message on a server. Times in ms since the epoch. */
export interface MessageTraits {
  readonly octets: number
  readonly date: number | undefined
  readonly archivedAt: number
  readonly subject: string | undefined
  readonly isShort: boolean
}

const COLUMNS = 'id, digest, octets, removed, wanted'

export class MessageTable {
  readonly #known: Statement
  readonly #byId: Statement
  readonly #byDigest: Statement
  readonly #byCanonical: Statement
  readonly #insert: Statement
  readonly #restore: Statement
  readonly #traits: Statement

  constructor(database: Database) {
    this.#known = database.prepare(
      `SELECT 1 FROM message WHERE digest = ? UNION ALL
       SELECT 1 FROM message WHERE canonical = ? LIMIT 1`,
    )
    this.#byId = database.prepare(`SELECT ${COLUMNS} FROM message WHERE id = ?`)
    this.#byDigest = database.prepare(`SELECT ${COLUMNS} FROM message WHERE digest = ?`)
    this.#byCanonical = database.prepare(
      `SELECT ${COLUMNS}, EXISTS (SELECT 1 FROM receipt WHERE message = message.id) AS bound,
         EXISTS (SELECT 1 FROM receipt WHERE message = message.id AND account <> ?) AS elsewhere
       FROM message WHERE canonical = ? ORDER BY id LIMIT ${CANONICAL_CANDIDATES}`,
    )
    this.#insert = database.prepare(
      `INSERT INTO message (digest, octets, canonical, fingerprint, date, sender, recipients, subject,
         message_id, archived_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING`,
    )
    this.#restore = database.prepare(
      'UPDATE message SET removed = 0, wanted = 0 WHERE id = ? AND (removed = 1 OR wanted = 1)',
    )
    this.#traits = database.prepare(
      'SELECT octets, date, archived_at, subject, short FROM message WHERE id = ?',
    )
  }

  /** By message; one that is not there is left out. */
  traits(ids: readonly number[]): Map<number, MessageTraits> {
    const found = new Map<number, MessageTraits>()
    for (const id of ids) {
      const row = this.#traits.get(id)
      if (row !== undefined) found.set(id, traitsOf(row))
    }
    return found
  }

  get(id: number): KnownMessage | undefined {
    return messageOf(this.#byId.get(id))
  }

  /** Whether there is anything that `find` or `recognisable` could give: one look where both give nothing. */
  knows(digest: Uint8Array, canonical: Uint8Array): boolean {
    return this.#known.get(digest, canonical) !== undefined
  }

  find(digest: Uint8Array): KnownMessage | undefined {
    return messageOf(this.#byDigest.get(digest))
  }

  /**
   * Messages with this canonical digest that a canonical digest may recognise: those that no receipt names (state was
   * lost), and, if asked for, those that only receipts of this account name. Looks at the oldest few only.
   */
  *recognisable(
    canonical: Uint8Array,
    account: number,
    options: { readonly ofAccount: boolean },
  ): Iterable<KnownMessage> {
    for (const row of this.#byCanonical.all(account, canonical)) {
      const isFree = row.bound === 0 || (options.ofAccount && row.elsewhere === 0)
      const message = messageOf(row)
      if (isFree && message !== undefined && isHeld(message)) yield message
    }
  }

  /** Returns the row's id, or undefined if a message with this digest is there already. */
  insert(message: MessageRecord): number | undefined {
    const { date, sender, recipients, subject, messageId } = message.facts
    const { changes, lastRowId } = this.#insert.run(
      message.digest,
      message.octets,
      message.canonical,
      message.fingerprint,
      date,
      sender,
      recipients,
      subject,
      messageId,
      message.archivedAt,
    )
    return changes === 0 ? undefined : lastRowId
  }

  /** The octets are there again. Returns false if the message was neither removed nor wanted. */
  restore(id: number): boolean {
    return this.#restore.run(id).changes > 0
  }
}

/** Whether the archive has the octets of a message as far as the catalog knows; the content may say otherwise. */
export function isHeld({ isRemoved, isWanted }: KnownMessage): boolean {
  return !isRemoved && !isWanted
}

function traitsOf(row: Row): MessageTraits {
  const date = row.date === null ? Number.NaN : Date.parse(String(row.date))
  return {
    octets: Number(row.octets),
    date: Number.isNaN(date) ? undefined : date,
    archivedAt: Date.parse(String(row.archived_at)),
    subject: row.subject === null ? undefined : String(row.subject),
    isShort: row.short !== 0,
  }
}

function messageOf(row: Row | undefined): KnownMessage | undefined {
  if (row === undefined || !(row.digest instanceof Uint8Array)) return undefined
  return {
    id: Number(row.id),
    digest: row.digest,
    octets: Number(row.octets),
    isRemoved: row.removed === 1,
    isWanted: row.wanted === 1,
  }
}
