import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChannelBinding } from '../../src/sasl/gs2-header.ts'
import { SaslError, type SaslMechanism } from '../../src/sasl/mechanism.ts'
import { scram } from '../../src/sasl/scram.ts'
import { octets, saslError } from './challenges.ts'
import { ScramServer, type ScramServerOptions } from './scram-server.ts'

const text = (message: Uint8Array | undefined) => Buffer.from(message ?? []).toString()
const none = { flag: 'n' } as const

/** Whether the server ends with +OK. */
function converse(mechanism: SaslMechanism, server: ScramServer): boolean {
  let reply = server.answer(mechanism.initialResponse!)
  for (let round = 0; round < 5; round++) {
    if ('ok' in reply) return reply.ok
    reply = server.answer(mechanism.respond(reply.challenge))
  }
  throw new Error('too many rounds')
}

describe('SCRAM-SHA-1', () => {
  it('has the exchange of RFC 5802 section 5', () => {
    const mechanism = scram({
      hash: 'SHA-1',
      user: 'user',
      password: 'pencil',
      binding: none,
      nonce: 'fyko+d2lbbFgONRv9qkxdawL',
    })
    expect(mechanism.name).toBe('SCRAM-SHA-1')
    expect(text(mechanism.initialResponse)).toBe('n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL')
    expect(mechanism.hasExposed).toBe(false)
    const nonce = 'fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j'
    const answer = mechanism.respond(octets(`r=${nonce},s=QSXCR+Q6sek8bf92,i=4096`))
    expect(text(answer)).toBe(`c=biws,r=${nonce},p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=`)
    expect(mechanism.hasExposed).toBe(true)
    expect(mechanism.isComplete).toBe(false)
    expect(mechanism.respond(octets('v=rmF9pqV8S7suAoZWja4dJRkFsKQ='))).toHaveLength(0)
    expect(mechanism.isComplete).toBe(true)
    expect(mechanism.serverError).toBeUndefined()
  })
})

describe('SCRAM-SHA-256', () => {
  it('has the exchange of RFC 7677 section 3', () => {
    const mechanism = scram({
      hash: 'SHA-256',
      user: 'user',
      password: 'pencil',
      binding: none,
      nonce: 'rOprNGfwEbeRWgbNEkqO',
    })
    expect(mechanism.name).toBe('SCRAM-SHA-256')
    expect(text(mechanism.initialResponse)).toBe('n,,n=user,r=rOprNGfwEbeRWgbNEkqO')
    const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
    const answer = mechanism.respond(octets(`r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`))
    expect(text(answer)).toBe(`c=biws,r=${nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`)
    mechanism.respond(octets('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='))
    expect(mechanism.isComplete).toBe(true)
  })

  it('takes a new nonce of 18 octets each time', () => {
    const nonces = Array.from({ length: 20 }, () => {
      const first = scram({ hash: 'SHA-256', user: 'u', password: 'p', binding: none })
      return text(first.initialResponse).slice('n,,n=u,r='.length)
    })
    expect(new Set(nonces).size).toBe(20)
    for (const nonce of nonces) expect(Buffer.from(nonce, 'base64')).toHaveLength(18)
  })
})

