import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBase64, encodeBase64 } from '../../src/sasl/base64.ts'

describe('base64', () => {
  it('has the vectors of RFC 4648 section 10', () => {
    const vectors = { '': '', f: 'Zg==', fo: 'Zm8=', foo: 'Zm9v', foob: 'Zm9vYg==' }
    for (const [text, encoded] of Object.entries(vectors)) {
      expect(encodeBase64(Buffer.from(text))).toBe(encoded)
      expect(Buffer.from(decodeBase64(encoded)!).toString()).toBe(text)
    }
  })

  it.each([
    ['no base64', '!!!not base64'],
    ['a word', 'go ahead'],
    ['padding first', '=AAA'],
    ['padding alone', '===='],
    ['padding inside', 'Zg==Zm8='],
    ['padding missing', 'Zg'],
    ['padding short', 'Zg='],
    ['padding too long', 'Zm8=='],
    ['padding after four', 'Zm9v===='],
    ['one character', 'Z'],
    ['the URL alphabet', '-_-_'],
    ['a blank', 'Zm 9v'],
    ['a blank before', ' Zm9v'],
    ['a line end', 'Zm9v\r\n'],
    ['a tab', 'Zm9v\t'],
    ['NUL', 'Zm9\0'],
    ['unused bits set in one octet', 'Zh=='],
    ['unused bits set in two octets', 'Zm9='],
    ['more than ASCII', 'Zm9ö'],
  ])('refuses %s', (_, text) => {
    expect(decodeBase64(text)).toBeUndefined()
  })

  it('gives back what it encoded, of a view into a larger buffer too', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(10), (octets, from) => {
        const view = octets.subarray(from)
        expect([...decodeBase64(encodeBase64(view))!]).toEqual([...view])
      }),
      { numRuns: 200 },
    )
  })
})
