import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { defaultPort, MECHANISMS } from '../../src/accounts/account.ts'
import { UsageError } from '../../src/accounts/errors.ts'
import { defaultAccountName, isPopUrl, parsePopUrl } from '../../src/accounts/pop-url.ts'

const url = { port: undefined, tls: 'implicit', auth: undefined }

describe('a POP URL', () => {
  it.each([
    ['pops://me@host', { ...url, host: 'host', user: 'me' }],
    ['POPS://me%40example.com@h.example', { ...url, host: 'h.example', user: 'me@example.com' }],
    ['pops://me@example.com@host', { ...url, host: 'host', user: 'me@example.com' }],
    ['pop3s://me@host:1995', { ...url, host: 'host', user: 'me', port: 1995 }],
    ['pops://me@host:', { ...url, host: 'host', user: 'me' }],
    ['pop://me@host', { ...url, host: 'host', user: 'me', tls: 'stls' }],
    [
      'pop3://me@127.0.0.1:1110',
      { ...url, host: '127.0.0.1', user: 'me', tls: 'stls', port: 1110 },
    ],
    ['pops://me@[::1]:995', { ...url, host: '::1', user: 'me', port: 995 }],
    ['pops://me;AUTH=PLAIN@host', { ...url, host: 'host', user: 'me', auth: 'PLAIN' }],
    [
      'pops://me;auth=scram-sha-256@host',
      { ...url, host: 'host', user: 'me', auth: 'SCRAM-SHA-256' },
    ],
    ['pops://me;AUTH=+APOP@host', { ...url, host: 'host', user: 'me', auth: 'APOP' }],
    ['pops://me;AUTH=*@host', { ...url, host: 'host', user: 'me' }],
    [
      'pops://J%C3%BCrgen%3A%2F@m\u00fcller.example',
      { ...url, host: 'm\u00fcller.example', user: 'J\u00fcrgen:/' },
    ],
  ])('%s', (text, expected) => {
    expect(isPopUrl(text)).toBe(true)
    expect(parsePopUrl(text)).toEqual(expected)
  })

  it.each([
    ['a password', 'pops://me:hunter2@host'],
    ['a password with a slash', 'pops://me:hun/ter2@host'],
    ['a password with an at sign', 'pops://me:hunter2@x@host'],
    ['a path', 'pops://me@host/inbox'],
    ['an empty path', 'pops://me@host/'],
    ['a query', 'pops://me@host?x=hunter2'],
    ['a fragment', 'pops://me@host#x'],
    ['no user', 'pops://host'],
    ['an empty user', 'pops://@host'],
    ['an empty user with AUTH', 'pops://;AUTH=PLAIN@host'],
    ['no host', 'pops://me@'],
    ['a host with a space', 'pops://me@ho st'],
    ['a bare IPv6 address', 'pops://me@::1'],
    ['a wrong IPv6 address', 'pops://me@[::g]'],
    ['port 0', 'pops://me@host:0'],
    ['port 65536', 'pops://me@host:65536'],
    ['a port that is none', 'pops://me@host:pop3'],
    ['another parameter', 'pops://me;X=1@host'],
    ['two parameters', 'pops://me;AUTH=PLAIN;AUTH=LOGIN@host'],
    ['an empty mechanism', 'pops://me;AUTH=@host'],
    ['an unknown mechanism', 'pops://me;AUTH=NTLM@host'],
    ['a mechanism that is no command', 'pops://me;AUTH=+PLAIN@host'],
    ['a broken escape', 'pops://me%4@host'],
    ['an escape that is not UTF-8', 'pops://me%ff@host'],
    ['a line end', 'pops://me%0d%0aDELE@host'],
    ['a NUL', 'pops://me%00@host'],
    ['another scheme', 'imap://me@host'],
  ])('with %s is refused', (_, text) => {
    let caught: unknown
    try {
      parsePopUrl(text)
    } catch (error) {
      caught = error
    }
    expect(caught).toBeInstanceOf(UsageError)
    expect(caught).toMatchObject({ code: 'USAGE' })
    expect(String(caught)).not.toMatch(/hun|ter2/)
  })

  it.each(['work', 'me@example.com', 'imap://x', 'pops:', 'sqlite:pop://'])(
    '%j is none',
    (argument) => {
      expect(isPopUrl(argument)).toBe(false)
    },
  )

  it('carries any user', () => {
    const user = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((text) => !/[\0-\x1f\x7f]/.test(text))
    fc.assert(
      fc.property(user, (name) => {
        expect(parsePopUrl(`pops://${encodeURIComponent(name)}@host`).user).toBe(name)
      }),
    )
  })

  it('names an account', () => {
    expect(defaultAccountName({ user: 'me', host: 'h' })).toBe('me@h')
    expect(defaultAccountName({ user: 'me@x', host: 'h' })).toBe('me@x')
  })

  it.each([...MECHANISMS, 'plain', 'sCrAm-sha-1-pLuS'])('may ask for %s', (mechanism) => {
    expect(parsePopUrl(`pops://me;AUTH=${mechanism}@host`).auth).toBe(mechanism.toUpperCase())
  })

  it('leaves the port to the mode of TLS', () => {
    expect([defaultPort('implicit'), defaultPort('stls'), defaultPort('none')]).toEqual([
      995, 110, 110,
    ])
  })
})
