/**
 * Content as rows beside the catalog. A message waits in memory and is written by the transaction of its message row, one of more
 * than 1 MiB in pieces, whose series its content row names. Of one that is larger than what may be held, pieces are staged: in
 * commits of their own, and nobody sees them until there is a row that names their series.
 */
import { randomInt } from 'node:crypto'
import { ArchiveError } from '../durable/errors.ts'
import type { Database, Statement } from '../sqlite/database.ts'
import type { ContentStore, Draft, StoredMessage } from './content.ts'
import { HELD_PIECES, PIECE_OCTETS } from './limits.ts'
import { dropped } from './short-lived.ts'
import { type Room, Slabs } from './slabs.ts'

/** Not `INSERT OR REPLACE`: before each of these SQLite copies the pages that it is to change. */
const ATTACH = `INSERT INTO content (message, octets, series) VALUES (?, ?, ?) ON CONFLICT (message) DO
   UPDATE SET codec = excluded.codec, octets = excluded.octets, series = excluded.series`

/** The largest that `randomInt` takes. */
const SERIES_END = 2 ** 48 - 1

export function openSqliteContent(database: Database): ContentStore {
  const find = database.prepare('SELECT octets, series FROM content WHERE message = ?')
  const exists = database.prepare('SELECT 1 FROM content WHERE message = ?')
  const pieces = database.prepare('SELECT octets FROM piece WHERE series = ? AND position = ?')
  const staging = { database, slabs: new Slabs(), held: 0 }
  return {
    draft: () => new SqliteDraft(staging),
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

/** What the drafts of an archive share. */
interface Staging {
  readonly database: Database
  readonly slabs: Slabs
  /** Full pieces that drafts under way hold in memory. */
  held: number
}

class SqliteDraft implements Draft {
  readonly isReady = true
  readonly #staging: Staging
  /** What is not staged: full pieces, and one that is being filled. */
  #full: Room[] = []
  #last: Room
  #series: number | undefined
  #staged = 0
  #held = 0
  #isAttached = false

  constructor(staging: Staging) {
    this.#staging = staging
    this.#last = staging.slabs.room()
  }

  write(octets: Uint8Array): void {
    let rest = octets
    while (rest.byteLength > PIECE_OCTETS - this.#last.filled) {
      const room = PIECE_OCTETS - this.#last.filled
      this.#last.write(rest.subarray(0, room))
      rest = rest.subarray(room)
      this.#nextPiece()
    }
    this.#last.write(rest)
  }

  seal(): void {
    this.#letGo()
  }

  discard(): void {
    this.#letGo()
    this.#clear()
    const series = this.#series
    this.#series = undefined
    if (series === undefined || this.#isAttached) return
    const { database } = this.#staging
    database.transaction(() => {
      database.prepare('DELETE FROM piece WHERE series = ?').run(series)
    })
  }

  attach(message: number): void {
    if (this.#series !== undefined) this.#requireStaged(this.#series)
    if (this.#series !== undefined || this.#full.length > 0) this.#insertPieces()
    const octets = this.#series === undefined ? this.#last.octets() : null
    statementOf(this.#staging.database, ATTACH).run(message, octets, this.#series ?? null)
    this.#isAttached = true
    this.#clear()
  }

  /** Where the locks were removed, another run may have swept what is staged here. */
  #requireStaged(series: number): void {
    const { database } = this.#staging
    const sql = 'SELECT count(*) AS n FROM piece WHERE series = ?'
    if (statementOf(database, sql).get(series)?.n === this.#staged) return
    throw new ArchiveError(
      'ARCHIVE_IO',
      `${database.path}: another run removed a part of a message while it came in`,
      { hint: 'Was PATH.locks removed during a run? Leave it there, and run it again.' },
    )
  }

  #nextPiece(): void {
    if (this.#staging.held === HELD_PIECES) {
      this.#stage()
      return
    }
    this.#staging.held += 1
    this.#held += 1
    this.#full.push(this.#last)
    this.#last = this.#staging.slabs.room()
  }

  /** By a commit of their own. */
  #stage(): void {
    this.#staging.database.transaction(() => this.#insertPieces())
    this.#letGo()
    this.#clear()
  }

  /** Within a transaction. */
  #insertPieces(): void {
    const { database } = this.#staging
    this.#series ??= reserveSeries(database)
    const sql = 'INSERT INTO piece (series, position, octets) VALUES (?, ?, ?)'
    const insert = statementOf(database, sql)
    for (const room of [...this.#full, this.#last]) {
      insert.run(this.#series, this.#staged, room.octets())
      this.#staged += 1
    }
  }

  /** Others may hold as much now: what is sealed is bounded by its group. */
  #letGo(): void {
    this.#staging.held -= this.#held
    this.#held = 0
  }

  #clear(): void {
    this.#last.clear()
    if (this.#full.length === 0) return
    for (const room of this.#full) room.clear()
    this.#full = []
  }
}

/**
 * None that has pieces or a message: those must not get the pieces of this one, nor lose their own when this one is discarded.
 * A series whose pieces another run swept (see `#requireStaged`) is not known any more: that it is not given again is chance, one
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
