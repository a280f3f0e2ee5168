import { homedir } from 'node:os'
import { type Config, loadConfig } from '../accounts/config.ts'
import { ConfigError } from '../accounts/errors.ts'
import type { CommandContext } from './context.ts'

/** Reads the config when it is needed. `mayBeMissing`: undefined where no file is at the default place. */
export type ConfigLoader = (options: { readonly mayBeMissing: boolean }) => Config | undefined

/** The config of --config, or that of the default place. What loadConfig throws is thrown when it is asked for. */
export function configLoader(file: string | undefined, { env }: CommandContext): ConfigLoader {
  return ({ mayBeMissing }) => {
    try {
      return loadConfig({ home: env.HOME ?? homedir(), xdgConfigHome: env.XDG_CONFIG_HOME }, file)
    } catch (error) {
      const isMissing = error instanceof ConfigError && error.code === 'CONFIG_NOT_FOUND'
      if (isMissing && mayBeMissing && file === undefined) return undefined
      throw error
    }
  }
}
