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

export type AuthorizationErrorCode =
  /** The grant has ended, or there is none yet: only its owner can give one. */
  | 'OAUTH_NEEDS_OWNER'
  /** The provider cannot be reached, is busy or has a fault of its own: the grant stays good. */
  | 'OAUTH_TEMPORARY'
  /** The provider does not take the client or the request: the config is wrong. */
  | 'OAUTH_REFUSED'
  /** What came is no answer that may be trusted, or the way there is none. */
  | 'OAUTH_POLICY'

/**
 * OAuth gave no access token. Neither message nor `serverText` holds a token, a code or a client secret; there is no
 * `cause`, since those of the HTTP library hold the octets of requests and answers.
 */
export class AuthorizationError extends Error {
  override readonly name = 'AuthorizationError'
  readonly code: AuthorizationErrorCode
  /** What the provider said, untrusted. */
  readonly serverText: string | undefined

  constructor(code: AuthorizationErrorCode, message: string, serverText?: string) {
    super(message)
    this.code = code
    this.serverText = serverText
  }
}
