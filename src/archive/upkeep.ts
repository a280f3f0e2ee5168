/** What an archive of each kind needs at the opening, before a publication and at the clean end of a run. */
import type { Database } from '../sqlite/database.ts'
import { markClean, markDirty, reconcileMaildir } from './maildir-reconcile.ts'
import type { WritableArchive } from './open.ts'

export interface Upkeep {
  /** Maildir: files that vanished since the last run; if `isDamaged`, too many to be their owner's act. */
  readonly vanished: number
  readonly isDamaged: boolean
  /** Maildir: files that the catalog does not know and cannot adopt, since they are altered or cannot be read. */
  readonly unfit: number
  /** Before content becomes visible that the catalog does not know yet, for the runs that it belongs to. */
  beforePublish(runs: Iterable<number>): void
  /** Within the transaction that ends a run whose messages are all committed. */
  atCleanEnd(run: number): void
}

/**
 * Puts the archive in order before its first account: a Maildir's catalog learns what its owner, or a crash, changed.
 * Then other runs may come in.
 */
export function beginUpkeep(archive: WritableArchive, now: () => number): Upkeep {
  const { maildir, database, isAlone } = archive
  const beforeAdoption = () => archive.enterWal()
  const found = maildir && reconcileMaildir(database, maildir, { isAlone, now, beforeAdoption })
  archive.share()
  const dirty = new Set<number>()
  return {
    vanished: found?.vanished ?? 0,
    isDamaged: found?.isDamaged ?? false,
    unfit: found?.unfit ?? 0,
    beforePublish: (runs) => {
      if (maildir) markRunsDirty(database, dirty, runs)
    },
    atCleanEnd: (run) => {
      if (maildir) markClean(database, run, maildir)
    },
  }
}

function markRunsDirty(database: Database, dirty: Set<number>, runs: Iterable<number>): void {
  const fresh = [...new Set(runs)].filter((run) => !dirty.has(run))
  if (fresh.length === 0) return
  database.transaction(() => {
    for (const run of fresh) markDirty(database, run)
  })
  for (const run of fresh) dirty.add(run)
}
