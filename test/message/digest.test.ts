import { createHash } from 'node:crypto'

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { createMessageDigester } from '../../src/message/digest.ts'
import { fingerprintOf } from '../../src/message/fingerprint.ts'
import { SERVER_FIELDS } from '../../src/message/server-fields.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')
const sha256 = (octets: Uint8Array | string) => createHash('sha256').update(octets).digest('hex')
const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex')

function digestOf(message: string, cuts: readonly number[] = [], gatheredOctets?: number) {
  const octets = latin1(message)
  const digester = createMessageDigester(gatheredOctets)
  const edges = [0, ...cuts.map((cut) => cut % (octets.length + 1)), octets.length]
  edges.sort((a, b) => a - b)
  edges.slice(1).forEach((edge, index) => {
    // A copy that is spoilt afterwards: the digester may not keep the view.
    const chunk = Buffer.from(octets.subarray(edges[index], edge))
    digester.write(chunk)
    chunk.fill(0x58)
  })
  return digester.end()
}

/** The canonical octets by their definition, over a whole string and without any thought for memory. */
function canonicalText(message: string): string {
  const lines = message.match(/[^\n]*\n|[^\n]+$/g) ?? []
  const kept: string[] = []
  let isHeader = true
  let isDropped = false
  for (const line of lines) {
    if (isHeader && /^\r*\n$/.test(line)) isHeader = false
    if (isHeader && !/^[ \t]/.test(line)) {
      const name = /^([!-9;-~]+)[ \t]*:/.exec(line)?.[1]
      isDropped = name !== undefined && SERVER_FIELDS.has(name.toLowerCase())
    }
    if (!isHeader || !isDropped) kept.push(line)
  }
  return kept.join('').replaceAll('\r\n', '\n').replace(/\n+$/, '')
}

const canonicalOf = (message: string) => hex(digestOf(message).canonical)

describe('the digester', () => {
  it('names the octets as they came', () => {
    const message = 'Subject: x\r\n\r\nbody\0\xff\r\n'
    const { digest, octets, lines } = digestOf(message)
    expect(hex(digest)).toBe(sha256(latin1(message)))
    expect(octets).toBe(message.length)
    expect(lines.map(({ text }) => text)).toEqual(['Subject: x'])
  })

  it('digests nothing at all', () => {
    const { digest, canonical, octets, lines } = digestOf('')
    expect([hex(digest), hex(canonical)]).toEqual([sha256(''), sha256('')])
    expect([octets, lines.length]).toEqual([0, 0])
  })

  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('\r', '\n', '\r\n', '\n\n', '\r\n\r\n', '\r\r\n') },
    fc.constantFrom('Status: RO', 'X-UID : 1', ' folded', '\t', 'Subject: s', 'status', ':', 'x'),
    fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)),
      maxLength: 9,
    }),
  )
  const message = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''))

  const cuts = fc.array(fc.nat(400), { maxLength: 12 })

  it.each([
    ['gathered', fc.constant(undefined)],
    ['as they come', fc.constant(0)],
    ['gathered up to anywhere', fc.nat(100)],
  ])('gives what the definition gives, through any chunks, %s', (_, gatheredOctets) => {
    fc.assert(
      fc.property(message, cuts, gatheredOctets, (text, cutsOfText, gathered) => {
        const { digest, canonical, octets, fingerprint } = digestOf(text, cutsOfText, gathered)
        expect(hex(canonical)).toBe(sha256(latin1(canonicalText(text))))
        expect(hex(digest)).toBe(sha256(latin1(text)))
        expect(hex(fingerprint)).toBe(hex(fingerprintOf(latin1(text))))
        expect(octets).toBe(text.length)
      }),
      { numRuns: 500 },
    )
  })

  it('gives the same through octet-by-octet chunks, however many are gathered', () => {
    const text = 'A: b\r\nStatus: O\r\n x\r\n\r\n.\r\n\r\n\r\rz\r\n\r\n\n'
    const every = Array.from({ length: text.length }, (_, index) => index)
    for (let gathered = 0; gathered <= text.length; gathered++) {
      expect(digestOf(text, every, gathered)).toEqual(digestOf(text))
    }
  })

  it.each([-1, 0, 1])('gathers up to 64 KiB and %d octets', (more) => {
    const text = `Status: O\r\nA: b\r\n\r\n${'x\r\n'.repeat(30_000)}`.slice(0, 64 * 1024 + more)
    expect(digestOf(text, [1000, 5000])).toEqual(digestOf(text, [], 0))
  })

  it('keeps messages apart that come at the same time', () => {
    const texts = ['A: b\r\n\r\none', 'A: b\r\n\r\ntwo', `A: b\r\n\r\n${'3'.repeat(70_000)}`]
    const digesters = texts.map(() => createMessageDigester())
    for (const half of [0, 1]) {
      digesters.forEach((digester, index) => {
        const octets = latin1(texts[index] ?? '')
        const middle = octets.length / 2
        digester.write(half === 0 ? octets.subarray(0, middle) : octets.subarray(middle))
      })
    }
    const ends = digesters.map((digester) => digester.end())
    expect(ends).toEqual(texts.map((text) => digestOf(text)))
    expect(ends.map(({ digest }) => hex(digest))).toEqual(texts.map(sha256))
  })

  it('crosses its scratch buffer anywhere', () => {
    for (const shift of [-2, -1, 0, 1]) {
      const body = `${'x'.repeat(64 * 1024 + shift)}\r\n\r\n${'\r\n'.repeat(70_000)}end\r\n`
      expect(canonicalOf(`\r\n${body}`)).toBe(
        sha256(`\n${body.replaceAll('\r\n', '\n').trimEnd()}`),
      )
    }
  })
})

describe('the canonical digest', () => {
  const message = 'From: a@b\r\nSubject: s\r\n\r\nbody\r\n'

  it.each([
    ['line ends', message.replaceAll('\r\n', '\n')],
    ['trailing blank lines', `${message}\r\n\r\n`],
    ['a lost last line end', message.slice(0, -2)],
    ['an inserted field', message.replace('Subject', 'Status: RO\r\nSubject')],
    ['inserted fields in a row', `X-UID: 7\r\nX-Keywords: a\r\n b\r\n${message}`],
    ['a last inserted field', message.replace('\r\n\r\n', '\r\nContent-Length: 4\r\n\r\n')],
  ])('does not change by %s', (_, changed) => {
    expect(changed).not.toBe(message)
    expect(canonicalOf(changed)).toBe(canonicalOf(message))
  })

  it.each([
    ['the body', message.replace('body', 'Body')],
    ['a bare CR', message.replace('body', 'bo\rdy')],
    ['a field', message.replace('Subject: s', 'Subject: t')],
    ['a server field in the body', message.replace('body', 'Status: RO\r\nbody')],
  ])('changes by %s', (_, changed) => {
    expect(canonicalOf(changed)).not.toBe(canonicalOf(message))
  })

  it('counts server fields past the bound of the header section', () => {
    const long = `X: ${'y'.repeat(256 * 1024)}\r\n`
    const body = '\r\n\r\nbody'
    const { lines, canonical } = digestOf(`${long}Status: R${body}`, [1000, 300_000])
    expect(lines.at(-1)?.next).toBe(256 * 1024)
    expect(hex(canonical)).toBe(sha256(`${long}Status: R${body}`.replaceAll('\r\n', '\n')))
  })
})
