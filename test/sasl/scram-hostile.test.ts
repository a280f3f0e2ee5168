import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SaslMechanism } from '../../src/sasl/mechanism.ts'
import { scram } from '../../src/sasl/scram.ts'
import { answersTo, anyChallenge, octets, oversize, saslError } from './challenges.ts'
import { type ScramHostility, ScramServer } from './scram-server.ts'

const nonce = 'fyko+d2lbbFgONRv9qkxdawL'
const serverFirst = `r=${nonce}3rfc,s=QSXCR+Q6sek8bf92,i=4096`

const client = () =>
  scram({ hash: 'SHA-256', user: 'tim', password: 'hunter2', binding: { flag: 'n' }, nonce })

const server = (hostility: ScramHostility) =>
  new ScramServer({ hash: 'SHA-256', user: 'tim', password: 'unknown to it', hostility })

/** The challenge that answers what the client said; fails if it is the end. */
function challengeFor(answering: ScramServer, message: Uint8Array | undefined): Uint8Array {
  const reply = answering.answer(message!)
  if ('ok' in reply) throw new Error('no challenge')
  return reply.challenge
}

/** A client that has shown its proof. */
function proven(): SaslMechanism {
  const mechanism = client()
  mechanism.respond(octets(serverFirst))
  return mechanism
}

describe('SCRAM shows no proof to a server', () => {
  it.each([
    'foreign nonce',
    'nonce not extended',
    'i=1',
    'i=4095',
    'i=2000000000',
    'empty salt',
    'm=',
  ] as const)('that says %s', (hostility) => {
    const mechanism = client()
    const challenge = challengeFor(server(hostility), mechanism.initialResponse)
    expect(saslError(() => mechanism.respond(challenge)).code).toBe('SASL_CHALLENGE')
    expect(saslError(() => mechanism.respond(octets(serverFirst))).code).toBe('SASL_CHALLENGE')
    expect(mechanism.hasExposed).toBe(false)
    expect(mechanism.isComplete).toBe(false)
  })

  it.each([
    ['nothing', ''],
    ['no attributes', 'hello'],
    ['another order', `s=QSXCR+Q6sek8bf92,r=${nonce}3rfc,i=4096`],
    ['no salt', `r=${nonce}3rfc,i=4096`],
    ['no count', `r=${nonce}3rfc,s=QSXCR+Q6sek8bf92`],
    ['a salt that is no base64', `r=${nonce}3rfc,s=!!!,i=4096`],
    ['a salt without padding', `r=${nonce}3rfc,s=QSXCR+Q,i=4096`],
    ['a salt over 1 KiB', `r=${nonce}3rfc,s=${Buffer.alloc(1025).toString('base64')},i=4096`],
    ['a count of none', `r=${nonce}3rfc,s=QSXCR+Q6sek8bf92,i=`],
    ['a count with a sign', `r=${nonce}3rfc,s=QSXCR+Q6sek8bf92,i=+4096`],
    ['a count in hex', `r=${nonce}3rfc,s=QSXCR+Q6sek8bf92,i=0x4096`],
    ['a count with an exponent', `r=${nonce}3rfc,s=QSXCR+Q6sek8bf92,i=1e5`],
    ['a count with a zero before', `r=${nonce}3rfc,s=QSXCR+Q6sek8bf92,i=04096`],
    ['a count one past a million', `r=${nonce}3rfc,s=QSXCR+Q6sek8bf92,i=1000001`],
    ['a blank in the nonce', `r=${nonce} 3rfc,s=QSXCR+Q6sek8bf92,i=4096`],
    ['a second count', `${serverFirst},i=1`],
    ['m= at the end', `${serverFirst},m=ext`],
    ['a comma at the end', `${serverFirst},`],
    ['more than ASCII', `${serverFirst},x=\xe9`],
    ['a line end', `${serverFirst}\r\n`],
    ['NUL', `${serverFirst},x=\0`],
    ['server-final', 'v=rmF9pqV8S7suAoZWja4dJRkFsKQ='],
  ])('whose server-first has %s', (_, text) => {
    const mechanism = client()
    expect(saslError(() => mechanism.respond(octets(text))).code).toBe('SASL_CHALLENGE')
    expect(mechanism.hasExposed).toBe(false)
  })

  it('whose server-first passes 64 KiB', () => {
    const long = octets(`${serverFirst},x=`.padEnd(oversize.length, 'x'))
    expect(saslError(() => client().respond(long)).code).toBe('SASL_CHALLENGE')
    expect(client().respond(long.subarray(0, -1))).toBeDefined()
  })

  it('but to one with the largest salt, the most iterations and optional attributes', () => {
    const salt = Buffer.alloc(1024).toString('base64')
    const text = `r=${nonce}3rfc,s=${salt},i=1000000,x=1,Y=,z=a=b`
    const mechanism = client()
    mechanism.respond(octets(text))
    expect(mechanism.hasExposed).toBe(true)
  })
})

