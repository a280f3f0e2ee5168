/** POP URLs (RFC 2384), and `pops` as everybody writes it. */
import { MECHANISMS, parseMechanism, type TlsMode } from './account.ts'
import { UsageError } from './errors.ts'
import { type HostPort, parseHostPort } from './host-port.ts'

export interface PopUrl {
  readonly host: string
  /** Undefined if the URL names none: the default then follows from TLS (see defaultPort). */
  readonly port: number | undefined
  /** `pops` and `pop3s` mean implicit TLS, `pop` and `pop3` STLS; an option may say otherwise. */
  readonly tls: TlsMode
  readonly user: string
  /** Undefined if the URL leaves the choice, also by `;AUTH=*`. */
  readonly auth: string | undefined
}

/** Whether an argument is meant as a POP URL and not as the name of an account. */
export function isPopUrl(argument: string): boolean {
  return /^pop3?s?:\/\//i.test(argument)
}

/**
 * Reads `pops://user;AUTH=mechanism@host:port`. A password, path, query or fragment is refused, and so is a URL without
 * user. An `@` in the user may stand as it is: the last one counts.
 *
 * Throws UsageError. No message repeats the URL, since a password may be in it.
 */
export function parsePopUrl(url: string): PopUrl {
  const [, scheme, rest = ''] = /^(pop3?s?):\/\/(.*)$/is.exec(url) ?? []
  if (scheme === undefined) throw new UsageError('a POP URL begins with pops:// or pop://')
  const authorityEnd = rest.search(/[/?#]/)
  const authority = authorityEnd < 0 ? rest : rest.slice(0, authorityEnd)
  const at = authority.lastIndexOf('@')
  // First of all, so that no other message can be about a piece of the password.
  if (authority.slice(0, Math.max(at, 0)).includes(':')) {
    throw new UsageError(
      'a POP URL holds no password: others on this machine could see it; use --password-file, --password-command, ' +
        'POPKEEP_PASSWORD or the prompt (a colon in the user is written %3A)',
    )
  }
  if (authorityEnd >= 0) {
    throw new UsageError('a POP URL has no path and no query: it ends with the host or port')
  }
  if (at <= 0) throw new UsageError('a POP URL names its user: pops://user@host')
  const [user = '', ...parameters] = authority.slice(0, at).split(';')
  return {
    ...hostAndPort(authority.slice(at + 1)),
    tls: /s$/i.test(scheme) ? 'implicit' : 'stls',
    user: decodeUser(user),
    auth: mechanismOf(parameters),
  }
}

/** The name of a POP URL's account in the archive, unless an option gives one. */
export function defaultAccountName(url: Pick<PopUrl, 'user' | 'host'>): string {
  return url.user.includes('@') ? url.user : `${url.user}@${url.host}`
}

function hostAndPort(text: string): HostPort {
  const parsed = parseHostPort(text)
  if (parsed === 'host') {
    throw new UsageError(
      'the host of a POP URL is a name, an IPv4 address, or an IPv6 address in brackets',
    )
  }
  if (parsed === 'port') throw new UsageError('the port of a POP URL is between 1 and 65535')
  return parsed
}

function decodeUser(encoded: string): string {
  const user = decode(encoded)
  if (user === '') throw new UsageError('a POP URL names its user: pops://user@host')
  return user
}

function mechanismOf(parameters: readonly string[]): string | undefined {
  const [parameter, ...more] = parameters
  if (parameter === undefined) return undefined
  const [, value] = /^auth=(.+)$/is.exec(parameter) ?? []
  if (value === undefined || more.length > 0) {
    throw new UsageError('the user of a POP URL may be followed by ;AUTH=MECHANISM only')
  }
  if (value === '*') return undefined
  // RFC 2384 section 4: "+APOP" stands for the command, other names for SASL mechanisms.
  const name = decode(value).replace(/^\+(?=APOP$)/i, '')
  const mechanism = parseMechanism(name)
  if (mechanism === undefined) {
    throw new UsageError(
      `;AUTH= of a POP URL is followed by *, +APOP or one of ${MECHANISMS.join(', ')}`,
    )
  }
  return mechanism
}

function decode(text: string): string {
  let decoded: string
  try {
    decoded = decodeURIComponent(text)
  } catch (cause) {
    throw new UsageError(
      'a "%" in a POP URL is followed by two hex digits, and the whole is UTF-8',
      { cause },
    )
  }
  if (/[\0-\x1f\x7f]/.test(decoded)) throw new UsageError('a POP URL holds no control characters')
  return decoded
}
