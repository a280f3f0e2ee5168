import { UsageError } from '../accounts/errors.ts'
import { type ArchiveLocation, parseLocation } from '../archive/location.ts'
import { type ArchiveReader, openReader } from '../archive/reader.ts'
import { ArchiveError } from '../durable/errors.ts'
import { repeatable } from './argument.ts'
import { configuredArchives } from './configured-archives.ts'
import type { CommandContext } from './context.ts'
import { describeFailure } from './failure.ts'
import type { ArchiveOptions } from './option-values.ts'
import { archiveRecord, formerArchives, vanishedArchive } from './recorded-archive.ts'

/**
 * Runs `work` with the archives that the options name: that of --archive, else every one of the config. Configured
 * archives that no sync has made yet are left out, unless none is there. One that is gone is named, and ends the command with
 * 73 in the end. Closes them.
 */
export async function withReaders(
  options: ArchiveOptions,
  context: CommandContext,
  work: (readers: readonly ArchiveReader[]) => Promise<void>,
): Promise<void> {
  const readers: ArchiveReader[] = []
  try {
    if (options.archive !== undefined) {
      readers.push(openKnown(parseLocation(options.archive), context))
      await work(readers)
      return
    }
    const isComplete = openAll(configuredArchives(options.config, context), readers, context)
    if (readers.length > 0) await work(readers)
    if (!isComplete) context.end(73)
  } finally {
    for (const reader of readers) reader.close()
  }
}

/** Opens an archive for reading. Throws as `openReader`, but ARCHIVE_VANISHED of one that is gone. */
export function openKnown(location: ArchiveLocation, context: CommandContext): ArchiveReader {
  try {
    return openReader(location)
  } catch (error) {
    throw vanishedOr(error, location, context)
  }
}

/** ARCHIVE_VANISHED for an ARCHIVE_NOT_FOUND where an archive was before; any other error as it is. */
export function vanishedOr(
  error: unknown,
  location: ArchiveLocation,
  { env }: CommandContext,
): unknown {
  if (!hasCode(error, 'ARCHIVE_NOT_FOUND')) return error
  return vanishedArchive(location, formerArchives(archiveRecord(env))) ?? error
}

export function hasCode(error: unknown, code: ArchiveError['code']): boolean {
  return error instanceof ArchiveError && error.code === code
}

/** Throws UsageError if none of the archives has an account of this name. */
export function requireAccount(readers: readonly ArchiveReader[], name: string | undefined): void {
  if (name === undefined) return
  const known = [...new Set(readers.flatMap((reader) => reader.accountNames()))].sort()
  if (known.includes(name)) return
  const there = known.length === 0 ? 'there is none yet' : `there are ${known.join(', ')}`
  throw new UsageError(`no account in the archive is called ${repeatable(name)}; ${there}`)
}

/** Returns false where one is gone; it is named then. Throws if there is none, and none was. */
function openAll(
  locations: readonly ArchiveLocation[],
  readers: ArchiveReader[],
  context: CommandContext,
): boolean {
  let missing: unknown
  let isComplete = true
  for (const location of locations) {
    try {
      readers.push(openKnown(location, context))
    } catch (error) {
      if (hasCode(error, 'ARCHIVE_VANISHED')) {
        isComplete = false
        context.output.problem(describeFailure(error).sentence)
      } else if (hasCode(error, 'ARCHIVE_NOT_FOUND')) missing ??= error
      else throw error
    }
  }
  if (readers.length === 0 && isComplete && missing !== undefined) throw missing
  return isComplete
}
