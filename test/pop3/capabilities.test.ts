import { describe, expect, it } from 'vitest'
import { completeCapabilities, parseCapabilities } from '../../src/pop3/capabilities.ts'
import { parseResponseCode } from '../../src/pop3/response-code.ts'

describe('parseCapabilities', () => {
  it('reads tags in any case, tabs, empty lines, doubles and unknown tags', () => {
    const capabilities = parseCapabilities([
      'top',
      '',
      'SASL\tPLAIN  LOGIN',
      'sasl PLAIN XOAUTH2',
      'X-UNHEARD of it',
    ])
    expect(capabilities.has('TOP')).toBe(true)
    expect(capabilities.has('UIDL')).toBe(false)
    expect(capabilities.args('Sasl')).toEqual(['PLAIN', 'LOGIN', 'XOAUTH2'])
    expect(capabilities.args('UIDL')).toEqual([])
    expect(capabilities.lines).toHaveLength(4)
  })
})

describe('completeCapabilities', () => {
  it('adds what only the earlier list has', () => {
    const later = parseCapabilities(['TOP', 'EXPIRE NEVER', 'PIPELINING'])
    const earlier = parseCapabilities(['top', 'EXPIRE 0', 'SASL PLAIN'])
    expect(completeCapabilities(later, earlier).lines).toEqual([
      'TOP',
      'EXPIRE NEVER',
      'PIPELINING',
      'SASL PLAIN',
    ])
  })
})

describe('parseResponseCode', () => {
  it.each([
    ['[IN-USE] busy', 'IN-USE'],
    ['[in-use]', 'IN-USE'],
    ['[auth/x/y] no', 'AUTH'],
    ['[SYS/TEMP] no', 'SYS/TEMP'],
    ['[SYS/OTHER] no', 'SYS'],
    ['[REFERRAL/pop://a.example] no', 'REFERRAL'],
    ['[QkFTRTY0] Exchange', undefined],
    ['text [AUTH]', undefined],
    ['[AUTH', undefined],
    ['', undefined],
  ])('reads %j', (text, code) => {
    expect(parseResponseCode(text)).toBe(code)
  })
})
