/** What an archive can show for the rows of a listing: is each bound to a message whose octets hash right? Reads only. */
import type { Row, Statement } from '../sqlite/database.ts'
import type { ArchiveReader } from './reader.ts'
import type { ReceiptKey } from './receipts.ts'
import { OCTETS_UNKNOWN } from './schema.ts'
import { encodeUniqueId } from './unique-id.ts'
import { MessageChecker } from './verify.ts'

/**
 * What stands behind a listed row:
 * - `kept`: a message whose octets were read and hash right;
 * - `short`: the same, but the server handed over less than it lists;
 * - `removed`: its owner removed the message from the archive;
 * - `not retrieved`: the archive has never had it under this name;
 * - `another message`: the archive has one with another header under this name;
 * - `quarantined`: the server would not hand it over; `text` has its words;
 * - `altered`, `missing`, `damaged`: the archive had it, and is damaged.
 */
export interface ListedVerdict {
  readonly kind:
    | 'kept'
    | 'short'
    | 'removed'
    | 'not retrieved'
    | 'another message'
    | 'quarantined'
    | 'altered'
    | 'missing'
    | 'damaged'
  /** Digest, 64 hex digits, of the message that the row is bound to. */
  readonly id?: string
  readonly text?: string
  /** Of a damaged one: a repair marked it, and the next sync retrieves it. */
  readonly wanted?: true
}

const DAMAGE: readonly ListedVerdict['kind'][] = ['altered', 'missing', 'damaged']

/** Whether this verdict says that the archive is damaged. */
export function isListedDamage({ kind }: ListedVerdict): boolean {
  return DAMAGE.includes(kind)
}

/** Whether the archive has what the server has, as far as its owner wants it. */
export function isListedKept({ kind }: ListedVerdict): boolean {
  return kind === 'kept' || kind === 'short' || kind === 'removed'
}

export class ListedCheck {
  readonly #checker: MessageChecker
  readonly #byKey: Statement
  readonly #short: Statement
  readonly #account: Row | undefined
  /** Several rows may be one message: its octets are read once. */
  readonly #verdicts = new Map<number, ListedVerdict>()

  /** `account`: its name in the catalog. */
  constructor(reader: ArchiveReader, account: string) {
    const { database } = reader
    this.#checker = new MessageChecker(reader)
    this.#byKey = database.prepare(
      `SELECT message, state, reason FROM receipt
       WHERE account = ? AND epoch = ? AND unique_id IS ? AND occurrence = ? AND octets = ?
       ORDER BY message IS NULL, id`,
    )
    this.#short = database.prepare('SELECT short FROM message WHERE id = ?')
    this.#account = database.prepare('SELECT id, epoch FROM account WHERE name = ?').get(account)
  }

  /** Of a row that a receipt names. */
  ofMessage(message: number): ListedVerdict {
    const known = this.#verdicts.get(message)
    if (known !== undefined) return known
    const verdict = this.#read(message)
    this.#verdicts.set(message, verdict)
    return verdict
  }

  /** Of a row that the next sync would retrieve. */
  ofFresh(key: ReceiptKey): ListedVerdict {
    const { id = null, epoch = null } = this.#account ?? {}
    const octets = key.octets ?? OCTETS_UNKNOWN
    const receipt = this.#byKey.get(
      ...[id, epoch, encodeUniqueId(key.uniqueId), key.occurrence, octets],
    )
    if (receipt === undefined) return { kind: 'not retrieved' }
    if (receipt.message === null) {
      return { kind: 'quarantined', text: String(receipt.reason ?? '') }
    }
    // Its message is one that repair marked; else the row would be known, or is another message under an old name.
    const verdict = this.ofMessage(Number(receipt.message))
    return isListedDamage(verdict) ? verdict : { kind: 'not retrieved' }
  }

  #read(message: number): ListedVerdict {
    const found = this.#checker.checkId(message)
    if (found === undefined) return { kind: 'missing' }
    const { finding } = found
    const id = finding.id === undefined ? {} : { id: finding.id }
    if (finding.kind === 'damaged') return { kind: 'damaged', text: finding.text, ...id }
    if (finding.kind !== 'ok') {
      const marked = 'wanted' in finding && finding.wanted ? { wanted: true as const } : {}
      return { kind: finding.kind, ...id, ...marked }
    }
    const { short = 0 } = this.#short.get(message) ?? {}
    return { kind: short === 0 ? 'kept' : 'short', ...id }
  }
}
