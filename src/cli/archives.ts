import { configFault, UsageError } from '../accounts/errors.ts'
import { type ArchiveLocation, formatLocation, parseLocation } from '../archive/location.ts'
import { type ArchiveReader, openReader } from '../archive/reader.ts'
import { repeatable } from './argument.ts'
import { configLoader } from './configuration.ts'
import type { CommandContext } from './context.ts'
import type { ArchiveOptions } from './option-values.ts'
import { accountsOf } from './server-choice.ts'

/**
 * Runs `work` with the archives that the options name: that of --archive, else every one of the config. Configured
 * archives that no sync has made yet are left out, unless none is there. Closes them at the end.
 */
export async function withReaders(
  options: ArchiveOptions,
  context: CommandContext,
  work: (readers: readonly ArchiveReader[]) => Promise<void>,
): Promise<void> {
  const readers: ArchiveReader[] = []
  try {
    if (options.archive !== undefined) readers.push(openReader(parseLocation(options.archive)))
    else openAll(configuredArchives(options.config, context), readers)
    await work(readers)
  } finally {
    for (const reader of readers) reader.close()
  }
}

/** Throws UsageError if none of the archives has an account of this name. */
export function requireAccount(readers: readonly ArchiveReader[], name: string | undefined): void {
  if (name === undefined) return
  const known = [...new Set(readers.flatMap((reader) => reader.accountNames()))].sort()
  if (known.includes(name)) return
  const there = known.length === 0 ? 'there is none yet' : `there are ${known.join(', ')}`
  throw new UsageError(`no account in the archive is called ${repeatable(name)}; ${there}`)
}

/** Every archive that the config names, each once. Throws ConfigError if there is none, or no config. */
export function configuredArchives(
  file: string | undefined,
  context: CommandContext,
): readonly ArchiveLocation[] {
  const config = configLoader(file, context)({ mayBeMissing: false })
  const named = [config?.archive, ...(config?.accounts ?? []).map(({ archive }) => archive)]
  const locations = named.filter((text) => text !== undefined).map((text) => parseLocation(text))
  if (locations.length === 0) {
    // Throws if there are none, since an account is what lacks first.
    accountsOf(config)
    const place = config && { file: config.file, line: undefined }
    throw configFault(
      place,
      'no archive is named; write archive = "sqlite:PATH" above the accounts, or give --archive',
    )
  }
  return [...new Map(locations.map((place) => [formatLocation(place), place])).values()]
}

function openAll(locations: readonly ArchiveLocation[], readers: ArchiveReader[]): void {
  let missing: unknown
  for (const location of locations) {
    try {
      readers.push(openReader(location))
    } catch (error) {
      if (!isNotFound(error)) throw error
      missing ??= error
    }
  }
  if (readers.length === 0 && missing !== undefined) throw missing
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ARCHIVE_NOT_FOUND'
}