describe('SCRAM does not believe a server', () => {
  it.each(['wrong v=', 'short v=', 'missing v=', 'empty server-final'] as const)(
    'that says %s',
    (hostility) => {
      const mechanism = client()
      const hostile = server(hostility)
      const first = challengeFor(hostile, mechanism.initialResponse)
      const final = challengeFor(hostile, mechanism.respond(first))
      expect(saslError(() => mechanism.respond(final)).code).toBe('SASL_SERVER_UNPROVEN')
      expect(mechanism.isComplete).toBe(false)
    },
  )

  it('that says +OK without server-final', () => {
    const mechanism = client()
    const hostile = server('+OK without server-final')
    const first = challengeFor(hostile, mechanism.initialResponse)
    expect(hostile.answer(mechanism.respond(first))).toEqual({ ok: true })
    expect(mechanism.isComplete).toBe(false)
  })

  it.each([
    ['v= that is no base64', 'v=!!!', 'SASL_CHALLENGE'],
    ['an empty v=', 'v=', 'SASL_SERVER_UNPROVEN'],
    ['v= in the second place', 'x=1,v=AAAA', 'SASL_SERVER_UNPROVEN'],
    ['v= twice', 'v=AAAA,v=AAAA', 'SASL_CHALLENGE'],
    ['server-first again', serverFirst, 'SASL_SERVER_UNPROVEN'],
    ['more than ASCII', 'v=AAAA,x=\xe9', 'SASL_CHALLENGE'],
  ])('whose server-final has %s', (_, text, code) => {
    const mechanism = proven()
    expect(saslError(() => mechanism.respond(octets(text))).code).toBe(code)
    expect(mechanism.isComplete).toBe(false)
  })

  it('that goes on after an error, whatever it says then', () => {
    const mechanism = proven()
    expect(mechanism.respond(octets('e=other-error,x=1'))).toHaveLength(0)
    expect(mechanism.serverError).toBe('other-error,x=1')
    expect(mechanism.isComplete).toBe(false)
    expect(saslError(() => mechanism.respond(octets('v=AAAA'))).code).toBe('SASL_CHALLENGE')
  })

  it('that goes on after it has proven itself', () => {
    const right = new ScramServer({ hash: 'SHA-256', user: 'tim', password: 'hunter2' })
    const mechanism = client()
    const first = challengeFor(right, mechanism.initialResponse)
    mechanism.respond(challengeFor(right, mechanism.respond(first)))
    expect(mechanism.isComplete).toBe(true)
    expect(saslError(() => mechanism.respond(octets(''))).code).toBe('SASL_CHALLENGE')
    expect(mechanism.isComplete).toBe(false)
  })

  it('and keeps 1,024 characters of its error', () => {
    const mechanism = proven()
    mechanism.respond(octets(`e=${'x'.repeat(2000)}`))
    expect(mechanism.serverError).toHaveLength(1024)
  })
})

describe('SCRAM and any challenge', () => {
  const challenges = fc.array(anyChallenge, { maxLength: 3 })

  it('throws nothing but SaslError, never completes, never says the password', () => {
    fc.assert(
      fc.property(fc.boolean(), challenges, (isProven, hostile) => {
        const mechanism = isProven ? proven() : client()
        expect(answersTo(mechanism, hostile)).not.toContain('hunter2')
        expect(mechanism.isComplete).toBe(false)
      }),
      { numRuns: 200 },
    )
  })

  it('takes server-first with any octet changed for what it says, or refuses it', () => {
    fc.assert(
      fc.property(fc.nat(serverFirst.length - 1), fc.nat(255), (at, octet) => {
        const challenge = octets(serverFirst).slice()
        challenge[at] = octet
        expect(answersTo(client(), [challenge])).not.toContain('hunter2')
      }),
      { numRuns: 200 },
    )
  })
})
