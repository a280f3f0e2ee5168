/**
 * Content as rows beside the catalog. A message up to 1 MiB waits in memory and is written by the transaction of its
 * message row. A larger one is staged in pieces, each in a commit of its own; the content row then names their series,
 * and until it does nobody sees them.
 */
import { randomInt } from 'node:crypto'
import { ArchiveError } from '../durable/errors.ts'
import type { Database, Statement } from '../sqlite/database.ts'
import type { ContentStore, Draft, StoredMessage } from './content.ts'
import { PIECE_OCTETS } from './limits.ts'
import { dropped } from './short-lived.ts'

/** Octets of drafts that are short lie side by side: a buffer for each costs more than copying what is in it. */
const SLAB_OCTETS = 256 * 1024

/** The largest that `randomInt` takes. */
const SERIES_END = 2 ** 48 - 1

export function openSqliteContent(database: Database): ContentStore {
  const find = database.prepare('SELECT octets, series FROM content WHERE message = ?')
  const exists = database.prepare('SELECT 1 FROM content WHERE message = ?')
  const pieces = database.prepare('SELECT octets FROM piece WHERE series = ? AND position = ?')
  const slabs = new Slabs()
  return {
    draft: () => new SqliteDraft(database, slabs),
    publish: () => undefined,
    attach: (_database, message, draft) => {
      if (!(draft instanceof SqliteDraft)) throw new TypeError('a draft of another archive')
      draft.attach(message)
    },
    has: (message) => exists.get(message.id) !== undefined,
    read: (message) => readContent({ find, pieces }, message),
    // Drops the pages of this connection: one that was just written would prove itself.
    forget: () => database.exec('PRAGMA shrink_memory'),
    sweep: () => sweep(database),
  }
}

/** Hands out room, each piece once; a slab is garbage when the last draft in it is. */
class Slabs {
  #slab = new Uint8Array(0)
  #used = 0

  /** What is in it is to be overwritten. */
  take(octets: number): Uint8Array {
    if (octets > SLAB_OCTETS / 8) return new Uint8Array(octets)
    if (this.#used + octets > this.#slab.byteLength) {
      this.#slab = new Uint8Array(SLAB_OCTETS)
      this.#used = 0
    }
    this.#used += octets
    return this.#slab.subarray(this.#used - octets, this.#used)
  }
}

class SqliteDraft implements Draft {
  readonly isReady = true
  readonly #database: Database
  readonly #slabs: Slabs
  #buffer: Uint8Array = new Uint8Array(0)
  #filled = 0
  #series: number | undefined
  #pieces = 0
  #isAttached = false

  constructor(database: Database, slabs: Slabs) {
    this.#database = database
    this.#slabs = slabs
  }

