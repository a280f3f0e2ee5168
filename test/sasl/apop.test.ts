import { describe, expect, it } from 'vitest'
import { apopDigest, apopStamp } from '../../src/sasl/apop.ts'

const stamp = '<1896.697170952@dbc.mtview.ca.us>'

describe('the stamp of APOP', () => {
  it('has the digest of RFC 1939 section 7', () => {
    expect(apopStamp(`+OK POP3 server ready ${stamp}`)).toBe(stamp)
    expect(apopDigest(stamp, 'tanstaaf')).toBe('c4c9334bac560ecc979e58001b3e22fb')
  })

  it('takes a password in UTF-8', () => {
    expect(apopDigest('<a@b>', 'pässwörd')).toBe('fb6bb12b442977d834b1c812f75c2526')
  })

  it.each([
    ['text after it', `+OK ${stamp} ready [x]`, stamp],
    ['nothing around it', '+OK<a@b>', '<a@b>'],
    ['base64 in it, as Dovecot', '+OK <13.4.5f.1+/x==@mail>', '<13.4.5f.1+/x==@mail>'],
    ['an address literal', '+OK <1.2@[192.0.2.1]>', '<1.2@[192.0.2.1]>'],
    ['brackets before', '+OK <ready> << <a.b@c>', '<a.b@c>'],
    ['two', '+OK <a@b> <c@d>', '<a@b>'],
  ])('is found with %s', (_, greeting, found) => {
    expect(apopStamp(greeting)).toBe(found)
  })

  it.each([
    ['nothing', '+OK ready'],
    ['no at sign', '+OK <abc>'],
    ['two at signs', '+OK <a@b@c>'],
    ['nothing before it', '+OK <@b>'],
    ['nothing after it', '+OK <a@>'],
    ['no end', '+OK <a@b'],
    ['no beginning', '+OK a@b>'],
    ['a blank', '+OK <a b@c>'],
    ['a control character', '+OK <a\x01@c>'],
    ['8-bit octets', '+OK <a\xe9@c>'],
    ['characters past 8 bits', '+OK <a\u4e00@c>'],
    ['DEL', '+OK <a\x7f@c>'],
    ['a quoted string', '+OK <"a b"@c>'],
    ['a comma', '+OK <a,b@c>'],
    ['a colon', '+OK <a:b@c>'],
    ['a backslash', '+OK <a\\b@c>'],
    ['two dots', '+OK <a..b@c>'],
    ['a dot at the end', '+OK <a@b.>'],
    ['a bracket not closed', '+OK <a@[1.2>'],
    ['over 512 characters', `+OK <${'a'.repeat(509)}@b>`],
  ])('is refused with %s', (_, greeting) => {
    expect(apopStamp(greeting)).toBeUndefined()
  })

  it('is accepted at 512 characters', () => {
    expect(apopStamp(`+OK <${'a'.repeat(508)}@b>`)).toHaveLength(512)
  })

  // In quadratic time each of these takes minutes, so the runner's own limit ends it.
  it.each([
    ['<', '<'],
    ['>', '>'],
    ['<a@', '<a@'],
    ['<>', '<>'],
    ['a.', 'a.'],
    ['<a.a@>', '<a.a@>'],
  ])('is looked for once in 2 MB of %s', (_, piece) => {
    const greeting = `+OK <${piece.repeat(2_000_000 / piece.length)}`
    expect(apopStamp(greeting)).toBeUndefined()
    expect(apopStamp(`${greeting}> ${stamp}`)).toBe(stamp)
  })
})
