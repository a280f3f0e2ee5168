import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonLine, quoted, safe, safeText } from '../../src/cli/safe.ts'

/** Everything that a terminal may act on, spelled out apart from the code under test. */
function isForbidden(code: number): boolean {
  return (
    code < 0x20 ||
    (code >= 0x7f && code <= 0x9f) ||
    code === 0x061c ||
    code === 0x200e ||
    code === 0x200f ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069) ||
    (code >= 0xd800 && code <= 0xdfff)
  )
}

function codePoints(text: string): readonly number[] {
  return [...text].map((character) => character.codePointAt(0) ?? 0)
}

const anyText = fc.string({
  unit: fc.oneof(
    fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    fc.constantFrom('\x1b', '\x9b', '\u202e', '\ud800', '\udc00', '\r', '\n', '\t', 'a'),
  ),
})

describe('safe', () => {
  it('keeps or shows every code point below U+3000 as it should', () => {
    for (let code = 0; code < 0x3000; code += 1) {
      const character = String.fromCodePoint(code)
      const shown = safe(character)
      expect(codePoints(shown).some(isForbidden), `U+${code.toString(16)}`).toBe(false)
      if (!isForbidden(code)) expect(shown).toBe(character)
    }
  })

  it.each([
    ['\x1b]0;owned\x07', '\\x1b]0;owned\\x07'],
    ['\x9b31m', '\\x9b31m'],
    ['ends with \x1b', 'ends with \\x1b'],
    ['a\tb\r\nc', 'a b\\x0d\\x0ac'],
    ['invoice\u202egnp.exe', 'invoice\\u202egnp.exe'],
    ['half \ud83d of a pair', 'half \ufffd of a pair'],
    ['Привет, 世界 😀', 'Привет, 世界 😀'],
  ])('shows %j as %j', (text, shown) => {
    expect(safe(text)).toBe(shown)
  })

  it('lets nothing through that a terminal acts on', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(codePoints(safe(text)).some(isForbidden)).toBe(false)
        const lines = codePoints(safeText(text))
        expect(lines.some((code) => isForbidden(code) && code !== 0x0a && code !== 0x09)).toBe(
          false,
        )
      }),
      { numRuns: 300 },
    )
  })
})

describe('quoted', () => {
  it('uses other marks than the text itself has', () => {
    expect(quoted('no "x" here')).toBe(`'no "x" here'`)
    expect(quoted(`it's "x"`)).toBe(`"it's "x""`)
  })

  it('cuts long server text before it is made safe, so that no escape is cut in half', () => {
    expect(quoted('\x1b'.repeat(300))).toBe(`"${'\\x1b'.repeat(200)}..."`)
  })
})

describe('jsonLine', () => {
  it('escapes every code point below U+3000 that a terminal acts on', () => {
    for (let code = 0; code < 0x3000; code += 1) {
      const line = jsonLine(String.fromCodePoint(code)).slice(0, -1)
      expect(codePoints(line).some(isForbidden), `U+${code.toString(16)}`).toBe(false)
      expect(JSON.parse(line)).toBe(String.fromCodePoint(code))
    }
  })

  it('is one line of the same value, with no control and no bidi character', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const line = jsonLine({ text })
        expect(line.indexOf('\n')).toBe(line.length - 1)
        expect(codePoints(line.slice(0, -1)).some(isForbidden)).toBe(false)
        expect(JSON.parse(line)).toEqual({ text })
      }),
      { numRuns: 300 },
    )
  })
})
