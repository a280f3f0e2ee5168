/**
 * Brings the catalog of a Maildir up to what lies in new/ and cur/: after a crash, when the owner moved or removed files,
 * and when the catalog itself was lost. Lists the folders only if something says that they changed.
 *
 * A file that is gone is the owner's act: message and receipts become `removed`. If too many are gone at once, somebody
 * restored an old copy or lost a disk: then nothing is marked, and no message may be deleted from a server.
 */
import { ArchiveError } from '../durable/errors.ts'
import { summaryOf } from '../message/summary.ts'
import type { Database } from '../sqlite/database.ts'
import { GROUP_MESSAGES } from './limits.ts'
import type { MaildirContent } from './maildir-content.ts'
import { foldersAt, type MaildirFiles, readPlainFile } from './maildir-files.ts'
import { findForm } from './maildir-form.ts'
import type { MaildirIndex } from './maildir-index.ts'
import { type MessageRecord, MessageTable } from './messages.ts'

export interface Reconciled {
  /** Files of ours that the catalog did not know; they are messages without a receipt now. */
  readonly adopted: number
  /** Files that name a digest which their octets do not have, or that cannot be read: left alone, and named by verify. */
  readonly unfit: number
  /** Messages whose file is gone for the first time. */
  readonly vanished: number
  /** Messages marked removed whose file is there again, or wanted whose right octets are. */
  readonly returned: number
  /** More than a tenth, and more than ten, vanished: none of them was marked. */
  readonly isDamaged: boolean
}

export interface ReconcileOptions {
  /** The archive's lock is held exclusively: dirty marks that are there belong to runs that died. */
  readonly isAlone: boolean
  /** ms since the epoch, for files whose name tells no time. */
  now(): number
  /** Before each group of files that become messages. */
  beforeAdoption(): void
}

const PAGE_MESSAGES = 1000

/** Fewer than these are what a person removes in a day. */
const UNSUSPICIOUS_MESSAGES = 10
const UNSUSPICIOUS_SHARE = 0.1

/** Whether so many files gone since the last run mean a damaged or restored archive, not an owner who tidied up. */
export function isSuspicious(vanished: number, present: number): boolean {
  return vanished > UNSUSPICIOUS_MESSAGES && vanished > present * UNSUSPICIOUS_SHARE
}

/**
 * To be called by each run before its first message. Returns undefined, having read two times and one row, if nothing
 * changed since the last clean end. Adoption commits in groups; marks and the folders' times are one commit at the end.
 */
export function reconcileMaildir(
  database: Database,
  content: MaildirContent,
  options: ReconcileOptions,
): Reconciled | undefined {
  const { files, times } = content
  // Before the listing: what changes during it is seen by the next run.
  const at = foldersAt(files.root)
  if (!isDirty(database) && recordedTimes(database) === at) {
    times.agree(at)
    return undefined
  }
  const index = files.refresh()
  const adoption = adopt(database, files, index, options)
  const { present, gone, returned } = compare(database, files, index)
  // Between listing and comparison another run may have added files, and the owner renamed some: what is not in a
  // second listing either is gone.
  const vanished = gone.length === 0 ? [] : stillGone(database, gone, files.refresh())
  const isDamaged = isSuspicious(vanished.length, present)
  database.transaction(() => {
    markRemoved(database, returned, false)
    if (isDamaged) return
    markRemoved(database, vanished, true)
    recordTimes(database, at)
    if (options.isAlone) database.exec('UPDATE run SET dirty = 0 WHERE dirty = 1')
  })
  times.agree(isDamaged ? undefined : at)
  return { ...adoption, vanished: vanished.length, returned: returned.length, isDamaged }
}

/** Before the first link of a run, in a commit of its own: files may be there that the catalog does not know. */
export function markDirty(database: Database, run: number): void {
  database.prepare('UPDATE run SET dirty = 1 WHERE id = ? AND dirty = 0').run(run)
}

/**
 * At the clean end of a run, once everything linked is committed. To be called within a transaction or without. Where
 * somebody else changed the folders meanwhile, the times stay unknown and the next run lists them.
 */
export function markClean(database: Database, run: number, content: MaildirContent): void {
  database.prepare('UPDATE run SET dirty = 0 WHERE id = ? AND dirty = 1').run(run)
  const at = content.times.settled() ?? null
  if (recordedTimes(database) !== at) recordTimes(database, at)
}

