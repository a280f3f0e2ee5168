/** Access tokens against a real Dovecot, which asks an OAuth provider whether they are good. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type AuthorizationServer,
  CANARY,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { type Dovecot, isDovecotMissing, startDovecot } from '../support/dovecot.ts'
import { briefly, type Login, logIn, type Outcome } from './logins.ts'

const USER = 'me@example.com'
const BAD = `${CANARY}-access-bad`
const MECHANISMS = ['XOAUTH2', 'OAUTHBEARER'] as const

describe.skipIf(isDovecotMissing())('an access token at Dovecot', () => {
  let provider: AuthorizationServer
  let dovecot: Dovecot

  beforeAll(async () => {
    provider = await startAuthorizationServer({ user: USER })
    dovecot = await startDovecot({
      maildrops: { [USER]: 'pw', other: 'pw' },
      mechanisms: ['plain', 'xoauth2', 'oauthbearer'],
      introspectionUrl: provider.introspectionUrl,
    })
  })

  afterAll(async () => {
    await dovecot?.stop()
    await provider?.close()
  })

  /** Logs in with the first token, then with what `renewed` has; tells which tokens were rejected. */
  async function withToken(
    token: string,
    login: Partial<Login> & { readonly renewed?: string | undefined },
  ): Promise<Outcome & { readonly rejected: readonly string[] }> {
    const { renewed, ...rest } = login
    const rejected: string[] = []
    const renew = (old: string) => {
      rejected.push(old)
      return Promise.resolve(renewed)
    }
    const credential = { type: 'token', token: () => Promise.resolve(token), renew } as const
    const outcome = await logIn(dovecot, { user: USER, credential, ...rest })
    expect(outcome.trace.join('\n')).not.toContain(CANARY)
    return { ...outcome, rejected }
  }

  describe.each(['implicit', 'stls'] as const)('over %s TLS', (tls) => {
    it.each(MECHANISMS)('opens the session by %s', async (auth) => {
      const { accessToken } = provider.grant()
      const { outcome, attempts, rejected } = await withToken(accessToken, { auth, tls })
      expect([outcome, attempts]).toEqual(['opened', [{ mechanism: auth, user: USER, ok: true }]])
      expect(rejected).toEqual([])
    })

    it.each(MECHANISMS)(
      'gets in by %s with a fresh one where the first is no good',
      async (auth) => {
        const { accessToken } = provider.grant()
        const { outcome, attempts, rejected } = await withToken(BAD, {
          ...{ auth, tls, renewed: accessToken },
        })
        expect([outcome, briefly(attempts)]).toEqual(['opened', [`${auth} refused`, `${auth} ok`]])
        expect(rejected).toEqual([BAD])
      },
    )

    it.each(MECHANISMS)('is renewed once by %s', async (auth) => {
      const { outcome, attempts, rejected, error } = await withToken(BAD, {
        ...{ auth, tls, renewed: `${BAD}-too` },
      })
      expect(outcome).toBe('LOGIN_REFUSED')
      expect(briefly(attempts)).toEqual([`${auth} refused`, `${auth} refused`])
      expect(rejected).toEqual([BAD])
      expect(String(error)).not.toContain(CANARY)
    })
  })

  it.each(MECHANISMS)('is tried once by %s where there is no other', async (auth) => {
    const { outcome, attempts } = await withToken(BAD, { auth, renewed: undefined })
    expect([outcome, briefly(attempts)]).toEqual(['LOGIN_REFUSED', [`${auth} refused`]])
  })

  it('takes a mechanism for tokens where nobody says which', async () => {
    const { outcome, attempts } = await withToken(provider.grant().accessToken, {})
    expect(outcome).toBe('opened')
    expect(attempts).toHaveLength(1)
    expect(MECHANISMS).toContain(attempts[0]?.mechanism)
  })

  it('does not open the maildrop of another user', async () => {
    const { outcome } = await withToken(provider.grant().accessToken, { user: 'other' })
    expect(outcome).toBe('LOGIN_REFUSED')
  })

  // Dovecot takes 8,192 octets of base64.
  it.each(MECHANISMS)('may have 5,900 octets by %s', async (auth) => {
    const long = CANARY.padEnd(5900, 'x')
    provider.admit(long)
    expect(await withToken(long, { auth })).toMatchObject({ outcome: 'opened' })
  })

  it.each(MECHANISMS)(
    'is not called wrong by %s where it is too long for the server',
    async (auth) => {
      const long = CANARY.padEnd(16_384, 'x')
      provider.admit(long)
      const { outcome, attempts, rejected } = await withToken(long, { auth })
      expect(outcome).toBe('NET_CLOSED')
      expect(briefly(attempts)).not.toContain(`${auth} refused`)
      expect(rejected).toEqual([])
    },
  )
})

describe.skipIf(isDovecotMissing())('an access token at a Dovecot that knows of none', () => {
  it('is not sent', async () => {
    const dovecot = await startDovecot({ maildrops: { me: 'pw' } })
    try {
      const credential = { type: 'token', token: () => Promise.resolve(CANARY) } as const
      const { outcome, attempts, trace } = await logIn(dovecot, { user: 'me', credential })
      expect([outcome, attempts]).toEqual(['LOGIN_NO_MECHANISM', []])
      // The mechanism is tried, since some servers hide it; the token would come in the next line.
      expect(trace.slice(-2)).toEqual([
        'C: AUTH XOAUTH2',
        'S: -ERR [AUTH] Unsupported authentication mechanism.',
      ])
    } finally {
      await dovecot.stop()
    }
  })
})