describe.each(['SHA-1', 'SHA-256'] as const)('SCRAM-%s against a server', (hash) => {
  const right: ScramServerOptions = { hash, user: 'tim', password: 'pencil' }
  const client = (binding: ChannelBinding = none, password = 'pencil') =>
    scram({ hash, user: 'tim', password, binding })

  it('logs in', () => {
    const mechanism = client()
    expect(converse(mechanism, new ScramServer(right))).toBe(true)
    expect(mechanism.isComplete).toBe(true)
  })

  it('is refused with a wrong password, in the words of the server', () => {
    const mechanism = client(none, 'pencils')
    expect(converse(mechanism, new ScramServer(right))).toBe(false)
    expect(mechanism.isComplete).toBe(false)
    expect(mechanism.hasExposed).toBe(true)
    expect(mechanism.serverError).toBe('invalid-proof')
  })

  it('shows nothing to a server that does not know the user', () => {
    const mechanism = client()
    expect(converse(mechanism, new ScramServer({ ...right, user: 'tom' }))).toBe(false)
    expect(mechanism.hasExposed).toBe(false)
    expect(mechanism.serverError).toBe('unknown-user')
  })

  const binding = { type: 'tls-exporter', data: Uint8Array.from({ length: 32 }, (_, at) => at) }

  it('binds to the TLS session', () => {
    const mechanism = client({ flag: 'p', ...binding })
    expect(mechanism.name).toBe(`SCRAM-${hash}-PLUS`)
    expect(text(mechanism.initialResponse)).toMatch(/^p=tls-exporter,,n=tim,r=/)
    expect(converse(mechanism, new ScramServer({ ...right, binding }))).toBe(true)
    expect(mechanism.isComplete).toBe(true)
  })

  it('is refused where another TLS session ends at the server', () => {
    const mechanism = client({ flag: 'p', type: 'tls-exporter', data: new Uint8Array(32) })
    expect(converse(mechanism, new ScramServer({ ...right, binding }))).toBe(false)
    expect(mechanism.isComplete).toBe(false)
    expect(mechanism.serverError).toBe('channel-bindings-dont-match')
  })

  it('lets the server see that somebody took -PLUS from its list', () => {
    const mechanism = client({ flag: 'y' })
    expect(mechanism.name).toBe(`SCRAM-${hash}`)
    expect(converse(mechanism, new ScramServer({ ...right, binding }))).toBe(false)
    expect(mechanism.serverError).toBe('server-does-support-channel-binding')
    expect(converse(client({ flag: 'y' }), new ScramServer(right))).toBe(true)
  })

  it.each([
    ['two commas and equals signs', 'a=b,c==,', 'p,=w'],
    ['a soft hyphen, mapped to nothing', 'I\u00adX', 'pen\u00adcil'],
    ['compatible characters', '\u2168', '\u00aa\ufb01'],
    ['a no-break space', 'user', 'pen\u00a0cil'],
    ['an emoji, unassigned in Unicode 3.2', 'user', 'pencil\u{1f980}'],
  ])('prepares %s', (_, user, password) => {
    const mechanism = scram({ hash, user, password, binding: none })
    expect(converse(mechanism, new ScramServer({ hash, user, password }))).toBe(true)
    expect(mechanism.isComplete).toBe(true)
  })

  it('logs in with any user and password, or refuses them before', () => {
    const any = fc.oneof(
      fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 }),
      fc.string({ unit: 'binary', maxLength: 20 }),
    )
    fc.assert(
      fc.property(any, any, (user, password) => {
        const mechanism = created(() => scram({ hash, user, password, binding: none }), password)
        if (mechanism === undefined) return
        expect(converse(mechanism, new ScramServer({ hash, user, password }))).toBe(true)
        expect(mechanism.isComplete).toBe(true)
      }),
      { numRuns: 200 },
    )
  })
})

/** Undefined if user or password were refused, in words that do not have the password. */
function created(make: () => SaslMechanism, password: string): SaslMechanism | undefined {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof SaslError)) throw error
    expect(error.code).toBe('SASL_ARGUMENT')
    // Printable ASCII is never refused, so what is refused cannot be a word of the message by chance.
    if (password !== '')
      expect(/^[ -~]+$/.test(password) || !error.message.includes(password)).toBe(true)
    return undefined
  }
}

describe('SASLprep (RFC 4013 section 3)', () => {
  const first = (user: string) =>
    text(scram({ hash: 'SHA-1', user, password: 'p', binding: none, nonce: 'r' }).initialResponse)

  it.each([
    ['I\u00adX', 'IX'],
    ['user', 'user'],
    ['USER', 'USER'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
  ])('makes %j %j', (user, prepared) => {
    expect(first(user)).toBe(`n,,n=${prepared},r=r`)
  })

  it.each([
    ['a control character', '\x07'],
    ['letters of both directions', '\u0627\u0031'],
    ['NUL', 'a\0b'],
    ['half a surrogate pair', 'a\ud83d'],
    ['nothing', ''],
    ['nothing after mapping', '\u00ad'],
  ])('refuses %s', (_, value) => {
    const options = { hash: 'SHA-1', user: 'u', password: 'p', binding: none } as const
    expect(saslError(() => scram({ ...options, user: value })).code).toBe('SASL_ARGUMENT')
    expect(saslError(() => scram({ ...options, password: value })).code).toBe('SASL_ARGUMENT')
  })
})
