import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { external } from '../../src/sasl/external.ts'
import type { SaslMechanism } from '../../src/sasl/mechanism.ts'
import { oauthBearer } from '../../src/sasl/oauth-bearer.ts'
import { plainMechanism } from '../../src/sasl/plain.ts'
import { xoauth2 } from '../../src/sasl/xoauth2.ts'
import { answersTo, anyChallenge, base64, octets, oversize, saslError } from './challenges.ts'

const bearer = (user: string, token: string, host = 'h') =>
  oauthBearer({ user, token, host, port: 995 })

const all: readonly (readonly [string, () => SaslMechanism])[] = [
  ['PLAIN', () => plainMechanism('tim', 'tanstaaftanstaaf')],
  ['EXTERNAL', () => external()],
  ['XOAUTH2', () => xoauth2('tim', 'tanstaaftanstaaf')],
  ['OAUTHBEARER', () => bearer('tim', 'tanstaaftanstaaf')],
]

describe.each(all)('%s', (name, make) => {
  it('is complete once its message was taken', () => {
    const mechanism = make()
    expect(mechanism.name).toBe(name)
    expect(mechanism.isComplete).toBe(false)
    expect(mechanism.hasExposed).toBe(false)
    expect(mechanism.initialResponse).toBeDefined()
    expect(mechanism.isComplete).toBe(true)
    expect(mechanism.hasExposed).toBe(name !== 'EXTERNAL')
    expect(mechanism.serverError).toBeUndefined()
  })

  it('says its message twice alike, for a second form of AUTH', () => {
    const mechanism = make()
    expect(mechanism.initialResponse).toEqual(mechanism.initialResponse)
  })

  it('answers one error challenge at most, and is not complete after it', () => {
    const mechanism = make()
    void mechanism.initialResponse
    if (name.includes('AUTH')) mechanism.respond(octets('{}'))
    expect(saslError(() => mechanism.respond(octets(''))).code).toBe('SASL_CHALLENGE')
    expect(mechanism.isComplete).toBe(false)
  })

  it('refuses an oversize challenge, for good', () => {
    const mechanism = make()
    void mechanism.initialResponse
    expect(saslError(() => mechanism.respond(oversize)).code).toBe('SASL_CHALLENGE')
    expect(saslError(() => mechanism.respond(octets('{}'))).code).toBe('SASL_CHALLENGE')
    expect(mechanism.serverError).toBeUndefined()
    expect(mechanism.isComplete).toBe(false)
  })

  it('never says the secret in answer to a challenge', () => {
    fc.assert(
      fc.property(fc.array(anyChallenge, { maxLength: 4 }), (challenges) => {
        const mechanism = make()
        const message = Buffer.from(mechanism.initialResponse!).toString('latin1')
        expect(answersTo(mechanism, challenges).slice(message.length)).not.toContain('tanstaaf')
      }),
      { numRuns: 200 },
    )
  })
})

describe('PLAIN', () => {
  it('has the message of RFC 4616 section 4', () => {
    const message = plainMechanism('tim', 'tanstaaftanstaaf').initialResponse
    expect(base64(message)).toBe('AHRpbQB0YW5zdGFhZnRhbnN0YWFm')
  })

  it('carries all but NUL, in UTF-8 and unprepared', () => {
    const unit = fc.string({ unit: 'grapheme', minLength: 1 })
    const carried = unit.filter((text) => !text.includes('\0'))
    fc.assert(
      fc.property(carried, carried, (user, password) => {
        const message = Buffer.from(plainMechanism(user, password).initialResponse!).toString()
        expect(message).toBe(`\0${user}\0${password}`)
      }),
      { numRuns: 200 },
    )
  })

  it.each([
    ['no user', '', 'hunter2'],
    ['no password', 'tim', ''],
    ['NUL in the user', 'tim\0x', 'hunter2'],
    ['NUL in the password', 'tim', 'hunter2\0x'],
    ['half a surrogate pair', 'tim', 'hunter2\ud83d'],
  ])('refuses %s', (_, user, password) => {
    const error = saslError(() => plainMechanism(user, password))
    expect(error.code).toBe('SASL_ARGUMENT')
    expect(error.message).not.toContain('hunter2')
  })
})

