/** Passwords against a real Dovecot: who gets in, by which mechanism, and what the server saw of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Dovecot, isDovecotMissing, startDovecot } from '../support/dovecot.ts'
import { briefly, logIn } from './logins.ts'

const PASSWORD = 'pw, with "blanks" = and 100%'
/** No normal form changes it, so that servers that know of none have the same octets. */
const FOREIGN = 'Zürich-пароль'

/** What the client is asked for, and what the server's authentication calls it. */
const MECHANISMS = [
  ['USER', 'PLAIN'],
  ['APOP', 'APOP'],
  ['PLAIN', 'PLAIN'],
  ['LOGIN', 'LOGIN'],
  ['CRAM-MD5', 'CRAM-MD5'],
  ['SCRAM-SHA-1', 'SCRAM-SHA-1'],
  ['SCRAM-SHA-256', 'SCRAM-SHA-256'],
] as const

describe.skipIf(isDovecotMissing())('a password at Dovecot', () => {
  let dovecot: Dovecot

  beforeAll(async () => {
    const stored = (scheme: 'SCRAM-SHA-256' | 'SCRAM-SHA-1' | 'CRAM-MD5' | 'SHA512-CRYPT') => {
      return { password: PASSWORD, scheme }
    }
    dovecot = await startDovecot({
      maildrops: {
        plain: PASSWORD,
        foreign: FOREIGN,
        'me@example.com': PASSWORD,
        'x=y,z': PASSWORD,
        'scram-sha-256': stored('SCRAM-SHA-256'),
        'scram-sha-1': stored('SCRAM-SHA-1'),
        'cram-md5': stored('CRAM-MD5'),
        crypt: stored('SHA512-CRYPT'),
      },
      mechanisms: ['plain', 'login', 'cram-md5', 'scram-sha-1', 'scram-sha-256', 'apop'],
    })
  })

  afterAll(() => dovecot?.stop())

  describe.each([
    { tls: 'implicit', mechanisms: MECHANISMS },
    { tls: 'stls', mechanisms: MECHANISMS.filter(([auth]) => auth !== 'APOP') },
  ] as const)('over $tls TLS', ({ tls, mechanisms }) => {
    it.each(mechanisms)('opens the session by %s', async (auth, seen) => {
      const { outcome, attempts, trace } = await logIn(dovecot, {
        ...{ user: 'plain', password: PASSWORD, auth, tls },
      })
      expect([outcome, attempts]).toEqual([
        'opened',
        [{ mechanism: seen, user: 'plain', ok: true }],
      ])
      expect(keywords(trace)).toContain(['USER', 'APOP'].includes(auth) ? auth : `AUTH ${auth}`)
      expectNoSecret(trace)
    })

    it.each(mechanisms)('tries a wrong password once by %s', async (auth, seen) => {
      const password = `${PASSWORD}!`
      const { outcome, attempts, trace, error } = await logIn(dovecot, {
        ...{ user: 'plain', password, auth, tls },
      })
      expect([outcome, attempts]).toEqual([
        'LOGIN_REFUSED',
        [{ mechanism: seen, user: 'plain', ok: false }],
      ])
      expect(error).toMatchObject({ serverText: '-ERR [AUTH] Authentication failed.' })
      expectNoSecret(trace)
    })

    it('takes SCRAM-SHA-256 where nobody says otherwise', async () => {
      const { outcome, attempts } = await logIn(dovecot, {
        ...{ user: 'plain', password: PASSWORD, tls },
      })
      expect([outcome, briefly(attempts)]).toEqual(['opened', ['SCRAM-SHA-256 ok']])
    })

    it('tries a wrong password once where nobody says how', async () => {
      const { outcome, attempts } = await logIn(dovecot, { user: 'plain', password: 'no', tls })
      expect([outcome, briefly(attempts)]).toEqual(['LOGIN_REFUSED', ['SCRAM-SHA-256 refused']])
    })
  })

  it('does not use the stamp of a greeting in clear text for APOP', async () => {
    const login = { user: 'plain', password: PASSWORD, auth: 'APOP', tls: 'stls' } as const
    const { outcome, attempts } = await logIn(dovecot, login)
    expect([outcome, attempts]).toEqual(['LOGIN_NO_MECHANISM', []])
  })

  it.each(['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-1', 'SCRAM-SHA-256'])(
    'carries a password beyond ASCII by %s',
    async (auth) => {
      const login = { user: 'foreign', password: FOREIGN, auth }
      expect(await logIn(dovecot, login)).toMatchObject({ outcome: 'opened' })
    },
  )

  it.each(MECHANISMS)('carries a user with a comma and an equals sign by %s', async (auth) => {
    const { outcome, attempts } = await logIn(dovecot, {
      ...{ user: 'x=y,z', password: PASSWORD, auth },
    })
    expect([outcome, attempts.map(({ user }) => user)]).toEqual(['opened', ['x=y,z']])
  })

  // A server that keeps a form of the password which does not suit a mechanism refuses before the password is of any use.
  it.each([
    ['scram-sha-256', ['SCRAM-SHA-256 ok']],
    ['scram-sha-1', ['SCRAM-SHA-256 refused', 'PLAIN ok']],
    ['cram-md5', ['SCRAM-SHA-256 refused', 'PLAIN ok']],
    ['crypt', ['SCRAM-SHA-256 refused', 'PLAIN ok']],
  ])('gets in where the server keeps the password as %s', async (user, seen) => {
    const { outcome, attempts } = await logIn(dovecot, { user, password: PASSWORD })
    expect([outcome, briefly(attempts)]).toEqual(['opened', seen])
  })

  it('gives a wrong password to a server that keeps a crypt once', async () => {
    const { outcome, attempts } = await logIn(dovecot, { user: 'crypt', password: 'no' })
    const seen = ['SCRAM-SHA-256 refused', 'PLAIN refused']
    expect([outcome, briefly(attempts)]).toEqual(['LOGIN_REFUSED', seen])
  })

  it.each([
    ['crypt', 'SCRAM-SHA-256'],
    ['scram-sha-256', 'SCRAM-SHA-1'],
    ['scram-sha-1', 'CRAM-MD5'],
  ])('does not leave the mechanism that was asked for: %s by %s', async (user, auth) => {
    const { outcome, attempts } = await logIn(dovecot, { user, password: PASSWORD, auth })
    expect([outcome, briefly(attempts)]).toEqual(['LOGIN_REFUSED', [`${auth} refused`]])
  })
})

/**
 * Neither the password, nor anything by which guesses at it could be tested: answers, digests, and the server's own proof,
 * which ends SCRAM.
 */
function expectNoSecret(trace: readonly string[]): void {
  expect(trace.join('\n')).not.toContain(PASSWORD)
  for (const line of trace) {
    const [, base64 = ''] = /^S: \+ (\S+)$/.exec(line) ?? []
    expect(Buffer.from(base64, 'base64').toString()).not.toMatch(/^v=/)
    expect(line).not.toMatch(/^C: (?!\*\*\*|APOP|AUTH|CAPA|PASS|QUIT|STAT|STLS|USER|$)/)
    expect(line).not.toMatch(/^C: (APOP \S+|AUTH \S+|PASS) (?!\*\*\*$)/)
  }
}

/** The commands of a trace, AUTH with its mechanism. */
function keywords(trace: readonly string[]): readonly string[] {
  return trace
    .filter((line) => line.startsWith('C: '))
    .map((line) => /^C: (AUTH \S+|\S+)/.exec(line)?.[1] ?? '')
}
