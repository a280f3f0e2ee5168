/** What can be wrong before a connection is opened. The messages are for the owner of the accounts. */

export type ConfigErrorCode = 'CONFIG_SYNTAX' | 'CONFIG_KEY' | 'CONFIG_VALUE' | 'CONFIG_NOT_FOUND'

/** The config file is not there, cannot be read, or says something that this version does not take. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code: ConfigErrorCode
  readonly file: string
  /** Counted from 1; undefined if no line is to blame. */
  readonly line: number | undefined

  constructor(
    code: ConfigErrorCode,
    message: string,
    where: { readonly file: string; readonly line?: number | undefined },
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.code = code
    this.file = where.file
    this.line = where.line
  }
}

/** A fault in a config file that the file alone does not show. Without a place, it is none of the file's. */
export function configFault(
  place: { readonly file: string; readonly line: number | undefined } | undefined,
  text: string,
): Error {
  if (place === undefined) return new UsageError(text)
  return new ConfigError('CONFIG_VALUE', `${formatPlace(place)}: ${text}`, place)
}

/** `FILE:LINE`, as editors and terminals take it. */
export function formatPlace(place: {
  readonly file: string
  readonly line: number | undefined
}): string {
  return place.line === undefined ? place.file : `${place.file}:${place.line}`
}

/** An argument or option of the command line is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly code = 'USAGE'
}

/** No source gave a usable secret. The message never holds it. */
export class SecretError extends Error {
  override readonly name = 'SecretError'
  readonly code = 'SECRET_UNAVAILABLE'
}
