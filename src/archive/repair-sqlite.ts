/** The repair of a sqlite archive whose database is sound: every message is read, hashed, and compared with its row. */
import { createMessageDigester, type MessageDigests } from '../message/digest.ts'
import type { Database, Row, Statement } from '../sqlite/database.ts'
import { PIECE_OCTETS } from './limits.ts'
import type { MessageFinding, MissingChoice } from './repair-findings.ts'
import { hexOf } from './repair-findings.ts'
import { RepairRows } from './repair-rows.ts'
import { walkRows } from './row-walk.ts'
import { dropped } from './short-lived.ts'

/** Corrections are committed in groups, each of which leaves the archive better than it was: a kill loses none of them. */
export function* repairSqlite(
  database: Database,
  missing: MissingChoice,
): Iterable<MessageFinding> {
  const rows = new RepairRows(database)
  const content = new RawContent(database)
  const page = database.prepare('SELECT * FROM message WHERE id > ? ORDER BY id LIMIT ?')
  for (const walked of walkRows(page)) {
    if (walked.type === 'gap') throw walked.error
    const finding = repairMessage(rows, content, walked.row, missing)
    if (finding !== undefined) yield finding
  }
  rows.flush()
}

function repairMessage(
  rows: RepairRows,
  content: RawContent,
  row: Row,
  missing: MissingChoice,
): MessageFinding | undefined {
  const id = Number(row.id)
  const digests = content.digests(id) ?? content.attachLost(row)
  if (digests !== undefined && isDigest(row, digests)) return rows.settle(row, digests)
  const text = digests ? 'its octets are altered' : 'its octets are gone'
  const isGivenUp = row.removed === 1 && row.wanted !== 1
  if (missing === 'retrieve') return rows.want(row, text)
  if (isGivenUp) return { kind: 'removed', id: hexOf(row.digest as Uint8Array) }
  return missing === 'accept' ? rows.giveUp(row) : rows.want(row, text)
}

function isDigest(row: Row, { digest }: MessageDigests): boolean {
  return row.digest instanceof Uint8Array && Buffer.compare(row.digest, digest) === 0
}

/** Content as its rows have it, whatever the catalog says of its length. */
export class RawContent {
  readonly #database: Database
  readonly #content: Statement
  readonly #piece: Statement

  constructor(database: Database) {
    this.#database = database
    this.#content = database.prepare('SELECT octets, series FROM content WHERE message = ?')
    this.#piece = database.prepare('SELECT octets FROM piece WHERE series = ? AND position = ?')
  }

  /** Undefined if there is no content row. */
  digests(message: number): MessageDigests | undefined {
    const row = this.#content.get(message)
    return row && this.digest(row)
  }

  /**
   * A large message whose content row is gone may still have its pieces: a series that no row names and that hashes to the
   * digest is tied to it again.
   */
  attachLost(row: Row): MessageDigests | undefined {
    if (Number(row.octets) <= PIECE_OCTETS || this.#content.get(row.id ?? null)) return undefined
    const candidates = this.#database
      .prepare(
        `SELECT series FROM piece WHERE series NOT IN
           (SELECT series FROM content WHERE series IS NOT NULL)
         GROUP BY series HAVING sum(length(octets)) = ?`,
      )
      .all(row.octets ?? null)
    for (const { series = null } of candidates) {
      const digests = this.digest({ octets: null, series })
      if (!isDigest(row, digests)) continue
      this.#database.transaction(() =>
        this.#database
          .prepare('INSERT INTO content (message, series) VALUES (?, ?)')
          .run(row.id ?? null, series),
      )
      return digests
    }
    return undefined
  }

  digest({ octets, series = null }: Row): MessageDigests {
    const digester = createMessageDigester()
    if (octets instanceof Uint8Array) digester.write(octets)
    for (let position = 0; series !== null; position += 1) {
      const piece = this.#piece.get(series, position)?.octets
      if (!(piece instanceof Uint8Array)) break
      digester.write(piece)
      dropped(piece.byteLength)
    }
    return digester.end()
  }
}
