/**
 * What an -ERR means. Response codes decide (RFC 2449 section 8, RFC 3206); where a server sends none, its words do, so
 * that a busy maildrop is never taken for a wrong password.
 */
import { CommandError, Pop3Error, SessionError } from '../pop3/errors.ts'
import type { ResponseCode } from '../pop3/response-code.ts'
import {
  deniesWay,
  speaksOfCredentials,
  speaksOfForm,
  type Topic,
  topicOf,
} from './refusal-words.ts'

/** What the server answered, in the form that `Protocol` reports it. */
export interface Reply {
  readonly responseCode: ResponseCode | undefined
  /** Behind the status indicator. */
  readonly text: string
  /** The whole line. */
  readonly line: string
}

/**
 * Why a login failed. LOGIN_REFUSED: user, password or token. LOGIN_IN_USE: another session holds the maildrop.
 * LOGIN_DELAY: too soon after the last one. LOGIN_TEMPORARY: a passing trouble. LOGIN_PERMANENT: somebody must act at the
 * server. LOGIN_NO_MECHANISM: there is no way to log in that both sides have and that is permitted here.
 * LOGIN_SERVER_UNPROVEN: the server said +OK but did not prove, as SCRAM demands, that it knows the password.
 * LOGIN_CHALLENGE: the server's challenge is malformed, after something derived from the secret was sent.
 */
export type LoginErrorCode =
  | 'LOGIN_REFUSED'
  | 'LOGIN_IN_USE'
  | 'LOGIN_DELAY'
  | 'LOGIN_TEMPORARY'
  | 'LOGIN_PERMANENT'
  | 'LOGIN_NO_MECHANISM'
  | 'LOGIN_SERVER_UNPROVEN'
  | 'LOGIN_CHALLENGE'

export interface LoginWords {
  readonly reply?: Reply | undefined
  /** `USER`, `APOP` or the SASL name. */
  readonly mechanism?: string | undefined
  /** What an error challenge said. */
  readonly serverError?: string | undefined
  /** Goes behind the sentence, with the sign that divides them. */
  readonly reason?: string | undefined
  readonly cause?: unknown
}

export class LoginError extends Pop3Error {
  override readonly name = 'LoginError'
  /** The last that was tried; undefined if none was. */
  readonly mechanism: string | undefined

  /** `serverText` is the reply, and behind it what an error challenge said. */
  constructor(code: LoginErrorCode, words: LoginWords = {}) {
    const { reply, mechanism, serverError, reason, cause } = words
    const said = [reply?.line, serverError].filter((text) => text !== undefined && text !== '')
    const sentence = sentences[code].replace('password', proofOf(mechanism))
    super(code, [sentence, reason].filter((text) => text !== undefined).join(''), {
      serverText: said.length === 0 ? undefined : said.join(' '),
      responseCode: reply?.responseCode,
      cause,
    })
    this.mechanism = mechanism
  }
}

const sentences: Readonly<Record<LoginErrorCode, string>> = {
  LOGIN_REFUSED: 'the server refused user or password',
  LOGIN_IN_USE: 'the maildrop is in use',
  LOGIN_DELAY: 'the server wants a pause between logins',
  LOGIN_TEMPORARY: 'the server cannot log in at the moment',
  LOGIN_PERMANENT: 'the server will not log in until somebody acts there',
  LOGIN_NO_MECHANISM: 'the server offers no login mechanism that can be used',
  LOGIN_SERVER_UNPROVEN: 'the server did not prove that it knows the password',
  LOGIN_CHALLENGE: 'the server sent a login challenge that makes no sense',
}

const byResponseCode: Readonly<Partial<Record<ResponseCode, LoginErrorCode>>> = {
  AUTH: 'LOGIN_REFUSED',
  'IN-USE': 'LOGIN_IN_USE',
  'LOGIN-DELAY': 'LOGIN_DELAY',
  SYS: 'LOGIN_TEMPORARY',
  'SYS/TEMP': 'LOGIN_TEMPORARY',
  'SYS/PERM': 'LOGIN_PERMANENT',
  // Never followed: it would send the password to a host that its owner did not name.
  REFERRAL: 'LOGIN_PERMANENT',
}

function proofOf(mechanism: string | undefined): string {
  if (mechanism === 'EXTERNAL') return 'certificate'
  return mechanism === 'XOAUTH2' || mechanism === 'OAUTHBEARER' ? 'token' : 'password'
}

const byTopic: Readonly<Record<Topic, LoginErrorCode>> = {
  'too soon': 'LOGIN_DELAY',
  'in use': 'LOGIN_IN_USE',
  passing: 'LOGIN_TEMPORARY',
  'owner must act': 'LOGIN_PERMANENT',
}

