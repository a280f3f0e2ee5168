import { configFault } from '../accounts/errors.ts'
import { type ArchiveLocation, formatLocation, parseLocation } from '../archive/location.ts'
import { configLoader } from './configuration.ts'
import type { CommandContext } from './context.ts'
import { accountsOf } from './server-choice.ts'

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
