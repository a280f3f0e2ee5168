import { describe, expect, it } from 'vitest'
import {
  classifyLoginRefusal,
  commandRefusal,
  isAboutForm,
  isAboutMechanism,
  isNoSuchWay,
  type LoginErrorCode,
  refusedLogin,
} from '../../src/client/refusal.ts'
import { parseResponseCode } from '../../src/pop3/response-code.ts'

const replyOf = (text: string) => ({
  text,
  line: `-ERR ${text}`,
  responseCode: parseResponseCode(text),
})

/** As servers say it; by name where it is known. */
const WORDS: Readonly<Record<string, readonly (readonly [server: string, words: string])[]>> = {
  LOGIN_REFUSED: [
    ['popa3d', ''],
    ['any, RFC 3206', '[AUTH] no'],
    ['any, RFC 3206 section 4', '[auth/expired/now] no'],
    ['Dovecot', '[AUTH] Authentication failed.'],
    ['Exchange', 'Logon failure: unknown user name or bad password.'],
    ['Exchange Online', 'Authentication failure: unknown user name or bad password.'],
    ['Gmail', '[AUTH] Username and password not accepted.'],
    ['Gmail', '[AUTH] Application-specific password required: https://support.google.com/'],
    ['Yahoo', '[AUTH] (#AUTH012) Incorrect username or password.'],
    ['Qpopper', '[AUTH] Password supplied for "me" is incorrect.'],
    ['Qpopper', 'Password supplied for "me" is incorrect.'],
    ['Cyrus', '[AUTH] Invalid login'],
    ['Cyrus', '[AUTH] authentication failed'],
    ['Courier', 'Login failed.'],
    ['popa3d', 'Authentication failed (bad password?)'],
    ['UW ipop3d', 'Bad login'],
    ['vm-pop3d', 'Bad login'],
    ['qmail-pop3d', 'authorization failed'],
    ['GMX', 'Invalid username or password'],
    ['unnamed', 'invalid password'],
  ],
  LOGIN_IN_USE: [
    ['any, RFC 2449', '[IN-USE] busy'],
    ['Qpopper', '[IN-USE] /var/mail/.me.pop lock busy!  Is another session active? (11)'],
    ['Qpopper', '/var/mail/.me.pop lock busy!  Is another session active? (11)'],
    ['UW ipop3d', "Can't get lock. Mailbox in use"],
    ['Cyrus', '[IN-USE] Unable to lock maildrop: Mailbox is locked by POP server'],
    ['Cyrus', 'Unable to lock maildrop'],
    ['Dovecot', '[IN-USE] Mailbox is locked'],
    ['any, RFC 1939', 'maildrop already locked'],
    ['unnamed', 'mailbox is being used by another POP3 session'],
    ['unnamed', 'user already logged in'],
  ],
  LOGIN_DELAY: [
    ['any, RFC 2449', '[LOGIN-DELAY] later'],
    ['unnamed', 'Exceeded the login limit for a 15 minute period'],
    ['web.de', 'Too many logins, please wait 12 minutes'],
    ['OVH', 'Login too frequent'],
    ['Dovecot', 'Maximum number of connections from user+IP exceeded'],
  ],
  LOGIN_TEMPORARY: [
    ['any, RFC 3206', '[SYS/TEMP] no'],
    ['any, RFC 3206', '[SYS] no'],
    ['Dovecot', '[SYS/TEMP] Temporary authentication failure. [host:2026-11-23 08:00:00]'],
    ['Yahoo', '[SYS/TEMP] Server error - Please try again later.'],
    ['Exchange', 'Server Unavailable. 21'],
    ['unnamed', 'Service temporarily unavailable'],
    ['unnamed', 'Account temporarily locked, try again later'],
    ['unnamed', 'Internal server error'],
  ],
  LOGIN_PERMANENT: [
    ['any, RFC 3206', '[SYS/PERM] no'],
    ['Dovecot', '[REFERRAL/pop://a.example] elsewhere'],
    ['Gmail', '[SYS/PERM] Your account is not enabled for POP access.'],
    ['Gmail', '[AUTH] Web login required: https://support.google.com/mail/answer/78754'],
    ['Gmail', 'Please log in via your web browser'],
    ['GMX', 'POP3 not enabled'],
    ['GMX', 'POP3 is disabled for this account'],
    ['web.de', 'Please enable POP3 in your settings'],
    ['unnamed', 'Account is locked'],
    ['unnamed', 'Your password has expired'],
    ['unnamed', 'User is not allowed to use POP3'],
  ],
}

const rows = Object.entries(WORDS).flatMap(([code, said]) =>
  said.map(([server, words]) => [server, words, code] as const),
)