function isDirty(database: Database): boolean {
  return database.prepare('SELECT 1 FROM run WHERE dirty = 1 LIMIT 1').get() !== undefined
}

function recordedTimes(database: Database): string | null {
  const at = database.prepare('SELECT folders_at FROM archive').get()?.folders_at
  return at === undefined || at === null ? null : String(at)
}

/** `null`: unknown, the next run lists the folders. */
export function recordTimes(database: Database, at: string | null): void {
  database.prepare('UPDATE archive SET folders_at = ?').run(at)
}

function adopt(
  database: Database,
  files: MaildirFiles,
  index: MaildirIndex,
  options: ReconcileOptions,
): Pick<Reconciled, 'adopted' | 'unfit'> {
  const messages = new MessageTable(database)
  let group: MessageRecord[] = []
  let adopted = 0
  let unfit = 0
  const commit = () => {
    options.beforeAdoption()
    database.transaction(() => {
      for (const record of group) if (messages.insert(record) !== undefined) adopted += 1
    })
    group = []
  }
  for (const digest of index.digests()) {
    if (messages.find(digest) !== undefined) continue
    const record = readRecord(files, digest, options.now)
    if (record === undefined) unfit += 1
    else group.push(record)
    if (group.length === GROUP_MESSAGES) commit()
  }
  if (group.length > 0) commit()
  return { adopted, unfit }
}

/** What the catalog says of the message in a file. Undefined if the file does not hold what its name says. */
function readRecord(
  files: MaildirFiles,
  digest: Uint8Array,
  now: () => number,
): MessageRecord | undefined {
  const path = files.locate(digest)
  if (path === undefined) return undefined
  try {
    const found = findForm(() => readPlainFile(path), digest)
    if (found === undefined) return undefined
    const archivedAt = new Date(secondsInName(path) ?? now()).toISOString()
    return { ...summaryOf(found), archivedAt }
  } catch (error) {
    // One file that cannot be read must not keep the others from being adopted; verify names it.
    if (error instanceof ArchiveError) return undefined
    throw error
  }
}

/** When the file was made, in ms: the first part of its name. */
export function secondsInName(path: string): number | undefined {
  const seconds = /[/\\](\d{1,11})\.[^/\\]*$/.exec(path)?.[1]
  return seconds === undefined ? undefined : Number(seconds) * 1000
}

interface Comparison {
  /** Messages that the catalog has and does not say to be removed. */
  readonly present: number
  readonly gone: readonly number[]
  readonly returned: readonly number[]
}

function compare(database: Database, files: MaildirFiles, index: MaildirIndex): Comparison {
  const page = database.prepare(
    'SELECT id, digest, removed, wanted FROM message WHERE id > ? ORDER BY id LIMIT ?',
  )
  const gone: number[] = []
  const returned: number[] = []
  let present = 0
  let last = 0
  for (;;) {
    const rows = page.all(last, PAGE_MESSAGES)
    for (const { id, digest, removed, wanted } of rows) {
      last = Number(id)
      const isThere = digest instanceof Uint8Array && index.has(digest)
      if (wanted === 1) {
        // Nobody's act, so neither present nor gone; a backup that was put back is read before it is believed.
        if (isThere && readRecord(files, digest, Date.now) !== undefined) returned.push(last)
        continue
      }
      if (removed === 0) present += 1
      if (removed === 0 && !isThere) gone.push(last)
      if (removed === 1 && isThere) returned.push(last)
    }
    if (rows.length < PAGE_MESSAGES) return { present, gone, returned }
  }
}

function stillGone(database: Database, gone: readonly number[], index: MaildirIndex): number[] {
  const digestOf = database.prepare('SELECT digest FROM message WHERE id = ?')
  return gone.filter((id) => {
    const digest = digestOf.get(id)?.digest
    return digest instanceof Uint8Array && !index.has(digest)
  })
}

/** Within a transaction. Receipts of messages deleted from the server stay `deleted`: the owner's act here changes nothing there. */
export function markRemoved(
  database: Database,
  messages: readonly number[],
  isRemoved: boolean,
): void {
  const message = database.prepare('UPDATE message SET removed = ?, wanted = 0 WHERE id = ?')
  const receipt = database.prepare('UPDATE receipt SET state = ? WHERE message = ? AND state = ?')
  const [from, to] = isRemoved ? ['stored', 'removed'] : ['removed', 'stored']
  for (const id of messages) {
    message.run(isRemoved ? 1 : 0, id)
    receipt.run(to ?? null, id, from ?? null)
  }
}
