/**
 * Reads messages of an archive back and compares them with their digests, and asks SQLite whether its file is sound. Never
 * writes. One damaged message does not stop the rest.
 */
import { ArchiveError, asArchiveError } from '../durable/errors.ts'
import type { Row, Statement } from '../sqlite/database.ts'
import { wrongRows } from './catalog-checks.ts'
import { alteredSchema } from './catalog-schema.ts'
import { isSuspicious } from './maildir-reconcile.ts'
import { type ArchiveReader, storedMessageOf } from './reader.ts'
import { proveMessage } from './reader-proof.ts'
import { type Walked, walkRows } from './row-walk.ts'
import { checkUnknownFiles, type FileFinding } from './verify-files.ts'
import { type Chosen, chooseOldest, chooseSample } from './verify-selection.ts'

/**
 * What verify found. All but `ok`, `removed` and `adoptable` mean that the archive is damaged:
 * - `altered`: octets are there, but not those of the digest; `octets` says how many;
 * - `missing`: the octets are gone, and no owner's act explains it, or they are wanted back;
 * - `removed`: its owner removed the file, or gave the octets up;
 * - `damaged`: the system or SQLite cannot read the message or, without `id`, a part of the database;
 * - `adoptable`: a file of a Maildir is right, and not in the catalog yet.
 */
export type Finding = MessageFinding | FileFinding

/** Of a message that the catalog has. */
export type MessageFinding =
  | { readonly kind: 'ok' | 'removed'; readonly id: string; readonly octets: number }
  | LostFinding
  | DamagedFinding

interface LostFinding {
  readonly kind: 'altered' | 'missing'
  readonly id: string
  readonly octets: number
  /** A repair marked it: the next sync retrieves it where a server still lists it. */
  readonly wanted?: true
}

interface DamagedFinding {
  readonly kind: 'damaged'
  readonly id: string | undefined
  readonly text: string
}

const SOUND: readonly Finding['kind'][] = ['ok', 'removed', 'adoptable']

/** Whether this finding makes `verify` leave with 65. */
export function isDamage(finding: Finding): boolean {
  return !SOUND.includes(finding.kind)
}

/** Of what SQLite finds wrong, so many lines are reported. */
const SQLITE_FINDINGS = 100

/** What `--sample` and `--budget` have SQLite check: all but the content, which they do not mean to read. */
const CATALOG_TABLES = ['archive', 'account', 'run', 'message', 'receipt']

const COLUMNS = 'id, digest, lower(hex(digest)) AS hex, octets, removed, wanted'

/**
 * The whole archive; of a Maildir also the files that its catalog does not know. Lazily: each message is read when its finding
 * is asked for.
 */
export function* verifyArchive(reader: ArchiveReader): Iterable<Finding> {
  let isSound = true
  const withContent = reader.location.kind === 'sqlite'
  const checks = ['integrity_check', 'foreign_key_check']
  for (const finding of checkDatabase(reader, { checks, withContent })) {
    isSound = false
    yield finding
  }
  const checker = new MessageChecker(reader)
  const seen = isSound ? undefined : new Set<number>()
  for (const walked of eachMessage(reader)) {
    if (walked.type === 'gap') {
      yield gapFinding(walked)
      continue
    }
    seen?.add(Number(walked.row.id))
    yield checker.check(walked.row)
  }
  if (seen) yield* checkUnseen(reader, seen)
  if (reader.location.kind === 'maildir') yield* checkFiles(reader)
}

function* checkFiles(reader: ArchiveReader): Iterable<Finding> {
  try {
    yield* checkUnknownFiles(reader)
  } catch (error) {
    yield damaged(textOf(error))
  }
}

/** A part of an archive, and how much of it that was. */
export interface PartialVerification {
  /** Messages whose octets should be here. */
  readonly of: number
  readonly findings: Iterable<Finding>
}

