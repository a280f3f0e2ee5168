/** One thing that is wrong with a config file, before its line is known. */
import type { ConfigErrorCode } from './errors.ts'
import type { KeyPath } from './toml-lines.ts'

export interface ConfigFault {
  readonly code: ConfigErrorCode
  readonly path: KeyPath
  /** A sentence for the owner of the file. It never repeats a value that could be a secret. */
  readonly text: string
}

/** A key is known, and what it says is wrong. */
export function valueFault(path: KeyPath, text: string): ConfigFault {
  return { code: 'CONFIG_VALUE', path, text }
}
