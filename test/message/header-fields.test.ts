import { describe, expect, it } from 'vitest'

import { HeaderCollector, parseHeaderFields, readHeader } from '../../src/message/header-fields.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')
const fieldsOf = (text: string) => [...parseHeaderFields(latin1(text))]

describe('header fields', () => {
  it.each([
    [
      'A: b\r\nC:d\r\n\r\nE: f',
      [
        ['a', [' b']],
        ['c', ['d']],
      ],
    ],
    ['A: b\r\n c\r\n\td\r\n', [['a', [' b c\td']]]],
    [
      'A: 1\nb: x\na: 2\n',
      [
        ['a', [' 1', ' 2']],
        ['b', [' x']],
      ],
    ],
    [
      'A: b\r\r\nC: d\r\r\n\r\r\nE: f',
      [
        ['a', [' b']],
        ['c', [' d']],
      ],
    ],
    ['A : b\r\n', [['a', [' b']]]],
    ['no field\r\n x: y\r\nA: b', [['a', [' b']]]],
    [' first: folded\r\nA: b', [['a', [' b']]]],
    [': x\r\nA\0: y\r\nB b: z\r\n', []],
    ['A: \0\xff\r\n', [['a', [' \0\xff']]]],
    ['\r\nA: b', []],
    ['', []],
  ])('of %j', (text, expected) => {
    expect(fieldsOf(text)).toEqual(expected)
  })

  it('holds names that objects have, too', () => {
    const fields = parseHeaderFields(latin1('__proto__: p\r\nconstructor: c\r\ntoString: t\r\n'))
    expect([...fields.keys()]).toEqual(['__proto__', 'constructor', 'tostring'])
    expect(parseHeaderFields(latin1('A: b')).get('constructor')).toBeUndefined()
  })

  it('stops after 1000 fields', () => {
    const count = (fields: number) =>
      parseHeaderFields(latin1('a: b\n'.repeat(fields))).get('a')?.length
    expect([count(1000), count(1001), count(100_000)]).toEqual([1000, 1000, 1000])
  })

  it('bounds a body at 64 KiB, folded or not', () => {
    const bound = 64 * 1024
    const octets = (text: string) => parseHeaderFields(latin1(text)).get('a')?.[0]?.length
    expect(octets(`a:${'x'.repeat(bound)}`)).toBe(bound)
    expect(octets(`a:${'x'.repeat(bound + 1)}`)).toBe(bound)
    expect(octets(`a:${'\r\n x'.repeat(bound)}`)).toBe(bound)
  })
})

describe('the header section', () => {
  const texts = ['A: b\r\n\r\n', 'A: b\n\n', 'A: b\r\n\r\r\n', '\r\n', '\n', 'A:\r\r\n \r\n\r\n']

  it.each(texts)('%j ends after its blank line, through any two chunks', (header) => {
    const message = latin1(`${header}body\r\n\r\n`)
    for (let cut = 0; cut <= message.length; cut++) {
      const collector = new HeaderCollector()
      const taken =
        collector.write(message.subarray(0, cut)) + collector.write(message.subarray(cut))
      expect([taken, collector.isComplete]).toEqual([header.length, true])
      expect(Buffer.from(collector.octets()).toString('latin1')).toBe(header)
    }
  })

  it('is the whole message if there is no blank line', () => {
    const collector = new HeaderCollector()
    expect(collector.write(latin1('A: b\r\n\r'))).toBe(7)
    expect(collector.isComplete).toBe(false)
  })

  it('is at most 256 KiB', () => {
    const bound = 256 * 1024
    const collector = new HeaderCollector()
    expect(collector.write(latin1('x'.repeat(bound - 1)))).toBe(bound - 1)
    expect(collector.isComplete).toBe(false)
    expect(collector.write(latin1('xx'))).toBe(1)
    expect(collector.isComplete).toBe(true)
    expect(collector.octets()).toHaveLength(bound)
  })

  it('is read without reading on', () => {
    function* message() {
      yield latin1('A: b\r')
      yield latin1('\n\r\nbody')
      throw new Error('read on')
    }
    expect(Buffer.from(readHeader(message())).toString('latin1')).toBe('A: b\r\n\r\n')
  })
})