/** A random share of all messages (0.05: a twentieth). */
export function verifySample(
  reader: ArchiveReader,
  share: number,
  random?: () => number,
): PartialVerification {
  const chosen = chosenOrDamage(() => chooseSample(reader, share, random))
  return { of: chosen.of, findings: verifyChosen(reader, chosen, () => true) }
}

/**
 * Messages from the longest unverified on, until `isOver` says so; one at least. `verified` hears the digest of each that
 * is right.
 */
export function verifyOldest(
  reader: ArchiveReader,
  isOver: () => boolean,
  verified: (digest: Uint8Array) => void,
): PartialVerification {
  const chosen = chosenOrDamage(() => chooseOldest(reader))
  let isFirst = true
  const goOn = () => {
    const isAllowed = isFirst || !isOver()
    isFirst = false
    return isAllowed
  }
  return { of: chosen.of, findings: verifyChosen(reader, chosen, goOn, verified) }
}

/** A catalog that cannot even be counted is a finding, not the end. */
function chosenOrDamage(choose: () => Chosen): Chosen & { readonly failure?: DamagedFinding } {
  try {
    return choose()
  } catch (error) {
    const failure = damaged(textOf(error))
    return { ids: new Float64Array(), of: 0, gaps: [], failure }
  }
}

function* verifyChosen(
  reader: ArchiveReader,
  { ids, gaps, failure }: ReturnType<typeof chosenOrDamage>,
  goOn: () => boolean,
  verified: (digest: Uint8Array) => void = () => {},
): Iterable<Finding> {
  const checks = CATALOG_TABLES.map((table) => `integrity_check(${table})`)
  yield* checkDatabase(reader, { checks, withContent: false })
  for (const gap of gaps) yield gapFinding(gap)
  if (failure) {
    yield failure
    return
  }
  const checker = new MessageChecker(reader)
  for (const id of ids) {
    if (!goOn()) return
    const found = checker.checkId(id)
    // Gone since it was chosen.
    if (found === undefined) continue
    const { finding, digest } = found
    if (finding.kind === 'ok' && digest instanceof Uint8Array) verified(digest)
    yield finding
  }
}

/** What SQLite checks its pages against, its own checks, each a pragma (structure, indexes, types), and those of the schema. */
function* checkDatabase(
  reader: ArchiveReader,
  { checks, withContent }: { readonly checks: readonly string[]; readonly withContent: boolean },
): Iterable<DamagedFinding> {
  try {
    for (const name of alteredSchema(reader.database, reader.location.kind)) {
      yield damaged(`how the file describes ${name} is not as popkeep wrote it`)
    }
  } catch (error) {
    yield damaged(textOf(error))
  }
  for (const check of checks) {
    try {
      const name = check === 'integrity_check' ? `${check}(${SQLITE_FINDINGS})` : check
      for (const row of reader.database.prepare(`PRAGMA ${name}`).all()) {
        const text =
          check === 'foreign_key_check'
            ? `row ${row.rowid} of ${row.table} names a row of ${row.parent} that is not there`
            : String(Object.values(row)[0])
        if (text !== 'ok') yield damaged(text)
      }
    } catch (error) {
      yield damaged(textOf(error))
    }
  }
  try {
    for (const text of wrongRows(reader.database, { withContent })) yield damaged(text)
  } catch (error) {
    yield damaged(textOf(error))
  }
}

/** Compares messages with their digests, one row of the catalog at a time. */
export class MessageChecker {
  readonly #reader: ArchiveReader
  readonly #byId: Statement
  #toleratesGone: boolean | undefined

  constructor(reader: ArchiveReader) {
    this.#reader = reader
    this.#byId = reader.database.prepare(`SELECT ${COLUMNS} FROM message WHERE id = ?`)
  }

