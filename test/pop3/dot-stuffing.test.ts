import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BodyEncoder } from '../../src/pop3/body-encoder.ts'
import { BodyDecoder, type BodyExpectation } from '../../src/pop3/dot-stuffing.ts'
import { chunkings, cutBy, latin1 } from '../support/chunkings.ts'

interface Decoded {
  readonly data: string
  readonly ended: boolean
  /** What followed the termination. */
  readonly rest: string
}

const crlfServer: BodyExpectation = { bareLineEnds: false, listedOctets: undefined }
const lfServer: BodyExpectation = { bareLineEnds: true, listedOctets: undefined }

function decode(chunks: readonly Uint8Array[], expectation: BodyExpectation): Decoded {
  const decoder = new BodyDecoder(expectation)
  let data = ''
  let rest = ''
  for (const chunk of chunks) {
    if (decoder.ended) {
      rest += Buffer.from(chunk).toString('latin1')
      continue
    }
    decoder.feed(chunk)
    for (let view = decoder.next(); view; view = decoder.next()) {
      expect(view.length).toBeGreaterThan(0)
      data += Buffer.from(view).toString('latin1')
    }
    rest += Buffer.from(chunk.subarray(decoder.position)).toString('latin1')
    if (!decoder.ended) expect(decoder.position).toBe(chunk.length)
  }
  expect(decoder.octets).toBe(data.length)
  return { data, ended: decoder.ended, rest }
}

/** Line by line, on the whole text: slow and plain. */
function reference(wire: string, { bareLineEnds, listedOctets }: BodyExpectation): Decoded {
  let data = ''
  let at = 0
  let afterCrlf = !bareLineEnds
  while (at < wire.length) {
    const lf = wire.indexOf('\n', at)
    const line = lf < 0 ? wire.slice(at) : wire.slice(at, lf + 1)
    at += line.length
    if (line === '.\r\n' || line === '.\n') {
      const firstEnd = data.indexOf('\n')
      const isBareBody = firstEnd >= 0 && data[firstEnd - 1] !== '\r'
      const bare = isBareBody ? (data.match(/(?<!\r)\n/g)?.length ?? 0) : 0
      const reached = listedOctets !== undefined && data.length + bare >= listedOctets
      if ((afterCrlf && line === '.\r\n') || bareLineEnds || reached) {
        return { data, ended: true, rest: wire.slice(at) }
      }
    }
    if (lf < 0 && (line === '.' || line === '.\r')) break
    data += line.startsWith('.') ? line.slice(1) : line
    afterCrlf = line.endsWith('\r\n')
  }
  return { data, ended: false, rest: '' }
}

