/** An archive that is made only where none was before, and that says so when it is made. */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { stateFolder } from '../accounts/state-folder.ts'
import { ArchiveRecord, isArchiveThere, nearestEntry } from '../archive/archive-record.ts'
import { type ArchiveLocation, formatLocation } from '../archive/location.ts'
import { ArchiveError } from '../durable/errors.ts'
import type { AccountIdentity, AccountLedger, Archive } from '../sync/ports/archive.ts'
import type { Progress } from '../sync/ports/events.ts'

/** What a sync knows of the archives that there were. */
export interface ArchivePlaces {
  /** Undefined where there is no home folder to keep it in. */
  readonly record: Pick<ArchiveRecord, 'archives' | 'add'> | undefined
  /** The owner says that an archive may be made where one was, or where folders are missing. */
  readonly mayBeginAnew: boolean
}

/** The record of whoever runs this program. Nothing is read or made yet. */
export function archiveRecord(
  env: Readonly<Record<string, string | undefined>>,
): ArchiveRecord | undefined {
  if (env.XDG_STATE_HOME === undefined && !existsSync(env.HOME ?? homedir())) return undefined
  return new ArchiveRecord(join(stateFolder(env), 'archives'))
}

/**
 * Refuses to take a place for that of a new archive where one was before, or where the folder of its folder is missing too.
 * Throws ArchiveError ARCHIVE_VANISHED or ARCHIVE_CREATE. Returns what to say once it was made; undefined where one is there.
 */
export function requirePlace(
  location: ArchiveLocation,
  { record, mayBeginAnew }: ArchivePlaces,
): { readonly isFirst: boolean } | undefined {
  // Before the look: another run writes down only what it has made.
  const former = formerArchives(record)
  if (isArchiveThere(location)) return undefined
  requireWay(location)
  if (!mayBeginAnew) {
    const vanished = vanishedArchive(location, former)
    if (vanished !== undefined) throw vanished
    const folder = dirname(location.path)
    if (!existsSync(folder) && !existsSync(dirname(folder))) {
      const text = `${formatLocation(location)}: there is no folder ${dirname(folder)}`
      throw new ArchiveError('ARCHIVE_CREATE', text, {
        hint: 'Check the path, and that its disk is mounted; sync --new-archive makes all folders.',
      })
    }
  }
  return { isFirst: former?.size === 0 }
}

/**
 * The error of a place where nothing is now: an archive was there, or a link at the place or above it leads nowhere. Undefined
 * where nothing says so: no sync has made it yet.
 */
export function vanishedArchive(
  location: ArchiveLocation,
  former: ReadonlySet<string> | undefined,
): ArchiveError | undefined {
  const place = formatLocation(location)
  if (former?.has(place)) {
    return new ArchiveError('ARCHIVE_VANISHED', `${place} was there before, and now it is gone`)
  }
  const { path, kind } = nearestEntry(location.path)
  if (kind !== 'link that leads nowhere') return undefined
  if (path === location.path) {
    return new ArchiveError('ARCHIVE_VANISHED', `${place} is a link, and leads nowhere`)
  }
  // Folders can be made behind no such link: --new-archive would not help.
  return new ArchiveError('ARCHIVE_VANISHED', `${place}: ${path} is a link, and leads nowhere`, {
    hint: 'Mount its disk, or mend the link.',
  })
}

/** Throws the ArchiveError of a path that leads through a file, or through a link that leads nowhere. */
function requireWay(location: ArchiveLocation): void {
  const { path, kind } = nearestEntry(location.path)
  if (path === location.path) return
  if (kind === 'file') {
    const text = `${formatLocation(location)}: ${path} is no folder`
    throw new ArchiveError('ARCHIVE_CREATE', text, { hint: 'Check the path.' })
  }
  if (kind === 'folder') return
  const vanished = vanishedArchive(location, undefined)
  if (vanished !== undefined) throw vanished
}

/** Undefined where nobody knows: what cannot be read keeps no mail from coming in. */
export function formerArchives(record: ArchivePlaces['record']): ReadonlySet<string> | undefined {
  try {
    return record?.archives()
  } catch (error) {
    if (error instanceof ArchiveError) return undefined
    throw error
  }
}

/** Opens accounts as `archive` does; before, the place of it is looked at. */
export class RecordedArchive implements Archive {
  readonly #archive: Archive
  readonly #location: ArchiveLocation
  readonly #places: ArchivePlaces
  readonly #progress: Progress
  #isTold = false
  #isWrittenDown = false

  constructor(
    archive: Archive,
    location: ArchiveLocation,
    { places, progress }: { readonly places: ArchivePlaces; readonly progress: Progress },
  ) {
    this.#archive = archive
    this.#location = location
    this.#places = places
    this.#progress = progress
  }

  /** Throws also what `requirePlace` throws. */
  async openAccount(
    identity: AccountIdentity,
    options: Parameters<Archive['openAccount']>[1],
  ): Promise<AccountLedger> {
    const made = requirePlace(this.#location, this.#places)
    const ledger = await this.#archive.openAccount(identity, options)
    if (made !== undefined) this.#tell(identity, made)
    this.#writeDown(identity, made !== undefined)
    return ledger
  }

  isFree(identity: AccountIdentity): boolean {
    return this.#archive.isFree(identity)
  }

  /** The first archive of all is what its owner waits for; any other may be a misspelt one, also of the nightly run. */
  #tell({ name }: AccountIdentity, { isFirst }: { readonly isFirst: boolean }): void {
    if (this.#isTold) return
    this.#isTold = true
    const text = `new archive: ${formatLocation(this.#location)}`
    this.#progress({
      ...{ type: 'notice', account: name, code: 'NEW_ARCHIVE', text },
      isWarning: !isFirst,
    })
  }

  /** That it cannot be remembered keeps no mail from coming in. Where nobody looks on it is said once, by who makes it. */
  #writeDown({ name }: AccountIdentity, isWarning: boolean): void {
    if (this.#isWrittenDown) return
    this.#isWrittenDown = true
    try {
      this.#places.record?.add(this.#location)
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error
      const text = `this archive cannot be remembered, so were it gone, sync would begin anew in silence: ${error.message}`
      this.#progress({ type: 'notice', account: name, code: 'UNRECORDED', text, isWarning })
    }
  }
}
