/**
 * What an -ERR means. Response codes decide (RFC 2449 section 8, RFC 3206); where a server sends none, its words do, so
 * that a busy maildrop is never taken for a wrong password.
 */
import { CommandError, Pop3Error, SessionError } from '../pop3/errors.ts'
import type { ResponseCode } from '../pop3/response-code.ts'

/** What the server answered, in the form that `Protocol` reports it. */
export interface Reply {
  readonly responseCode: ResponseCode | undefined
  /** Behind the status indicator. */
  readonly text: string
  /** The whole line. */
  readonly line: string
}

/**
 * Why a login failed. LOGIN_REFUSED: user or password. LOGIN_IN_USE: another session holds the maildrop. LOGIN_DELAY: too
 * soon after the last one. LOGIN_TEMPORARY: a passing trouble. LOGIN_PERMANENT: somebody must act at the server.
 * LOGIN_NO_MECHANISM: the server offers no way to log in that we have.
 */
export type LoginErrorCode =
  | 'LOGIN_REFUSED'
  | 'LOGIN_IN_USE'
  | 'LOGIN_DELAY'
  | 'LOGIN_TEMPORARY'
  | 'LOGIN_PERMANENT'
  | 'LOGIN_NO_MECHANISM'

export class LoginError extends Pop3Error {
  override readonly name = 'LoginError'

  constructor(code: LoginErrorCode, reply?: Reply) {
    super(code, sentences[code], { serverText: reply?.line, responseCode: reply?.responseCode })
  }
}

const sentences: Readonly<Record<LoginErrorCode, string>> = {
  LOGIN_REFUSED: 'the server refused user or password',
  LOGIN_IN_USE: 'the maildrop is in use',
  LOGIN_DELAY: 'the server wants a pause between logins',
  LOGIN_TEMPORARY: 'the server cannot log in at the moment',
  LOGIN_PERMANENT: 'the server will not log in until somebody acts there',
  LOGIN_NO_MECHANISM: 'the server offers no login mechanism that can be used',
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

const closedAccount = /\b(account|user|login)\b.*\b(locked|disabled|suspended|blocked)\b/i
const tooSoon = /too (many|often|frequent|soon)|exceeded|limit|minutes?\b|\bwait\b/i
const inUse = /\block|\bin use\b|\bbusy\b|already (open|logged|in use|connected)|another session/i
const passing = /tempora|try (again|later)|again later|unavailable|not available|overload|timeout/i

/**
 * The code for an -ERR to USER, PASS or AUTH. `hasAuthCode`: the server announced AUTH-RESP-CODE, so that a reply without
 * [AUTH] is about something else than the credentials (RFC 3206 section 6).
 */
export function classifyLoginRefusal(reply: Reply, hasAuthCode: boolean): LoginErrorCode {
  const code = reply.responseCode && byResponseCode[reply.responseCode]
  if (code) return code
  if (closedAccount.test(reply.text)) return 'LOGIN_PERMANENT'
  if (tooSoon.test(reply.text)) return 'LOGIN_DELAY'
  if (inUse.test(reply.text)) return 'LOGIN_IN_USE'
  if (passing.test(reply.text)) return 'LOGIN_TEMPORARY'
  return hasAuthCode ? 'LOGIN_TEMPORARY' : 'LOGIN_REFUSED'
}

/**
 * Whether the words may be about the form of the command rather than about user or password. Sending the same
 * password a second time after a true refusal could lock the account.
 */
export function isAboutForm({ responseCode, text }: Reply): boolean {
  if (responseCode !== undefined) return false
  if ([closedAccount, tooSoon, inUse, passing].some((words) => words.test(text))) return false
  return !/auth|passw|credential|log.?(in|on)|user|account|denied|permi|mailbox|maildrop/i.test(
    text,
  )
}

/**
 * The error for an -ERR in the transaction state: SessionError (POP3_TEMPORARY) if it speaks of a passing trouble, which
 * some servers report at the first command after login; else CommandError (POP3_REFUSED).
 */
export function commandRefusal(keyword: string, reply: Reply): CommandError | SessionError {
  const { responseCode, line, text } = reply
  const isPassing =
    responseCode === undefined
      ? [tooSoon, inUse, passing].some((words) => words.test(text))
      : ['SYS', 'SYS/TEMP', 'IN-USE', 'LOGIN-DELAY'].includes(responseCode)
  if (!isPassing) return new CommandError(keyword, line, responseCode)
  return new SessionError('POP3_TEMPORARY', `the server cannot answer ${keyword} at the moment`, {
    serverText: line,
    responseCode,
  })
}
