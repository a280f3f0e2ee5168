/**
 * Remembers what `verify --budget` found right, so that the next one goes on elsewhere. Every other verification changes
 * nothing at all, and creates no folder of locks beside a backup.
 */
import type { ArchiveLocation } from './location.ts'
import { openForWriting, systemSources } from './open.ts'

/** Updates in one commit: other runs wait for it. */
const GROUP_UPDATES = 10_000

/**
 * Writes `verified_at` of these messages, and nothing else. Takes part in the archive as a sync does, for as long as the
 * commits take: its lock is shared, so this waits for nobody but a repair.
 *
 * Throws what `openForWriting` throws: ARCHIVE_LOCKED while a repair is at work, ARCHIVE_CREATE or ARCHIVE_DENIED on
 * read-only media. Nothing is lost by it but the order of the next verification.
 */
export function rememberVerified(
  location: ArchiveLocation,
  digests: readonly Uint8Array[],
  now: () => number = systemSources.now,
): void {
  if (digests.length === 0) return
  const archive = openForWriting(location)
  try {
    archive.share()
    const { database } = archive
    const at = new Date(now()).toISOString()
    // By digest: a repair may have numbered the rows anew since they were read.
    const update = database.prepare('UPDATE message SET verified_at = ? WHERE digest = ?')
    for (let start = 0; start < digests.length; start += GROUP_UPDATES) {
      const group = digests.slice(start, start + GROUP_UPDATES)
      database.transaction(() => {
        for (const digest of group) update.run(at, digest)
      })
    }
  } finally {
    archive.close()
  }
}