  /** Undefined if the catalog has no such row. */
  checkId(
    id: number,
  ): { readonly finding: MessageFinding; readonly digest: Row[string] } | undefined {
    try {
      const row = this.#byId.get(id)
      return row && { finding: this.check(row), digest: row.digest ?? null }
    } catch (error) {
      return {
        finding: damaged(`message row ${id} cannot be read: ${textOf(error)}`),
        digest: null,
      }
    }
  }

  check(row: Row): MessageFinding {
    const id = String(row.hex)
    const octets = Number(row.octets)
    const marked = row.wanted === 1 ? { wanted: true as const } : {}
    try {
      const proof = proveMessage(this.#reader.content, storedMessageOf(row))
      switch (proof.type) {
        case 'ok':
          return { kind: 'ok', id, octets }
        case 'altered':
          return row.removed === 1 && row.wanted !== 1
            ? { kind: 'removed', id, octets }
            : { kind: 'altered', id, octets: proof.octets, ...marked }
        case 'missing':
          return this.#isOwnersAct(row)
            ? { kind: 'removed', id, octets }
            : { kind: 'missing', id, octets, ...marked }
        case 'unreadable':
          return { kind: 'damaged', id, text: proof.error.message }
      }
    } catch (error) {
      return { kind: 'damaged', id, text: textOf(error) }
    }
  }

  #isOwnersAct(row: Row): boolean {
    if (row.wanted === 1) return false
    if (row.removed === 1) return true
    if (this.#reader.location.kind === 'sqlite') return false
    this.#toleratesGone ??= !hasLostMany(this.#reader)
    return this.#toleratesGone
  }
}

/** Whether so many files are gone since the last run that it was no owner's act. */
function hasLostMany(reader: ArchiveReader): boolean {
  let present = 0
  let gone = 0
  for (const walked of eachMessage(reader)) {
    if (walked.type === 'gap' || walked.row.removed === 1 || walked.row.wanted === 1) continue
    present += 1
    if (!reader.content.has(storedMessageOf(walked.row))) gone += 1
  }
  return isSuspicious(gone, present)
}

/** The rows of all messages by id; where the table cannot be read, a gap, and the rows behind the damage. */
function* eachMessage(reader: ArchiveReader): Iterable<Walked> {
  let page: Statement
  try {
    page = reader.database.prepare(
      `SELECT ${COLUMNS} FROM message WHERE id > ? ORDER BY id LIMIT ?`,
    )
  } catch (error) {
    yield { type: 'gap', after: 0, error }
    return
  }
  yield* walkRows(page)
}

/**
 * Messages that a damaged table did not show: the index of digests still names them. What it says is only said, since a
 * digest alone does not find octets.
 */
function* checkUnseen(reader: ArchiveReader, seen: ReadonlySet<number>): Iterable<Finding> {
  try {
    const page = reader.database.prepare(
      `SELECT id, lower(hex(digest)) AS hex, digest FROM message INDEXED BY sqlite_autoindex_message_1
       WHERE digest > ? ORDER BY digest LIMIT ?`,
    )
    let last: Uint8Array = new Uint8Array()
    for (;;) {
      const rows = page.all(last, 1000)
      for (const { id, hex } of rows) {
        if (seen.has(Number(id))) continue
        yield { kind: 'damaged', id: String(hex), text: 'its row in the catalog cannot be read' }
      }
      const digest = rows.at(-1)?.digest
      if (!(digest instanceof Uint8Array) || Buffer.compare(digest, last) <= 0) return
      last = digest
    }
  } catch (error) {
    yield damaged(textOf(error))
  }
}

function gapFinding({ after, error }: Extract<Walked, { type: 'gap' }>): DamagedFinding {
  return damaged(`messages after row ${after} cannot be read: ${textOf(error)}`)
}

function damaged(text: string): DamagedFinding {
  return { kind: 'damaged', id: undefined, text }
}

function textOf(error: unknown): string {
  if (error instanceof RangeError) return error.message
  const known = asArchiveError(error, 'the database', 'read')
  if (known instanceof ArchiveError) return known.message
  throw error
}