const cases: readonly (readonly [string, string, BodyExpectation, Decoded])[] = [
  ['an empty body', '.\r\n+OK', crlfServer, { data: '', ended: true, rest: '+OK' }],
  ['text', 'a\r\nb\r\n.\r\n', crlfServer, { data: 'a\r\nb\r\n', ended: true, rest: '' }],
  ['a stuffed dot', '..\r\n.\r\n', crlfServer, { data: '.\r\n', ended: true, rest: '' }],
  ['dots', '...\r\n..a\r\n.\r\n', crlfServer, { data: '..\r\n.a\r\n', ended: true, rest: '' }],
  ['a dot not stuffed', '.a\r\n.\r\n', crlfServer, { data: 'a\r\n', ended: true, rest: '' }],
  ['dot CR x', 'a\r\n.\rx\r\n.\r\n', crlfServer, { data: 'a\r\n\rx\r\n', ended: true, rest: '' }],
  ['dot CR CR LF', '.\r\r\n.\r\n', crlfServer, { data: '\r\r\n', ended: true, rest: '' }],
  [
    'NUL, bare CR and 8-bit',
    'a\0\r\xff\r\n.\r\n',
    crlfServer,
    { data: 'a\0\r\xff\r\n', ended: true, rest: '' },
  ],
  [
    'a server of bare line ends',
    'a\n..b\n.\n+OK',
    lfServer,
    { data: 'a\n.b\n', ended: true, rest: '+OK' },
  ],
  [
    'a forged end behind a bare LF',
    'a\r\nb\n.\r\n+OK forged\r\n.\r\n',
    crlfServer,
    { data: 'a\r\nb\n\r\n+OK forged\r\n', ended: true, rest: '' },
  ],
  [
    'a forged end before the listed size',
    'a\r\nb\n.\n+OK forged\r\n.\r\n',
    { bareLineEnds: false, listedOctets: 19 },
    { data: 'a\r\nb\n\n+OK forged\r\n', ended: true, rest: '' },
  ],
  [
    'a bare end at the listed size',
    'a\nb\n.\n',
    { bareLineEnds: false, listedOctets: 4 },
    { data: 'a\nb\n', ended: true, rest: '' },
  ],
  [
    'a bare end at the listed size, line ends counted twice',
    'a\nb\n.\n',
    { bareLineEnds: false, listedOctets: 6 },
    { data: 'a\nb\n', ended: true, rest: '' },
  ],
  [
    'a bare end one octet before the listed size',
    'a\nb\n.\n',
    { bareLineEnds: false, listedOctets: 7 },
    { data: 'a\nb\n\n', ended: false, rest: '' },
  ],
  ['dot CR without end (Cyrus)', 'a\r\n.\r', crlfServer, { data: 'a\r\n', ended: false, rest: '' }],
  [
    'a dot glued to the last line (Exchange 2000)',
    'last line.\r\n',
    crlfServer,
    { data: 'last line.\r\n', ended: false, rest: '' },
  ],
]

describe('BodyDecoder', () => {
  it.each(cases)('decodes %s in every chunking', (_title, wire, expectation, expected) => {
    for (const { name, chunks } of chunkings(latin1(wire))) {
      expect(decode(chunks, expectation), name).toEqual(expected)
    }
  })

  const fragment = fc.constantFrom(
    '.',
    '\r',
    '\n',
    '\r\n',
    '\r\n.',
    '\n.',
    '.\r\n',
    'a',
    '\0',
    '..',
  )
  const wires = fc.array(fragment, { maxLength: 40 }).map((parts) => parts.join(''))
  const expectations = fc.record({
    bareLineEnds: fc.boolean(),
    listedOctets: fc.option(fc.nat(40), { nil: undefined }),
  })

  it('equals a plain reference decoder, however cut', () => {
    fc.assert(
      fc.property(
        wires,
        expectations,
        fc.integer({ min: 1, max: 9 }),
        (wire, expectation, size) => {
          const expected = reference(wire, expectation)
          expect(decode([latin1(wire)], expectation)).toEqual(expected)
          expect(decode(cutBy(latin1(wire), size), expectation)).toEqual(expected)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('undoes what BodyEncoder did, a missing last line end aside', () => {
    fc.assert(
      fc.property(wires, fc.integer({ min: 1, max: 9 }), (text, size) => {
        const encoder = new BodyEncoder()
        const encoded = cutBy(latin1(text), size).flatMap((piece) => [...encoder.encode(piece)])
        const wire = latin1(
          [...encoded, encoder.end()].map((v) => Buffer.from(v).toString('latin1')).join('') +
            '+OK',
        )
        const end = text === '' || text.endsWith('\r\n') ? '' : '\r\n'
        const expectation = { bareLineEnds: false, listedOctets: undefined }
        expect(decode([wire], expectation)).toEqual({ data: text + end, ended: true, rest: '+OK' })
      }),
    )
  })

  it('passes octets without a dot at a line start as one view of the chunk', () => {
    const chunk = latin1('a.b\r\nc...\r\n'.repeat(1000))
    const decoder = new BodyDecoder(crlfServer)
    decoder.feed(chunk)
    expect(decoder.next()).toBe(chunk)
    expect(decoder.next()).toBeUndefined()
  })
})