  write(octets: Uint8Array): void {
    for (let start = 0; start < octets.byteLength; ) {
      if (this.#filled === PIECE_OCTETS) this.#stage()
      const part = octets.subarray(start, start + PIECE_OCTETS - this.#filled)
      this.#reserve(this.#filled + part.byteLength)
      this.#buffer.set(part, this.#filled)
      this.#filled += part.byteLength
      start += part.byteLength
    }
  }

  seal(): void {
    if (this.#series !== undefined && this.#filled > 0) this.#stage()
  }

  discard(): void {
    this.#buffer = new Uint8Array(0)
    this.#filled = 0
    const series = this.#series
    this.#series = undefined
    if (series === undefined || this.#isAttached) return
    this.#database.prepare('DELETE FROM piece WHERE series = ?').run(series)
  }

  attach(message: number): void {
    if (this.#series !== undefined) this.#requirePieces(this.#series)
    const octets = this.#series === undefined ? this.#buffer.subarray(0, this.#filled) : null
    statementOf(
      this.#database,
      'INSERT OR REPLACE INTO content (message, octets, series) VALUES (?, ?, ?)',
    ).run(message, octets, this.#series ?? null)
    this.#isAttached = true
  }

  /** Where the locks were removed, another run may have swept what is staged here. */
  #requirePieces(series: number): void {
    const sql = 'SELECT count(*) AS n FROM piece WHERE series = ?'
    if (statementOf(this.#database, sql).get(series)?.n === this.#pieces) return
    throw new ArchiveError(
      'ARCHIVE_IO',
      `${this.#database.path}: another run removed a part of a message while it came in`,
      { hint: 'Was PATH.locks removed during a run? Leave it there, and run it again.' },
    )
  }

  #reserve(octets: number): void {
    if (octets <= this.#buffer.byteLength) return
    // Most messages come at once, and need no room to grow.
    const doubled = Math.max(octets, this.#buffer.byteLength * 2)
    const larger = this.#slabs.take(Math.min(doubled, PIECE_OCTETS))
    larger.set(this.#buffer.subarray(0, this.#filled))
    this.#buffer = larger
  }

  #stage(): void {
    this.#database.transaction(() => {
      this.#series ??= reserveSeries(this.#database)
      statementOf(
        this.#database,
        'INSERT INTO piece (series, position, octets) VALUES (?, ?, ?)',
      ).run(...[this.#series, this.#pieces, this.#buffer.subarray(0, this.#filled)])
    })
    this.#pieces += 1
    this.#filled = 0
  }
}

/**
 * None that has pieces or a message: those must not get the pieces of this one, nor lose their own when this one is discarded.
 * A series whose pieces another run swept (see `#requirePieces`) is not known any more: that it is not given again is chance, one
 * of 2^48.
 */
function reserveSeries(database: Database): number {
  const sql = `SELECT EXISTS (SELECT 1 FROM piece WHERE series = ?)
                   OR EXISTS (SELECT 1 FROM content WHERE series = ?) AS taken`
  for (;;) {
    const series = randomInt(1, SERIES_END)
    if (statementOf(database, sql).get(series, series)?.taken === 0) return series
  }
}

const statements = new WeakMap<Database, Map<string, Statement>>()

/** Prepared once per connection: drafts are made for each message. */
function statementOf(database: Database, sql: string): Statement {
  let prepared = statements.get(database)
  if (prepared === undefined) {
    prepared = new Map()
    statements.set(database, prepared)
  }
  const known = prepared.get(sql)
  if (known !== undefined) return known
  const statement = database.prepare(sql)
  prepared.set(sql, statement)
  return statement
}

function* readContent(
  { find, pieces }: { readonly find: Statement; readonly pieces: Statement },
  message: StoredMessage,
): Iterable<Uint8Array> {
  const row = find.get(message.id)
  if (row === undefined) throw missing(message)
  if (row.octets instanceof Uint8Array) {
    if (row.octets.byteLength > 0) yield row.octets
    return
  }
  let left = message.octets
  for (let position = 0; left > 0; position += 1) {
    // One piece at a time, so that the connection is free between them and memory does not grow.
    const piece = pieces.get(Number(row.series), position)?.octets
    if (!(piece instanceof Uint8Array) || piece.byteLength === 0) throw missing(message)
    left -= piece.byteLength
    yield piece
    dropped(piece.byteLength)
  }
}

function missing(message: StoredMessage): ArchiveError {
  const digest = Buffer.from(message.digest).toString('hex')
  return new ArchiveError(
    'ARCHIVE_CONTENT_MISSING',
    `the archive has no octets of message ${digest}`,
  )
}

/** Series that no content row names. `hint`: how to read both tables; `held`: which rows of content have one. */
const stagedSql = (hint: '' | 'NOT INDEXED', held: string) =>
  `SELECT DISTINCT series FROM piece ${hint} WHERE series NOT IN
     (SELECT series FROM content ${hint} WHERE ${held}) ORDER BY series`

/**
 * Removes series that a crash left. Indexes say quickly that there are none; they are not believed that there are some, since
 * one flipped bit in an index gives up a message that is whole.
 *
 * Throws ArchiveError ARCHIVE_DAMAGED, and removes nothing, where index and tables disagree.
 */
function sweep(database: Database): void {
  const seriesOf = (sql: string) =>
    database
      .prepare(sql)
      .all()
      .map(({ series }) => Number(series))
  const staged = seriesOf(stagedSql('', 'series IS NOT NULL'))
  if (staged.length === 0) return
  database.transaction(() => {
    // By the type alone, which stands at the head of the row: `series` is read only where no octets lie before it.
    const unnamed = seriesOf(stagedSql('NOT INDEXED', "typeof(octets) = 'null'"))
    if (staged.join() !== unnamed.join()) {
      throw new ArchiveError(
        'ARCHIVE_DAMAGED',
        `${database.path}: an index does not agree with its table on which octets belong to a message`,
        { hint: 'Nothing was changed. Run popkeep repair before the next sync.' },
      )
    }
    // Not by the index either, whose row ids may be those of a message's pieces.
    const remove = database.prepare('DELETE FROM piece NOT INDEXED WHERE series = ?')
    for (const series of staged) remove.run(series)
  })
}
