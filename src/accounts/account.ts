/** One account: where its maildrop is, who asks, what is kept and where. */
import type { Policy } from '../sync/policy.ts'
import { UsageError } from './errors.ts'
import type { SecretSource } from './secret-source.ts'

/** `implicit`: TLS from the first octet; `stls`: RFC 2595, required; `none`: clear text. */
export type TlsMode = 'implicit' | 'stls' | 'none'

export const TLS_MODES: readonly TlsMode[] = ['implicit', 'stls', 'none']

/** Where a config file says it. */
export interface Place {
  readonly file: string
  /** Counted from 1. */
  readonly line: number | undefined
}

export interface Account {
  /** The key in the archive, as its owner gave it. */
  readonly name: string
  readonly host: string
  readonly port: number
  readonly tls: TlsMode
  /** Path of a PEM file with the certificates to trust instead of the system's. */
  readonly ca: string | undefined
  /** SHA-256 of the server's public key, 64 lower-case hex digits: replaces chain and name checks. */
  readonly pin: string | undefined
  readonly user: string
  /** Authentication mechanism in upper case; undefined: the best that both sides have. */
  readonly auth: string | undefined
  /** `sqlite:PATH`, `maildir:PATH` or a bare path. */
  readonly archive: string | undefined
  readonly policy: Policy
  /** Undefined: environment or prompt. */
  readonly secret: SecretSource | undefined
  /** Its table in the config file; undefined for a POP-URL. */
  readonly place: Place | undefined
}

/** RFC 8314 section 7 and RFC 1939 section 3. */
export function defaultPort(tls: TlsMode): number {
  return tls === 'implicit' ? 995 : 110
}

/** Throws UsageError for a mode that this version cannot do. Called once all options were heard. */
export function requireSupportedTls(tls: TlsMode): void {
  if (tls === 'stls') throw new UsageError(STLS_ADVICE)
}

export const STLS_ADVICE =
  'STLS comes with a later version; use pops:// (tls = "implicit"), which nearly every server has on port 995, or to ' +
  'this machine --tls none (tls = "none")'

/** What a pin is, for those who wrote something else. */
export const PIN_FORM =
  "is the SHA-256 of the server's public key: 64 hex digits, with or without colons, or base64"

/**
 * The SHA-256 of a public key (SubjectPublicKeyInfo, as in RFC 7469) as tools print it: hex with or without colons, or
 * base64, behind `sha256:`, `sha256=` or curl's `sha256//` or not. Gives 64 lower-case hex digits; undefined if it is none.
 */
export function parsePin(text: string): string | undefined {
  const digest = text.trim().replace(/^sha256(?:\/\/|[:=])/i, '')
  const digits = digest.replaceAll(':', '').toLowerCase()
  if (/^[0-9a-f]{64}$/.test(digits)) return digits
  if (!/^[A-Za-z0-9+/]{43}=?$/.test(digest)) return undefined
  return Buffer.from(digest, 'base64').toString('hex')
}

/** A mechanism name in upper case (RFC 4422 section 3.1, and APOP); undefined if it is none. */
export function parseMechanism(text: string): string | undefined {
  const name = text.toUpperCase()
  return /^[A-Z0-9_-]{1,20}$/.test(name) ? name : undefined
}