describe('classifyLoginRefusal', () => {
  it.each(rows)('%s: %j is %s', (_server, words, code) => {
    expect(classifyLoginRefusal(replyOf(words), false)).toBe(code)
  })

  it('believes AUTH-RESP-CODE: no [AUTH], no credential trouble', () => {
    expect(classifyLoginRefusal(replyOf('failed'), true)).toBe('LOGIN_TEMPORARY')
    expect(classifyLoginRefusal(replyOf('[AUTH] failed'), true)).toBe('LOGIN_REFUSED')
  })
})

describe('another try', () => {
  it.each([
    ['unrecognized authentication type', true],
    ['Unsupported authentication mechanism.', true],
    ['[AUTH] Unsupported authentication mechanism.', true],
    ['Unknown command', true],
    ['command not implemented', true],
    ['AUTH mechanism CRAM-MD5 disabled', true],
    ['Plaintext authentication disallowed on non-secure (SSL/TLS) connections.', true],
    ['Authentication failed.', false],
    ['[SYS/TEMP] Unknown command', false],
    ['', false],
  ])('%j denies the way to log in: %s', (words, denies) => {
    expect(isNoSuchWay(replyOf(words))).toBe(denies)
  })

  it.each([
    ...(WORDS.LOGIN_IN_USE ?? []),
    ...(WORDS.LOGIN_DELAY ?? []),
    ...(WORDS.LOGIN_TEMPORARY ?? []),
  ])('is none by another mechanism or form where %s says %j', (_server, words) => {
    expect(isAboutMechanism(replyOf(words))).toBe(false)
    expect(isAboutForm(replyOf(words))).toBe(false)
  })

  it.each(WORDS.LOGIN_REFUSED?.filter(([, words]) => words !== '') ?? [])(
    'is none in another form where %s says %j',
    (_server, words) => {
      expect(isAboutForm(replyOf(words))).toBe(false)
    },
  )

  it.each([
    'Protocol error. Connection is closed. 10',
    'syntax',
    'Bad command',
    'too many arguments',
  ])('is one in another form where the server says %j', (words) => {
    expect(isAboutForm(replyOf(words))).toBe(true)
  })
})

describe('a second form of the same password', () => {
  it.each(['', 'no', 'Kennwort falsch', 'mot de passe incorrect', 'failed', 'rejected'])(
    'is not sent where the server says %j',
    (words) => {
      expect(isAboutForm(replyOf(words))).toBe(false)
    },
  )

  it('is decided in time, however long the server speaks', () => {
    // Quadratic patterns took some seconds for each of these.
    for (const word of ['auth', 'user ', 'pop ', 'mailbox ', 'command ']) {
      expect(isNoSuchWay(replyOf(word.repeat(16_000)))).toBe(false)
    }
  })
})

describe('refusedLogin', () => {
  const token = { mechanism: 'XOAUTH2', isAboutSecret: true, hasAuthCode: true }

  it.each<[string, string, LoginErrorCode]>([
    ['Authentication failed', '{"status":"400","schemes":"Bearer"}', 'LOGIN_REFUSED'],
    ['Authentication failed', '{"status":"invalid_token"}', 'LOGIN_REFUSED'],
    ['Authentication failed', '{"status":"503"}', 'LOGIN_TEMPORARY'],
    ['[SYS/TEMP] later', '{"status":"400"}', 'LOGIN_TEMPORARY'],
    ['[AUTH] no', 'words', 'LOGIN_REFUSED'],
  ])('of %j behind %s is %s', (words, serverError, code) => {
    const error = refusedLogin(replyOf(words), { ...token, serverError })
    expect(error.code).toBe(code)
    expect(error.serverText).toBe(`-ERR ${words} ${serverError}`)
  })

  it('names mechanism and proof', () => {
    const known = { isAboutSecret: true, hasAuthCode: false, serverError: undefined }
    const refused = (mechanism: string) => refusedLogin(replyOf('no'), { ...known, mechanism })
    expect(refused('USER')).toMatchObject({
      mechanism: 'USER',
      message: 'the server refused user or password',
    })
    expect(refused('XOAUTH2').message).toBe('the server refused user or token')
    expect(refused('EXTERNAL').message).toBe('the server refused user or certificate')
    expect(refused('CRAM-MD5').message).toContain('in a form that CRAM-MD5 cannot use')
  })

  it('is no word about the password where that was not sent', () => {
    const known = { mechanism: 'LOGIN', hasAuthCode: true, serverError: undefined }
    const reply = replyOf('Unknown command')
    expect(refusedLogin(reply, { ...known, isAboutSecret: false }).code).toBe('LOGIN_NO_MECHANISM')
  })
})

describe('commandRefusal', () => {
  it.each([
    ['Exceeded the login limit for a 15 minute period', 'POP3_TEMPORARY'],
    ['[IN-USE] no', 'POP3_TEMPORARY'],
    ['Command is not valid in this state.', 'POP3_REFUSED'],
  ])('takes %j for %s', (words, code) => {
    expect(commandRefusal('LIST', replyOf(words)).code).toBe(code)
  })
})
