/**
 * Export to an archive: every message with its receipts, accounts and runs, so that a sync into the copy retrieves
 * nothing. What the copy has already is left out, so an interrupted export goes on, and a later one brings it up to date.
 */
import { ArchiveError, LockedError } from '../durable/errors.ts'
import type { Statement } from '../sqlite/database.ts'
import type { Draft } from './content.ts'
import {
  damage,
  type ExportedMessage,
  type ExportFinding,
  type ExportOptions,
  finding,
  messagesToExport,
  writeDraft,
} from './export-messages.ts'
import { ReceiptCopy } from './export-receipts.ts'
import { GROUP_MESSAGES, GROUP_OCTETS } from './limits.ts'
import { type ArchiveLocation, formatLocation } from './location.ts'
import type { NameSources } from './maildir-name.ts'
import { reconcileMaildir, recordTimes } from './maildir-reconcile.ts'
import { isHeld, MessageTable } from './messages.ts'
import { openForWriting, type WritableArchive } from './open.ts'
import type { ArchiveReader } from './reader.ts'
import { readProven } from './reader-proof.ts'

const COPIED_COLUMNS = [
  ...['digest', 'octets', 'canonical', 'fingerprint', 'date', 'sender', 'recipients', 'subject'],
  ...['message_id', 'archived_at', 'verified_at', 'short', 'removed'],
]

/** A message that waits for its group. `draft` where the copy does not have the octets. */
interface Staged {
  readonly message: ExportedMessage
  readonly draft: Draft | undefined
}

/**
 * Copies an archive. The destination is created if nothing is there, and is locked exclusively. Findings are heard after
 * the commit that they speak of.
 *
 * Throws what `openForWriting` throws, LockedError if another run is in the destination, ARCHIVE_CREATE if it is the source
 * itself or has another maildrop under an account's name, ARCHIVE_FULL or ARCHIVE_IO. What was committed stays.
 */
export function* exportArchive(
  reader: ArchiveReader,
  location: ArchiveLocation,
  options: ExportOptions & { readonly names: NameSources },
): Iterable<ExportFinding> {
  if (location.path === reader.location.path) {
    throw new ArchiveError('ARCHIVE_CREATE', `${formatLocation(location)} is the archive itself`)
  }
  const archive = openForWriting(location, options.names)
  try {
    if (!archive.isAlone) {
      throw new LockedError(`${formatLocation(location)}: another run is in the archive`)
    }
    yield* copyInto(archive, reader, options)
  } finally {
    archive.close()
  }
}

function* copyInto(
  archive: WritableArchive,
  reader: ArchiveReader,
  options: ExportOptions & { readonly names: NameSources },
): Iterable<ExportFinding> {
  const copy = new Copy(reader, archive, options.account)
  try {
    copy.begin(options.names)
    for (const message of messagesToExport(reader, options.account)) {
      const found = copy.stage(message)
      if (found !== undefined) yield found
      if (copy.isFull) yield* copy.commit()
    }
    yield* copy.commit()
    copy.end()
  } finally {
    copy.discard()
  }
}

class Copy {
  readonly #reader: ArchiveReader
  readonly #archive: WritableArchive
  readonly #messages: MessageTable
  readonly #receipts: ReceiptCopy
  readonly #row: Statement
  readonly #insert: Statement
  #group: Staged[] = []
  #octets = 0
  #isMarked = false

  constructor(reader: ArchiveReader, archive: WritableArchive, account: string | undefined) {
    this.#reader = reader
    this.#archive = archive
    this.#messages = new MessageTable(archive.database)
    this.#receipts = new ReceiptCopy(reader.database, archive.database, account)
    this.#row = reader.database.prepare('SELECT * FROM message WHERE id = ?')
    this.#insert = archive.database.prepare(
      `INSERT INTO message (${COPIED_COLUMNS.join(', ')})
       VALUES (${COPIED_COLUMNS.map(() => '?').join(', ')})`,
    )
  }

  get isFull(): boolean {
    return this.#group.length >= GROUP_MESSAGES || this.#octets >= GROUP_OCTETS
  }

  begin(names: NameSources): void {
    const { database, maildir } = this.#archive
    const beforeAdoption = () => this.#archive.enterWal()
    const now = () => names.now()
    if (maildir) reconcileMaildir(database, maildir, { isAlone: true, now, beforeAdoption })
    database.transaction(() => this.#receipts.copyAccounts())
  }

  /** Reads and proves a message. Returns a finding if it does not go into the group. */
  stage(message: ExportedMessage): ExportFinding | undefined {
    const known = this.#messages.find(message.digest)
    const { content } = this.#archive
    let draft: Draft | undefined
    if (!message.isRemoved && !(known && isHeld(known) && content.has(known))) {
      const proven = readProven(this.#reader.content, message)
      if (proven.type !== 'ok') return damage(message, proven)
      this.#archive.enterWal()
      draft = writeDraft(content, message, proven.chunks)
      this.#octets += message.octets
    }
    this.#group.push({ message, draft })
    return undefined
  }

  *commit(): Iterable<ExportFinding> {
    const drafts = this.#group.flatMap(({ draft }) => draft ?? [])
    if (drafts.length > 0) this.#markFolders()
    this.#archive.content.publish(drafts)
    this.#archive.database.transaction(() => {
      for (const staged of this.#group) this.#record(staged)
    })
    const done = this.#group
    this.#group = []
    this.#octets = 0
    for (const { message, draft } of done) {
      yield finding(message.isRemoved ? 'removed' : draft ? 'written' : 'present', message)
    }
  }

  /** Receipts without a message, and the clean end. */
  end(): void {
    const { database, maildir } = this.#archive
    let last: number | undefined = 0
    while (last !== undefined) {
      const from: number = last
      last = database.transaction(() => this.#receipts.copyQuarantined(from))
    }
    if (maildir && this.#isMarked) recordTimes(database, maildir.times.settled() ?? null)
  }

  discard(): void {
    for (const { draft } of this.#group) draft?.discard()
    this.#group = []
  }

  /** Before the first link, in a commit of its own: the next run lists the folders, should this one die. */
  #markFolders(): void {
    if (!this.#isMarked && this.#archive.maildir) recordTimes(this.#archive.database, null)
    this.#isMarked = true
  }

  /** Copies the row of a message that the target does not have; returns its id there. */
  #copyMessage(message: number): number {
    const row = this.#row.get(message)
    if (row === undefined) {
      throw new ArchiveError('ARCHIVE_DAMAGED', `row ${message} of the messages is gone`)
    }
    return this.#insert.run(...COPIED_COLUMNS.map((column) => row[column] ?? null)).lastRowId
  }

  /** Within the transaction. */
  #record({ message, draft }: Staged): void {
    const { database, content } = this.#archive
    const known = this.#messages.find(message.digest)
    const id = known?.id ?? this.#copyMessage(message.id)
    if (draft) {
      if (known && !isHeld(known)) this.#messages.restore(id)
      content.attach(database, id, draft)
    }
    const isRemoved = draft === undefined && (known?.isRemoved ?? message.isRemoved)
    this.#receipts.copyReceipts(message.id, { id, isRemoved })
  }
}
