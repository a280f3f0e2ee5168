import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BodyEncoder } from '../../src/pop3/body-encoder.ts'
import { BodyDecoder } from '../../src/pop3/dot-stuffing.ts'

function encode(...chunks: readonly string[]): string {
  const encoder = new BodyEncoder()
  const pieces = chunks.flatMap((chunk) => encoder.encode(Buffer.from(chunk, 'latin1')))
  return Buffer.concat([...pieces, encoder.end()]).toString('latin1')
}

describe('BodyEncoder', () => {
  it.each([
    ['', '.\r\n'],
    ['a\r\n', 'a\r\n.\r\n'],
    ['.', '..\r\n.\r\n'],
    ['.\r\n..\r\na.b\r\n.c\r\n', '..\r\n...\r\na.b\r\n..c\r\n.\r\n'],
    ['no line end', 'no line end\r\n.\r\n'],
    ['bare\n.\n', 'bare\n..\n\r\n.\r\n'],
    ['a\r', 'a\r\r\n.\r\n'],
  ])('encodes %j', (message, wire) => {
    expect(encode(message)).toBe(wire)
    expect(encode(...message)).toBe(wire)
  })

  it('is undone by the decoder, however the message is cut', () => {
    const octet = fc.constantFrom('\r', '\n', '.', 'a', '\0', '\xff', '\r\n', '\r\n.')
    const chunks = fc.array(fc.array(octet, { maxLength: 8 }).map((parts) => parts.join('')))
    fc.assert(
      fc.property(chunks, (parts) => {
        const message = parts.join('')
        const wire = Buffer.from(encode(...parts), 'latin1')
        const decoder = new BodyDecoder({ bareLineEnds: false, listedOctets: undefined })
        decoder.feed(wire)
        let decoded = ''
        for (let view = decoder.next(); view; view = decoder.next()) {
          decoded += Buffer.from(view).toString('latin1')
        }
        const isWhole = message === '' || message.endsWith('\r\n')
        expect(decoded).toBe(isWhole ? message : `${message}\r\n`)
        expect(decoder.ended).toBe(true)
        expect(decoder.position).toBe(wire.length)
      }),
      { numRuns: 200 },
    )
  })
})
