import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  findForm,
  inWireForm,
  LineFeedEncoder,
  withCarriageReturns,
} from '../../src/archive/maildir-form.ts'

const octets = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))
const digestOf = (of: Uint8Array) => createHash('sha256').update(of).digest()

function encode(chunks: readonly Uint8Array[]): Uint8Array | undefined {
  const encoder = new LineFeedEncoder()
  const parts: Uint8Array[] = []
  for (const chunk of chunks) {
    const part = encoder.write(chunk)
    if (part === undefined) return undefined
    parts.push(part.slice())
  }
  return new Uint8Array(Buffer.concat([...parts, encoder.end()]))
}

const split = (of: Uint8Array, at: number) => [of.subarray(0, at), of.subarray(at)]

describe('LF form', () => {
  it.each([
    ['a\r\nb\r\n', 'a\nb\n'],
    ['a\r\r\nb', 'a\r\nb'],
    ['a\rb\r', 'a\rb\r'],
    ['\r\n', '\n'],
    ['', ''],
    ['\r\r\r', '\r\r\r'],
  ])('of %j is %j, at each split', (wire, form) => {
    for (let at = 0; at <= wire.length; at += 1) {
      expect(encode(split(octets(wire), at))).toEqual(octets(form))
    }
  })

  it.each([['\n'], ['a\nb\r\n'], ['a\r\n\n'], ['\r\n\r\na\n']])('does not exist for %j', (wire) => {
    for (let at = 0; at <= wire.length; at += 1) {
      expect(encode(split(octets(wire), at))).toBeUndefined()
    }
  })
})

const wireLike = fc
  .array(fc.constantFrom('\r', '\n', '\r\n', 'a', '\0', '\xff', '.'), { maxLength: 40 })
  .map((parts) => octets(parts.join('')))

it('any octets come back from the form that a writer chooses', () => {
  fc.assert(
    fc.property(wireLike, fc.nat(), fc.nat(), (wire, cut, fileCut) => {
      const form = encode(split(wire, cut % (wire.length + 1)))
      const file = form ?? wire
      const read = () => split(file, fileCut % (file.length + 1))
      const found = findForm(read, digestOf(wire))
      expect(found?.octets).toBe(wire.length)
      const back = Buffer.concat([...inWireForm(read(), found?.form ?? 'wire')])
      expect(new Uint8Array(back)).toEqual(wire)
    }),
  )
})

it('an LF form exists if and only if CRLF for LF reproduces the octets', () => {
  fc.assert(
    fc.property(wireLike, (wire) => {
      const text = Buffer.from(wire).toString('latin1')
      const lf = octets(text.replaceAll('\r\n', '\n'))
      const isExact = Buffer.from(withCarriageReturns(lf)).equals(wire)
      expect(encode([wire]) !== undefined).toBe(isExact)
    }),
  )
})

it('a flipped octet has no form', () => {
  const wire = octets('Subject: x\r\n\r\nbody\r\n')
  const file = octets('Subject: y\n\nbody\n')
  expect(findForm(() => [file], digestOf(wire))).toBeUndefined()
})
