/**
 * Where the octets of messages lie. Two kinds: rows beside the catalog (sqlite), or files in a Maildir.
 *
 * All calls are synchronous: they run in the archive's writer thread, or in a reading command that has nothing else to
 * do. Nothing here knows accounts or receipts.
 */
import type { Syncs } from '../durable/syncs.ts'
import type { Database } from '../sqlite/database.ts'

/** One message on its way in. It is invisible until `ContentStore.publish` and the catalog's commit. */
export interface Draft {
  /**
   * Takes octets as they left the wire. The view is not kept. May commit or write staging of its own. Throws ArchiveError
   * ARCHIVE_FULL, ARCHIVE_DENIED, ARCHIVE_CREATE or ARCHIVE_IO, or what SQLite throws; so does `seal`.
   */
  write(octets: Uint8Array): void
  /**
   * All octets came. Makes them ready to be published: for files, written, fsynced and closed. Where the store has `syncs`, that
   * may still be under way when it returns.
   */
  seal(digest: Uint8Array): void
  /** Not under way any more: publishing it throws why it could not be made ready, if it could not. */
  readonly isReady: boolean
  /** Drops what was staged. Safe to call at any time before publish, and twice. */
  discard(): void
}

export interface ContentStore {
  /** What sealed drafts wait for that are not ready yet; undefined where none ever waits. */
  readonly syncs?: Syncs | undefined
  draft(): Draft
  /**
   * Makes the drafts visible and durable in one step for all of them (Maildir: link each into new/, then one fsync of new/). A
   * no-op where `attach` does it. Called within the catalog's transaction: it holds the write lock, so
   * no other run publishes the same octets meanwhile. It comes before the commit; where that fails, files are there that the
   * catalog does not know.
   *
   * Throws ArchiveError ARCHIVE_FULL, ARCHIVE_DENIED or ARCHIVE_IO: some of the drafts may be visible then, and none counts. None
   * is visible where one of them is not ready, or could not be made so.
   */
  publish(drafts: readonly Draft[]): void
  /**
   * Within the catalog's transaction: ties a published draft to its message row. A no-op where names do it. Throws ArchiveError
   * ARCHIVE_IO where what was staged is not whole any more, or what SQLite throws.
   */
  attach(database: Database, message: number, draft: Draft): void
  /** Whether the octets of this message are there, by name or row only; they are not read. */
  has(message: StoredMessage): boolean
  /**
   * The octets of a message as they left the wire, in chunks of at most 1 MiB. The digest is not checked here.
   * Throws ArchiveError ARCHIVE_CONTENT_MISSING if there are none.
   */
  read(message: StoredMessage): Iterable<Uint8Array>
  /** What is read next comes from the files, and not from what this process still has of them in memory. */
  forget(): void
  /** Removes staging that a crash left. Called only while no other run can be in the archive. */
  sweep(): void
}

/** What a content store needs to find a message. */
export interface StoredMessage {
  readonly id: number
  readonly digest: Uint8Array
  readonly octets: number
}

/** Where nothing hangs on it any more: staging that stays behind is swept by the next run that is alone. */
export function discardQuietly(draft: Draft): void {
  try {
    draft.discard()
  } catch {
    // The first failure is the one to report; after it the disk may refuse this too.
  }
}
