import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { formatAddresses, isFormattedList, parseAddresses } from '../../src/message/addresses.ts'

const pairs = (text: string) => parseAddresses(text).map(({ name, address }) => [name, address])

describe('an address list', () => {
  it.each([
    ['a@b', [['', 'a@b']]],
    ['<a@b>', [['', 'a@b']]],
    [
      'Ann <a@b>, Bob Bee <c@d>',
      [
        ['Ann', 'a@b'],
        ['Bob Bee', 'c@d'],
      ],
    ],
    ['"Doe, \\"J\\" <x@y>" <a@b>', [['Doe, "J" <x@y>', 'a@b']]],
    ['a@b (Ann (the \\) first))', [['Ann (the \\) first)', 'a@b']]],
    ['Ann (x) <a@b> (y)', [['Ann', 'a@b']]],
    ['Ann a@b', [['Ann', 'a@b']]],
    ['undisclosed-recipients:;', [['undisclosed-recipients', '']]],
    [
      'Team: a@b, c@d;, e@f',
      [
        ['', 'a@b'],
        ['', 'c@d'],
        ['', 'e@f'],
      ],
    ],
    [
      'a@b; c@d;',
      [
        ['', 'a@b'],
        ['', 'c@d'],
      ],
    ],
    ['mailto:a@b', [['', 'a@b']]],
    ['root', [['', 'root']]],
    ['Mail Delivery Subsystem', [['Mail Delivery Subsystem', '']]],
    ['"root"', [['root', '']]],
    ['"john doe"@b', [['', '"john doe"@b']]],
    ['a@[IPv6:::1]', [['', 'a@[IPv6:::1]']]],
    ['Ann < a@b >', [['Ann', 'a@b']]],
    ['Ann <', [['', 'Ann']]],
    ['"Ann <a@b>', [['Ann', 'a@b']]],
    ['(Ann <a@b>', [['Ann', 'a@b']]],
    ['boss@x <evil@y>', [['boss@x', 'evil@y']]],
    ['"boss@x"z <evil@y>', [['boss@xz', 'evil@y']]],
    ['x <y <a@b>', [['x <y', 'a@b']]],
    ['<a@b> <c@d>', [['', 'a@b']]],
    ['=?utf-8?Q?Doe,_J?= <a@b>', [['=?utf-8?Q?Doe,_J?=', 'a@b']]],
    ['=?utf-8?Q?boss=40x?=', [['=?utf-8?Q?boss=40x?=', '']]],
    [' , ,, ;', []],
    ['', []],
    ['<>', []],
  ])('%j', (text, expected) => {
    expect(pairs(text)).toEqual(expected)
  })

  it('decodes names, never addresses', () => {
    const decode = (text: string) => text.toUpperCase()
    expect(parseAddresses('ann <a@b>, c@d (cecil), g:;', decode)).toEqual([
      { name: 'ANN', address: 'a@b' },
      { name: 'CECIL', address: 'c@d' },
      { name: 'G', address: '' },
    ])
  })

  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.constantFrom(...'"(<>),:;@\\[] \t', '=?', '?=', '?q?', 'ann', 'a@b', 'ü', '\r\n'))
      .map((pieces) => pieces.join('')),
  )

  it('reads again what it wrote', () => {
    fc.assert(
      fc.property(text, (list) => {
        const addresses = parseAddresses(list)
        expect(parseAddresses(formatAddresses(addresses))).toEqual(addresses)
      }),
      { numRuns: 500 },
    )
  })

  it.each(['a@b', 'Ann Bee 2 <ann.bee+x@b-c.example>', 'Ann <a@b>, c_d@e, Bob <f@g>'])(
    'is known to be formatted: %j',
    (list) => {
      expect(isFormattedList(list)).toBe(true)
    },
  )

  it('is what formatAddresses writes of it where it is known to be formatted', () => {
    const item = fc.constantFrom(
      ...['Ann', 'Ann Bee', 'a', '7', 'a.b@c', 'x+y@z-z', '<a@b>', '<c_d@e>', 'Ann <a@b>'],
      ...['Ann  Bee <a@b>', '"Ann" <a@b>', 'Ann.Bee <a@b>', 'Ann <a @b>', 'ann@b <a@b>'],
    )
    const stop = fc.constantFrom(
      ' ',
      ' ',
      ', ',
      ', ',
      '',
      ',',
      '  ',
      '"',
      '=?',
      '@',
      '.',
      'é',
      ';',
      '\n',
    )
    const list = fc
      .array(fc.tuple(item, stop), { minLength: 1, maxLength: 4 })
      .map((pieces) => pieces.flat().slice(0, -1).join(''))
    let known = 0
    fc.assert(
      fc.property(fc.oneof(list, text), (tried) => {
        if (!isFormattedList(tried)) return
        known += 1
        expect(formatAddresses(parseAddresses(tried))).toBe(tried)
      }),
      { numRuns: 5000 },
    )
    expect(known).toBeGreaterThan(50)
  })

  it.each([
    '(',
    '<',
    '"',
    ',',
    '\\',
    '[',
    '=?',
    '=?a?q?',
    '<(',
    '"(',
    '()',
    '"\\',
    '<a@b',
    'a,',
    ':',
  ])('ends on 300 KB of %j', (piece) => {
    const hostile = piece.repeat(300_000 / piece.length)
    expect(parseAddresses(hostile).length).toBeLessThanOrEqual(1000)
    expect(parseAddresses(`${hostile}>")]?=`).length).toBeLessThanOrEqual(1000)
  })

  it('stops at 1000 addresses', () => {
    expect(parseAddresses('a@b,'.repeat(1001))).toHaveLength(1000)
  })

  it('leaves out an address that the bound cuts', () => {
    const list = `${'x'.repeat(65_530)}@a, b@example.com`
    expect(parseAddresses(list)).toHaveLength(1)
  })
})
