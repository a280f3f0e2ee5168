/** One account: where its maildrop is, who asks, what is kept and where. */
import type { Policy } from '../sync/policy.ts'
import type { OAuthProvider } from './oauth-provider.ts'
import type { ProxyAddress } from './proxy-url.ts'
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

/** Where access tokens come from, for accounts that log in by XOAUTH2 or OAUTHBEARER. */
export type TokenSource =
  /** A program that prints an access token; array and string as for a password command. */
  | { readonly type: 'command'; readonly command: string | readonly string[] }
  /** `popkeep login` got a grant from the provider; it is kept in the keyring or in a file. */
  | {
      readonly type: 'oauth'
      readonly provider: OAuthProvider
      readonly storage: 'keyring' | 'file'
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
  /** Paths of PEM files: the certificate that proves us to the server, and its key. */
  readonly clientCertificate: { readonly certificate: string; readonly key: string } | undefined
  /** Its password, if it wants one, is POPKEEP_PROXY_PASSWORD. */
  readonly proxy: ProxyAddress | undefined
  readonly user: string
  /** Authentication mechanism in upper case; undefined: the best that both sides have. */
  readonly auth: string | undefined
  /** `sqlite:PATH`, `maildir:PATH` or a bare path. */
  readonly archive: string | undefined
  readonly policy: Policy
  /** Undefined: keyring, environment or prompt; or `token` says where the secret comes from. */
  readonly secret: SecretSource | undefined
  /** Undefined: the account logs in with a password or a certificate. */
  readonly token: TokenSource | undefined
  /** Its table in the config file; undefined for a POP-URL. */
  readonly place: Place | undefined
}

/** RFC 8314 section 7 and RFC 1939 section 3. */
export function defaultPort(tls: TlsMode): number {
  return tls === 'implicit' ? 995 : 110
}

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

/** The ways to log in, by what they prove: a password, a token, a certificate. SASL names, and the commands USER and APOP. */
export const PASSWORD_MECHANISMS: readonly string[] = [
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-1-PLUS',
  'SCRAM-SHA-256',
  'SCRAM-SHA-1',
  'CRAM-MD5',
  'PLAIN',
  'LOGIN',
  'USER',
  'APOP',
]

export const TOKEN_MECHANISMS: readonly string[] = ['OAUTHBEARER', 'XOAUTH2']

export const CERTIFICATE_MECHANISMS: readonly string[] = ['EXTERNAL']

/** All that `auth` may name; the client has the same (its SUPPORTED_MECHANISMS), which this room may not import. */
export const MECHANISMS: readonly string[] = [
  ...PASSWORD_MECHANISMS,
  ...TOKEN_MECHANISMS,
  ...CERTIFICATE_MECHANISMS,
]

/** The name of a mechanism as MECHANISMS has it, however its letters are written; undefined if it is none of them. */
export function parseMechanism(text: string): string | undefined {
  const name = text.toUpperCase()
  return MECHANISMS.includes(name) ? name : undefined
}
