/**
 * Puts an archive right as far as its own octets allow: the catalog is made to agree with the content. What was lost is
 * marked, so that the next sync retrieves it where a server still lists it. Octets are never thrown away.
 */
import { statSync } from 'node:fs'
import { ArchiveError, asArchiveError, LockedError } from '../durable/errors.ts'
import { archiveLock } from '../durable/lock.ts'
import { settleToOneFile } from '../sqlite/pragmas.ts'
import { type ArchiveLocation, catalogPath, formatLocation } from './location.ts'
import { createMaildir, openMaildirContent } from './maildir-content.ts'
import type { NameSources } from './maildir-name.ts'
import { systemSources } from './open.ts'
import { openCatalogToRepair } from './repair-catalog.ts'
import type { MissingChoice, RepairFinding } from './repair-findings.ts'
import { repairMaildir } from './repair-maildir.ts'
import { repairSqlite } from './repair-sqlite.ts'

export interface RepairOptions {
  readonly missing: MissingChoice
  readonly sources?: NameSources
}

/**
 * Lazily: the work is done as findings are asked for, and the archive is locked from the first on. Killed in between, it is
 * at least as good as before; run again, the rest is done.
 *
 * Throws LockedError if a run is in the archive, ARCHIVE_NOT_FOUND, and what `openCatalogToRepair` throws.
 */
export function* repairArchive(
  location: ArchiveLocation,
  { missing, sources = systemSources }: RepairOptions,
): Iterable<RepairFinding> {
  requireArchive(location)
  const lock = archiveLock(location.path)
  try {
    if (!lock.tryExclusive()) {
      throw new LockedError(`${formatLocation(location)}: another run is in the archive`)
    }
    const now = () => sources.now()
    if (location.kind === 'maildir') createMaildir(location.path)
    const { kind, path } = location
    const maildir = kind === 'maildir' ? openMaildirContent(path, { names: sources }) : undefined
    const database = yield* openCatalogToRepair({
      path: catalogPath(location),
      kind,
      hasFile: (digest) => maildir?.files.locate(digest) !== undefined,
      now,
    })
    try {
      if (maildir) yield* repairMaildir({ database, maildir, missing, now })
      else yield* repairSqlite(database, missing)
      settleToOneFile(database)
    } finally {
      database.close()
    }
  } catch (error) {
    throw asArchiveError(error, location.path, 'write')
  } finally {
    lock.close()
  }
}

/** Before the lock's folder is made beside nothing, or beside something that is none of ours. */
function requireArchive(location: ArchiveLocation): void {
  const { kind, path } = location
  const found = statSync(path, { throwIfNoEntry: false })
  const isOurs =
    kind === 'maildir'
      ? found?.isDirectory() === true && isMaildir(location)
      : found?.isFile() === true
  if (!isOurs) {
    throw new ArchiveError(
      'ARCHIVE_NOT_FOUND',
      `there is no archive at ${formatLocation(location)}`,
    )
  }
}

/** One of the two is enough: the catalog may be lost, or the folders. */
function isMaildir({ path }: ArchiveLocation): boolean {
  return ['popkeep.sqlite', 'new', 'cur'].some(
    (name) => statSync(`${path}/${name}`, { throwIfNoEntry: false }) !== undefined,
  )
}