/**
 * The code for an -ERR to USER, PASS, APOP or AUTH. `hasAuthCode`: the server announced AUTH-RESP-CODE, so that a reply
 * without [AUTH] is about something else than the credentials (RFC 3206 section 6).
 */
export function classifyLoginRefusal(
  { responseCode, text }: Reply,
  hasAuthCode: boolean,
): LoginErrorCode {
  const code = responseCode && byResponseCode[responseCode]
  const topic = topicOf(text)
  // Gmail: `[AUTH] Web login required`. The code does not tell that from a wrong password.
  if (code === 'LOGIN_REFUSED' && topic === 'owner must act') return 'LOGIN_PERMANENT'
  if (code) return code
  if (topic) return byTopic[topic]
  return hasAuthCode ? 'LOGIN_TEMPORARY' : 'LOGIN_REFUSED'
}

/** What was known when a login was refused. */
export interface RefusedWith {
  readonly mechanism: string
  /** Something derived from the secret was sent, and not with the first line: that may have been one not known. */
  readonly isAboutSecret: boolean
  readonly hasAuthCode: boolean
  readonly serverError: string | undefined
}

/** The error for an -ERR to a login, and for what an error challenge said before it. */
export function refusedLogin(reply: Reply, refused: RefusedWith): LoginError {
  const { mechanism, isAboutSecret, hasAuthCode, serverError } = refused
  let code = classifyLoginRefusal(reply, hasAuthCode)
  if (!isAboutSecret && isNoSuchWay(reply)) code = 'LOGIN_NO_MECHANISM'
  if (serverError !== undefined && mayBeAuth(reply)) code = byServerError(serverError) ?? code
  // A SCRAM that came as far as our proof suits what the server has stored.
  const needsItsForm =
    mechanism === 'CRAM-MD5' || (mechanism.startsWith('SCRAM-') && !isAboutSecret)
  const mayBeForm = code === 'LOGIN_REFUSED' && needsItsForm
  const reason = mayBeForm
    ? `, or it keeps the password in a form that ${mechanism} cannot use`
    : undefined
  return new LoginError(code, { reply, mechanism, serverError, reason })
}

/** The status of XOAUTH2 (a number) and OAUTHBEARER (RFC 7628 section 3.2.2), and the `e=` of SCRAM (RFC 5802 section 7). */
function byServerError(serverError: string): LoginErrorCode | undefined {
  if (/"status"\s*:\s*"?(4\d\d|invalid_|insufficient_)/.test(serverError)) return 'LOGIN_REFUSED'
  if (/"status"\s*:\s*"?5\d\d/.test(serverError)) return 'LOGIN_TEMPORARY'
  return serverError === 'no-resources' ? 'LOGIN_TEMPORARY' : undefined
}

/**
 * Whether the words are about the form of the command rather than about user or password. Sending the same
 * password a second time after a true refusal could lock the account.
 */
export function isAboutForm({ responseCode, text }: Reply): boolean {
  if (responseCode !== undefined || topicOf(text) !== undefined) return false
  return speaksOfForm(text) && !speaksOfCredentials(text)
}

/** Whether another mechanism may do better: the refusal is not about the maildrop, the account or the moment. */
export function isAboutMechanism(reply: Reply): boolean {
  if (isNoSuchWay(reply)) return true
  return mayBeAuth(reply) && topicOf(reply.text) === undefined
}

/** Whether the words say that the server does not know, or not permit, this way to log in. */
export function isNoSuchWay(reply: Reply): boolean {
  return mayBeAuth(reply) && deniesWay(reply.text)
}

function mayBeAuth({ responseCode }: Reply): boolean {
  return responseCode === undefined || responseCode === 'AUTH'
}

/**
 * The error for an -ERR in the transaction state: SessionError (POP3_TEMPORARY) if it speaks of a passing trouble, which
 * some servers report at the first command after login; else CommandError (POP3_REFUSED).
 */
export function commandRefusal(keyword: string, reply: Reply): CommandError | SessionError {
  const { responseCode, line, text } = reply
  const isPassing =
    responseCode === undefined
      ? ['too soon', 'in use', 'passing'].includes(topicOf(text) ?? '')
      : ['SYS', 'SYS/TEMP', 'IN-USE', 'LOGIN-DELAY'].includes(responseCode)
  if (!isPassing) return new CommandError(keyword, line, responseCode)
  return new SessionError('POP3_TEMPORARY', `the server cannot answer ${keyword} at the moment`, {
    serverText: line,
    responseCode,
  })
}
