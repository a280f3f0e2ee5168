/**
 * The repair of a Maildir: every file that names a digest is read, and the catalog is made to agree with the files. A file
 * whose octets are others than its name says loses that name, and nothing else: it stays where mail programs see it.
 */
import { existsSync, opendirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { ArchiveError, asArchiveError } from '../durable/errors.ts'
import { replaceFile } from '../durable/files.ts'
import type { Database, Row } from '../sqlite/database.ts'
import type { MaildirContent } from './maildir-content.ts'
import { readPlainFile } from './maildir-files.ts'
import { findForm } from './maildir-form.ts'
import { MaildirIndex } from './maildir-index.ts'
import { digestInName } from './maildir-name.ts'
import { isSuspicious, recordTimes, secondsInName } from './maildir-reconcile.ts'
import { hexOf, type MissingChoice, type RepairFinding } from './repair-findings.ts'
import { idOf, RepairRows } from './repair-rows.ts'
import { walkRows } from './row-walk.ts'

export interface MaildirRepair {
  readonly database: Database
  readonly maildir: MaildirContent
  readonly missing: MissingChoice
  /** ms since the epoch, for files whose name tells no time. */
  now(): number
}

export function* repairMaildir(repair: MaildirRepair): Iterable<RepairFinding> {
  const { database, maildir } = repair
  const rows = new RepairRows(database)
  /** By digest: what is right, and what cannot be read. */
  const sound = new MaildirIndex()
  const unreadable = new MaildirIndex()
  const altered = new MaildirIndex()
  const alteredPaths: string[] = []
  for (const folder of ['new', 'cur'] as const) {
    for (const name of fileNames(join(maildir.files.root, folder))) {
      const digest = digestInName(name)
      if (digest === undefined) continue
      const path = join(maildir.files.root, folder, name)
      const found = readFile(path, digest)
      if (found === undefined) {
        altered.add(digest, folder, name)
        alteredPaths.push(path)
      } else if ('error' in found) {
        // Its owner moved it while the folder was read.
        if (found.error.code === 'ARCHIVE_CONTENT_MISSING') continue
        unreadable.add(digest, folder, name)
        yield { kind: 'unreadable', id: hexOf(digest), text: found.error.message }
      } else if (!sound.has(digest)) {
        sound.add(digest, folder, name)
        const row = rows.find(digest)
        const at = new Date(secondsInName(path) ?? repair.now()).toISOString()
        yield row ? rows.settle(row, found) : rows.add(found, at)
      }
    }
  }
  rows.flush()
  // Wanted first, renamed after: a file that is gone without a mark would count as its owner's act.
  const lost = yield* settleGone(repair, rows, (digest) => ({
    isThere: sound.has(digest) || unreadable.has(digest),
    isAltered: altered.has(digest),
  }))
  for (const path of alteredPaths) yield { kind: 'kept', path: withoutDigest(path) }
  database.transaction(() => {
    // Not the times: the next run lists the folders once, and finds what moved meanwhile.
    recordTimes(database, null)
    if (!lost.isUndecided) database.exec('UPDATE run SET dirty = 0 WHERE dirty = 1')
  })
}

function* settleGone(
  { database, maildir, missing }: MaildirRepair,
  rows: RepairRows,
  look: (digest: Uint8Array) => { readonly isThere: boolean; readonly isAltered: boolean },
): Generator<RepairFinding, { readonly isUndecided: boolean }> {
  const page = database.prepare('SELECT * FROM message WHERE id > ? ORDER BY id LIMIT ?')
  // What its owner moved during the reading is found by a second listing.
  const index = maildir.files.refresh()
  const vanished: number[] = []
  let present = 0
  for (const walked of walkRows(page)) {
    if (walked.type === 'gap') throw walked.error
    const { row } = walked
    const digest = row.digest as Uint8Array
    const { isThere, isAltered } = look(digest)
    if (row.removed === 0 && row.wanted === 0) present += 1
    if (isThere || (!isAltered && index.has(digest))) continue
    const isKnownLoss = row.removed === 1 || row.wanted === 1
    if (missing === 'retrieve') yield rows.want(row, goneText(isAltered))
    else if (row.removed === 1 && row.wanted !== 1) yield { kind: 'removed', id: idOf(row) }
    else if (missing === 'accept') yield rows.giveUp(row)
    else if (isAltered || isKnownLoss) yield rows.want(row, goneText(isAltered))
    else vanished.push(Number(row.id))
  }
  const isUndecided = isSuspicious(vanished.length, present)
  const byId = database.prepare('SELECT * FROM message WHERE id = ?')
  for (const id of vanished) {
    const row: Row | undefined = byId.get(id)
    if (row === undefined) continue
    yield isUndecided ? { kind: 'undecided', id: idOf(row) } : rows.remove(row)
  }
  rows.flush()
  return { isUndecided }
}

function goneText(isAltered: boolean): string {
  return isAltered ? 'its file was altered' : 'its file is gone'
}

/** The digests of a file that holds what its name says; undefined if it does not. */
function readFile(path: string, digest: Uint8Array) {
  try {
    return findForm(() => readPlainFile(path), digest)
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error
    return { error }
  }
}

/** `D=` becomes `altered=`: by Maildir's rules a field of the name, to popkeep a file that is not its own. */
function withoutDigest(path: string): string {
  const name = basename(path).replace(/,D=(?=[0-9a-f]{64})/, ',altered=')
  const renamed = join(dirname(path), name)
  if (!existsSync(renamed)) replaceFile(path, renamed)
  return renamed
}

function* fileNames(folder: string): Iterable<string> {
  try {
    const entries = opendirSync(folder, { bufferSize: 512 })
    try {
      for (let entry = entries.readSync(); entry; entry = entries.readSync()) {
        if (entry.isFile()) yield entry.name
      }
    } finally {
      entries.closeSync()
    }
  } catch (error) {
    throw asArchiveError(error, folder, 'read')
  }
}
