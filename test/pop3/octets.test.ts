import { expect, it } from 'vitest'
import { octetString, octetsOf } from '../../src/pop3/octets.ts'

it('gives each octet one unit, and takes them back', () => {
  const octets = Uint8Array.from({ length: 10_000 }, (_, index) => index & 0xff)
  const text = octetString(octets)
  expect(text).toHaveLength(octets.length)
  expect(octetsOf(text)).toEqual(octets)
})

it.each([
  [0, 3, 'abc'],
  [1, 2, 'b'],
  [2, 99, 'cd'],
  [4, 9, ''],
  [9, 12, ''],
])('from %i to %i, and not beyond the end', (start, end, text) => {
  expect(octetString(octetsOf('abcd'), start, end)).toBe(text)
})