describe('EXTERNAL', () => {
  it('says nothing, or whom to act as (RFC 4422 appendix A)', () => {
    expect(external().initialResponse).toHaveLength(0)
    expect(base64(external('fred@example.com').initialResponse)).toBe('ZnJlZEBleGFtcGxlLmNvbQ==')
  })

  it('refuses an identity with NUL', () => {
    expect(saslError(() => external('fred\0')).code).toBe('SASL_ARGUMENT')
  })
})

describe('XOAUTH2', () => {
  it("has the message of Google's documentation", () => {
    const token = 'ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg'
    expect(base64(xoauth2('someuser@example.com', token).initialResponse)).toBe(
      'dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==',
    )
  })

  it('answers an error challenge with nothing and keeps its text', () => {
    const mechanism = xoauth2('tim', 'token')
    void mechanism.initialResponse
    const json = '{"status":"401","schemes":"bearer","scope":"mail"}'
    expect(mechanism.respond(octets(json))).toHaveLength(0)
    expect(mechanism.serverError).toBe(json)
  })

  it.each([
    ['no JSON at all', octets('no\r\n'), 'no\r\n'],
    ['nothing', octets(''), ''],
    ['octets that are no UTF-8', Uint8Array.of(0x61, 0xff), 'a\ufffd'],
    ['1,024 characters', octets('a'.repeat(1024)), 'a'.repeat(1024)],
    ['more of them', octets('a'.repeat(1025)), 'a'.repeat(1024)],
  ])('takes an error challenge of %s', (_, challenge, kept) => {
    const mechanism = xoauth2('tim', 'token')
    expect(mechanism.respond(challenge)).toHaveLength(0)
    expect(mechanism.serverError).toBe(kept)
  })
})

describe('OAUTHBEARER', () => {
  const example = {
    user: 'user@example.com',
    token: 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==',
    host: 'server.example.com',
    port: 143,
  }

  it('has the message of RFC 7628 section 4.1', () => {
    expect(base64(oauthBearer(example).initialResponse)).toBe(
      'bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB',
    )
  })

  it('answers an error challenge with AQ== (section 4.3)', () => {
    const mechanism = oauthBearer(example)
    const error = '{"status":"invalid_token","scope":"example_scope"}'
    expect(base64(mechanism.respond(octets(error)))).toBe('AQ==')
    expect(mechanism.serverError).toBe(error)
  })

  it("escapes '=' and ',' in the user name", () => {
    const message = Buffer.from(bearer('a=b,c', 't').initialResponse!).toString()
    expect(message).toBe('n,a=a=3Db=2Cc,\x01host=h\x01port=995\x01auth=Bearer t\x01\x01')
  })

  it('refuses a host that would end its pair', () => {
    expect(saslError(() => bearer('u', 't', 'h\x01auth=x')).code).toBe('SASL_ARGUMENT')
  })
})

describe.each([
  ['XOAUTH2', xoauth2],
  ['OAUTHBEARER', bearer],
])('%s', (_, make) => {
  it.each([
    ['no user', '', 'hunter2'],
    ['no token', 'tim', ''],
    ['^A in the user', 'tim\x01auth=Bearer x', 'hunter2'],
    ['^A in the token', 'tim', 'hunter2\x01'],
    ['a line end in the token', 'tim', 'hunter2\r\n'],
    ['DEL in the token', 'tim', 'hunter2\x7f'],
    ['half a surrogate pair', 'tim\ud83d', 'hunter2'],
  ])('refuses %s', (_what, user, token) => {
    const error = saslError(() => make(user, token))
    expect(error.code).toBe('SASL_ARGUMENT')
    expect(error.message).not.toContain('hunter2')
  })

  it('carries a token of 1 MiB', () => {
    const token = 'ab'.repeat(512 * 1024)
    const message = Buffer.from(make('tim', token).initialResponse!).toString()
    expect(message.endsWith(`\x01auth=Bearer ${token}\x01\x01`)).toBe(true)
  })
})
