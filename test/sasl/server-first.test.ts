import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cramMd5 } from '../../src/sasl/cram-md5.ts'
import { loginMechanism } from '../../src/sasl/login.ts'
import { answersTo, anyChallenge, octets, oversize, saslError } from './challenges.ts'

const text = (message: Uint8Array) => Buffer.from(message).toString()

describe('LOGIN', () => {
  it('says user and password, whatever it is asked', () => {
    const mechanism = loginMechanism('jürgen', 'pässwörd')
    expect(mechanism.name).toBe('LOGIN')
    expect(mechanism.initialResponse).toBeUndefined()
    expect(text(mechanism.respond(octets('Benutzer\xff')))).toBe('jürgen')
    expect(mechanism.hasExposed).toBe(false)
    expect(mechanism.isComplete).toBe(false)
    expect(text(mechanism.respond(octets('')))).toBe('pässwörd')
    expect(mechanism.hasExposed).toBe(true)
    expect(mechanism.isComplete).toBe(true)
  })

  it('does not say the password where the user is asked for once more', () => {
    const mechanism = loginMechanism('tim', 'hunter2')
    mechanism.respond(octets(''))
    expect(saslError(() => mechanism.respond(octets('Username:'))).code).toBe('SASL_CHALLENGE')
  })

  it('refuses a third challenge, for good', () => {
    const mechanism = loginMechanism('tim', 'hunter2')
    mechanism.respond(octets('Username:'))
    mechanism.respond(octets('Password:'))
    expect(saslError(() => mechanism.respond(octets('Password:'))).code).toBe('SASL_CHALLENGE')
    expect(mechanism.isComplete).toBe(false)
    expect(mechanism.hasExposed).toBe(true)
  })

  it('says no password after an oversize challenge', () => {
    const mechanism = loginMechanism('tim', 'hunter2')
    mechanism.respond(octets('Username:'))
    expect(saslError(() => mechanism.respond(oversize)).code).toBe('SASL_CHALLENGE')
    expect(saslError(() => mechanism.respond(octets(''))).code).toBe('SASL_CHALLENGE')
    expect(mechanism.hasExposed).toBe(false)
  })

  it.each([
    ['no user', '', 'hunter2'],
    ['no password', 'tim', ''],
    ['NUL', 'tim', 'hunter2\0'],
  ])('refuses %s', (_, user, password) => {
    expect(saslError(() => loginMechanism(user, password)).code).toBe('SASL_ARGUMENT')
  })
})

describe('CRAM-MD5', () => {
  const challenge = octets('<1896.697170952@postoffice.reston.mci.net>')

  it('has the digest of RFC 2195 section 2', () => {
    const mechanism = cramMd5('tim', 'tanstaaftanstaaf')
    expect(mechanism.initialResponse).toBeUndefined()
    expect(mechanism.isComplete).toBe(false)
    expect(mechanism.hasExposed).toBe(false)
    expect(text(mechanism.respond(challenge))).toBe('tim b913a602c7eda7a495b4e6e7334d3890')
    expect(mechanism.isComplete).toBe(true)
    expect(mechanism.hasExposed).toBe(true)
  })

  it.each([
    ['nothing', octets('')],
    ['more than ASCII', octets('<\xff@b>')],
    ['a control character', octets('<a@b>\r\n')],
    ['too much', oversize],
  ])('refuses a challenge of %s, for good', (_, hostile) => {
    const mechanism = cramMd5('tim', 'tanstaaftanstaaf')
    expect(saslError(() => mechanism.respond(hostile)).code).toBe('SASL_CHALLENGE')
    expect(saslError(() => mechanism.respond(challenge)).code).toBe('SASL_CHALLENGE')
    expect(mechanism.hasExposed).toBe(false)
  })

  it('answers 64 KiB', () => {
    expect(cramMd5('tim', 'x').respond(oversize.subarray(1))).toHaveLength(36)
  })

  it('answers once', () => {
    const mechanism = cramMd5('tim', 'tanstaaftanstaaf')
    mechanism.respond(challenge)
    expect(saslError(() => mechanism.respond(challenge)).code).toBe('SASL_CHALLENGE')
    expect(mechanism.isComplete).toBe(false)
  })

  it('never says the password', () => {
    fc.assert(
      fc.property(fc.array(anyChallenge, { maxLength: 3 }), (challenges) => {
        expect(answersTo(cramMd5('tim', 'tanstaaf'), challenges)).not.toContain('tanstaaf')
      }),
      { numRuns: 200 },
    )
  })

  it.each([
    ['no user', '', 'hunter2'],
    ['no password', 'tim', ''],
    ['a line end in the user', 'tim\r\n', 'hunter2'],
    ['NUL in the password', 'tim', 'hunter2\0'],
  ])('refuses %s', (_, user, password) => {
    expect(saslError(() => cramMd5(user, password)).code).toBe('SASL_ARGUMENT')
  })
})
