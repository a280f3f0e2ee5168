/** Client certificates against a real Dovecot. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ClientCertificate } from '../support/client-certificate.ts'
import { type Dovecot, isDovecotMissing, startDovecot } from '../support/dovecot.ts'
import { briefly, logIn } from './logins.ts'

const credential = { type: 'certificate' } as const

describe.skipIf(isDovecotMissing())('a client certificate at Dovecot', () => {
  let dovecot: Dovecot
  let ofMe: ClientCertificate

  beforeAll(async () => {
    dovecot = await startDovecot({
      maildrops: { me: 'pw me', other: 'pw other' },
      mechanisms: ['plain', 'external'],
      clientCertificates: true,
    })
    ofMe = dovecot.clientCertificate('me')
  })

  afterAll(() => dovecot?.stop())

  describe.each(['implicit', 'stls'] as const)('over %s TLS', (tls) => {
    it.each([undefined, 'EXTERNAL'])(
      'opens the session by EXTERNAL (asked for: %s)',
      async (auth) => {
        const { outcome, attempts } = await logIn(dovecot, {
          ...{ user: 'me', credential, clientCertificate: ofMe, auth, tls },
        })
        const seen = [{ mechanism: 'EXTERNAL', user: 'me', ok: true }]
        expect([outcome, attempts]).toEqual(['opened', seen])
      },
    )

    it('is refused where it is signed by nobody that the server knows', async () => {
      const clientCertificate = dovecot.clientCertificate('me', 'itself')
      const { outcome, attempts } = await logIn(dovecot, {
        ...{ user: 'me', credential, clientCertificate, tls },
      })
      expect([outcome, briefly(attempts)]).toEqual(['LOGIN_REFUSED', ['EXTERNAL refused']])
    })

    it('does not stand in the way of a password', async () => {
      const { outcome, attempts } = await logIn(dovecot, {
        ...{ user: 'me', password: 'pw me', clientCertificate: ofMe, tls },
      })
      expect([outcome, briefly(attempts)]).toEqual(['opened', ['PLAIN ok']])
    })
  })

  it('is not asked for: a password does without', async () => {
    const { outcome } = await logIn(dovecot, { user: 'other', password: 'pw other' })
    expect(outcome).toBe('opened')
  })

  it('is needed for EXTERNAL', async () => {
    const { outcome, attempts } = await logIn(dovecot, { user: 'me', credential })
    expect([outcome, briefly(attempts)]).toEqual(['LOGIN_REFUSED', ['EXTERNAL refused']])
  })
})

describe.skipIf(isDovecotMissing())('a client certificate at a Dovecot that asks for none', () => {
  it('is of no use', async () => {
    const dovecot = await startDovecot({ maildrops: { me: 'pw' } })
    try {
      const { outcome, attempts } = await logIn(dovecot, {
        ...{ user: 'me', credential, clientCertificate: dovecot.clientCertificate('me') },
      })
      expect([outcome, attempts]).toEqual(['LOGIN_NO_MECHANISM', []])
    } finally {
      await dovecot.stop()
    }
  })
})
