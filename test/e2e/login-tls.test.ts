/** What a password may travel on to a real Dovecot: TLS from the start, TLS on request, clear text only if told. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMaildrop } from '../../src/client/maildrop.ts'
import { type Dovecot, isDovecotMissing, startDovecot } from '../support/dovecot.ts'
import { startTap, type Tap } from '../support/tap.ts'
import { briefly, logIn } from './logins.ts'

const PASSWORD = 'pw me'
const login = { user: 'me', password: PASSWORD }

describe.skipIf(isDovecotMissing())('a Dovecot with TLS', () => {
  let dovecot: Dovecot
  let tap: Tap

  beforeAll(async () => {
    // The tap's connections come from another address than the server's: else it takes clear text for safe.
    dovecot = await startDovecot({ maildrops: { me: PASSWORD }, clearText: false })
    tap = await startTap(dovecot.port, '127.0.0.2')
  })

  afterAll(async () => {
    await tap?.close()
    await dovecot?.stop()
  })

  it('hears nothing but STLS before TLS, and tells anew then what it offers', async () => {
    tap.take()
    const { outcome, attempts, trace } = await logIn(dovecot, {
      ...{ ...login, tls: 'stls', port: tap.port },
    })
    expect([outcome, briefly(attempts)]).toEqual(['opened', ['PLAIN ok']])
    const [first, hello] = tap.take()
    expect([first, hello?.charCodeAt(0)]).toEqual(['STLS', 0x16])
    expect(trace.filter((line) => line === 'C: CAPA')).toHaveLength(2)
  })

  it('offers no way in clear text that a password could go', async () => {
    tap.take()
    const { outcome, attempts } = await logIn(dovecot, {
      ...{ ...login, tls: 'none', port: tap.port },
    })
    expect([outcome, attempts]).toEqual(['LOGIN_NO_MECHANISM', []])
    expect(tap.take().join('\n')).not.toMatch(/PASS|AUTH/)
  })

  it.each(['implicit', 'stls'] as const)(
    'gets no password over %s TLS from one who does not know its CA',
    async (tls) => {
      const { outcome, attempts } = await logIn(dovecot, { ...login, tls, ca: undefined })
      expect([outcome, attempts]).toEqual(['NET_TLS', []])
    },
  )

  it.each(['implicit', 'stls'] as const)(
    'gets no password over %s TLS from one who calls it by another name',
    async (tls) => {
      // Loopback all the same, but not in the certificate.
      const { outcome, attempts } = await logIn(dovecot, { ...login, tls, host: '127.1' })
      expect([outcome, attempts]).toEqual(['NET_TLS', []])
    },
  )
})

describe.skipIf(isDovecotMissing())('a Dovecot without TLS', () => {
  let dovecot: Dovecot
  let tap: Tap

  beforeAll(async () => {
    dovecot = await startDovecot({ maildrops: { me: PASSWORD }, tls: false })
    tap = await startTap(dovecot.port)
  })

  afterAll(async () => {
    await tap?.close()
    await dovecot?.stop()
  })

  it('gets no password from one who wants STLS', async () => {
    tap.take()
    const { outcome, attempts } = await logIn(dovecot, {
      ...{ ...login, tls: 'stls', port: tap.port },
    })
    expect([outcome, attempts]).toEqual(['NET_POLICY', []])
    expect(tap.take().filter((line) => line !== 'QUIT')).toEqual(['STLS'])
  })

  it('gets no password from one who wants TLS at once', async () => {
    const { outcome, attempts } = await logIn(dovecot, { ...login, port: dovecot.port })
    expect([outcome, attempts]).toEqual(['NET_NO_TLS', []])
  })

  it('gets the password in clear text from one who said so', async () => {
    const { outcome, attempts } = await logIn(dovecot, { ...login, tls: 'none' })
    expect([outcome, briefly(attempts)]).toEqual(['opened', ['PLAIN ok']])
  })
})

describe.skipIf(isDovecotMissing())('a Dovecot that opens a maildrop once', () => {
  let dovecot: Dovecot

  beforeAll(async () => {
    dovecot = await startDovecot({ maildrops: { me: PASSWORD }, sessionLock: true })
  })

  afterAll(() => dovecot?.stop())

  it('is not taken for one that refuses the password while another session is open', async () => {
    const maildrop = createMaildrop({
      ...{ host: '127.0.0.1', port: dovecot.port, tls: 'none', user: 'me', pipelining: true },
      credential: { type: 'password', secret: PASSWORD },
    })
    const holder = await maildrop.open(new AbortController().signal)
    await dovecot.attempts()

    // Its log has an `ok`: the password was right.
    const { outcome, attempts, error } = await logIn(dovecot, login)
    expect([outcome, briefly(attempts)]).toEqual(['LOGIN_IN_USE', ['PLAIN ok']])
    expect(error).toMatchObject({ responseCode: 'IN-USE' })
    expect(await holder.quit()).toBe('done')
    expect(await logIn(dovecot, login)).toMatchObject({ outcome: 'opened' })
  })
})
