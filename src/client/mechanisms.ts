/**
 * Which ways to log in are tried, and in which order. Pure; the rows are held by test/client/mechanisms.test.ts.
 *
 * | credential  | connection | tried, as far as announced, until one is not refused out of hand                   |
 * | ----------- | ---------- | ---------------------------------------------------------------------------------- |
 * | password    | TLS        | SCRAM-SHA-256(-PLUS), SCRAM-SHA-1(-PLUS), PLAIN, USER, LOGIN, CRAM-MD5             |
 * | password    | clear text | the same, but CRAM-MD5 before PLAIN: the password is not readable at least         |
 * | token       | any        | XOAUTH2, OAUTHBEARER; where neither is announced XOAUTH2, since some servers hide it |
 * | certificate | TLS        | EXTERNAL                                                                           |
 * | any, forced | any        | that one alone, also if it is not announced                                        |
 *
 * USER is taken for announced where neither it nor any SASL mechanism is: such a server announces little. Names or
 * passwords beyond ASCII go by USER and APOP only where `UTF8 USER` is announced (RFC 6856 section 2.2), or where the
 * owner asked for USER. -PLUS needs channel binding data, and nothing is tried behind it: its refusal may be the work of
 * somebody between, whom a weaker mechanism would let in. APOP is never chosen, only forced.
 */
import type { Capabilities } from '../pop3/capabilities.ts'
import type { Credential } from './credential.ts'

/** All ways to log in, as `auth` may name them: the SASL names, USER for USER and PASS, APOP. */
export const SUPPORTED_MECHANISMS: readonly string[] = [
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-256',
  'SCRAM-SHA-1-PLUS',
  'SCRAM-SHA-1',
  'PLAIN',
  'USER',
  'LOGIN',
  'CRAM-MD5',
  'APOP',
  'XOAUTH2',
  'OAUTHBEARER',
  'EXTERNAL',
]

const SCRAM = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1'] as const
const BY_PASSWORD = [...SCRAM, 'PLAIN', 'USER', 'LOGIN', 'CRAM-MD5'] as const
const BY_PASSWORD_IN_CLEAR = [...SCRAM, 'CRAM-MD5', 'PLAIN', 'USER', 'LOGIN'] as const
const BY_TOKEN = ['XOAUTH2', 'OAUTHBEARER'] as const
const BY_CERTIFICATE = ['EXTERNAL'] as const

const FITTING: Readonly<Record<Credential['type'], readonly string[]>> = {
  password: [...BY_PASSWORD, 'APOP'],
  token: BY_TOKEN,
  certificate: BY_CERTIFICATE,
}

/** What the choice depends on. */
export interface Circumstances {
  readonly credential: Credential['type']
  /** The mechanism that the owner named, in upper case. */
  readonly auth: string | undefined
  readonly announced: Capabilities
  readonly isEncrypted: boolean
  /** There is channel binding data. */
  readonly canBind: boolean
  /** User and password hold nothing beyond ASCII. */
  readonly isAscii: boolean
  /** The greeting, as it is protected now, has a timestamp for APOP that is valid and was never seen before. */
  readonly hasStamp: boolean
}

/** The mechanisms to try, in this order. Empty: there is none. */
export function chooseMechanisms(circumstances: Circumstances): readonly string[] {
  const { auth } = circumstances
  if (auth !== undefined) return canForce(auth, circumstances) ? [auth] : []
  const candidates = candidatesOf(circumstances).filter((name) => isPossible(name, circumstances))
  const lastOfAll = candidates.findIndex((name) => name.endsWith('-PLUS'))
  return lastOfAll < 0 ? candidates : candidates.slice(0, lastOfAll + 1)
}

/**
 * The first flag of SCRAM (RFC 5802 section 6): `p` with channel binding, `y` where we could and the server lists no
 * -PLUS of this mechanism, so that it notices if somebody took that from the list; `n` where we cannot or do not want to.
 */
export function bindingFlag(
  mechanism: string,
  { announced, canBind }: Pick<Circumstances, 'announced' | 'canBind'>,
): 'p' | 'y' | 'n' {
  if (mechanism.endsWith('-PLUS')) return 'p'
  const isListed = lists(announced, `${mechanism}-PLUS`)
  return canBind && announced.args('SASL').length > 0 && !isListed ? 'y' : 'n'
}

/** Why `chooseMechanisms` found none; undefined where nothing but the server's offer is to blame. */
export function whyNone(circumstances: Circumstances): string | undefined {
  const { auth, credential, canBind, isAscii, hasStamp } = circumstances
  const beyondAscii = 'user or password go beyond ASCII, which it does not announce to take'
  if (auth === undefined)
    return isAscii || !hasUser(circumstances.announced) ? undefined : beyondAscii
  if (!FITTING[credential].includes(auth)) return `${auth} does not log in with a ${credential}`
  if (auth.endsWith('-PLUS') && !canBind) return `${auth} needs channel binding, which is not there`
  if (auth === 'APOP' && !hasStamp) return 'its greeting has no timestamp for APOP that may be used'
  return auth === 'EXTERNAL' ? 'EXTERNAL needs TLS' : beyondAscii
}

function candidatesOf(circumstances: Circumstances): readonly string[] {
  const { credential, isEncrypted, announced } = circumstances
  if (credential === 'certificate') return BY_CERTIFICATE
  if (credential === 'token') {
    const listed = BY_TOKEN.filter((name) => lists(announced, name))
    return listed.length > 0 ? listed : ['XOAUTH2']
  }
  const byPassword = isEncrypted ? BY_PASSWORD : BY_PASSWORD_IN_CLEAR
  return byPassword.filter((name) =>
    name === 'USER' ? hasUser(announced) : lists(announced, name),
  )
}

function canForce(auth: string, circumstances: Circumstances): boolean {
  if (!FITTING[circumstances.credential].includes(auth)) return false
  return auth === 'USER' || isPossible(auth, circumstances)
}

function isPossible(name: string, circumstances: Circumstances): boolean {
  const { announced, canBind, isAscii, isEncrypted, hasStamp } = circumstances
  const maySayName = isAscii || announced.args('UTF8').some((word) => word.toUpperCase() === 'USER')
  if (name === 'USER') return maySayName
  if (name === 'APOP') return maySayName && hasStamp
  if (name === 'EXTERNAL') return isEncrypted
  return !name.endsWith('-PLUS') || canBind
}

function lists(announced: Capabilities, name: string): boolean {
  return announced.args('SASL').some((listed) => listed.toUpperCase() === name)
}

function hasUser(announced: Capabilities): boolean {
  return announced.has('USER') || !announced.has('SASL')
}
