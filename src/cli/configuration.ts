import { homedir } from 'node:os'
import { type Config, type ConfigPlace, loadConfig } from '../accounts/config.ts'
import { ConfigError } from '../accounts/errors.ts'
import { parseLocation } from '../archive/location.ts'
import { ArchiveError } from '../durable/errors.ts'
import type { CommandContext } from './context.ts'

/** Reads the config when it is needed. `mayBeMissing`: undefined where no file is at the default place. */
export type ConfigLoader = (options: { readonly mayBeMissing: boolean }) => Config | undefined

/** The config of --config, or that of the default place. What loadConfig throws is thrown when it is asked for. */
export function configLoader(file: string | undefined, context: CommandContext): ConfigLoader {
  return ({ mayBeMissing }) => {
    try {
      return loadConfig(configPlace(context), file)
    } catch (error) {
      const isMissing = error instanceof ConfigError && error.code === 'CONFIG_NOT_FOUND'
      if (isMissing && mayBeMissing && file === undefined) return undefined
      throw error
    }
  }
}

/** Where this process looks for its config. */
export function configPlace({ env }: Pick<CommandContext, 'env'>): ConfigPlace {
  return { home: env.HOME ?? homedir(), xdgConfigHome: env.XDG_CONFIG_HOME, archiveFault }
}

function archiveFault(archive: string): string | undefined {
  try {
    parseLocation(archive)
    return undefined
  } catch (error) {
    if (error instanceof ArchiveError && error.code === 'ARCHIVE_NAME') return error.message
    throw error
  }
}
