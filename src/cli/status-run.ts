/** `status`, from the options to the lines. */
import { formatLocation } from '../archive/location.ts'
import type { ArchiveReader } from '../archive/reader.ts'
import type { CommandContext } from './context.ts'
import { archivesOfAccounts, neverSynced, unmadeArchives } from './never-synced.ts'
import type { ArchiveOptions } from './option-values.ts'
import { statusJson, statusText, unmadeJson, unmadeText } from './status-lines.ts'

/** Tells of each archive, then of those of the config that no sync has made yet. */
export async function status(
  readers: readonly ArchiveReader[],
  options: ArchiveOptions & { readonly json?: true },
  context: CommandContext,
): Promise<void> {
  const { output, now } = context
  const archives =
    options.archive === undefined ? archivesOfAccounts(options.config, context) : undefined
  const told = new Set<string>()
  for (const reader of readers) {
    const [location, found] = [reader.location, reader.status()]
    const key = formatLocation(location)
    told.add(key)
    const unsynced = archives && neverSynced(archives.get(key)?.accounts ?? [], found.accounts)
    await output.data(
      options.json
        ? statusJson(location, found, unsynced)
        : statusText(location, found, now(), unsynced),
    )
  }
  if (archives === undefined) return
  for (const { location, accounts } of unmadeArchives(archives, told, context)) {
    const names = accounts.map(({ name }) => name)
    await output.data(options.json ? unmadeJson(location, names) : unmadeText(location, names))
  }
}
