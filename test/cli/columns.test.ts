import { describe, expect, it } from 'vitest'
import { counted, cut, humanOctets, padded, shortened, textWidth } from '../../src/cli/columns.ts'

describe('columns', () => {
  it.each([
    ['abc', 3],
    ['жизнь', 5],
    ['世界', 4],
    ['한글', 4],
    ['e\u0301', 1],
    ['\u200b', 0],
    ['😀', 2],
    ['👩‍👩‍👧', 2],
    ['', 0],
  ])('measures %j as %d columns', (text, width) => {
    expect(textWidth(text)).toBe(width)
  })

  it.each([
    ['abc', 5, 'abc  '],
    ['abcdef', 4, 'abc…'],
    ['世界世界', 4, '世… '],
    ['世界', 6, '世界  '],
  ])('puts %j into %d columns', (text, width, result) => {
    expect(padded(text, width)).toBe(result)
    expect(textWidth(padded(text, width))).toBe(width)
  })

  it.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdef', 5, 'ab…ef'],
    ['abcdefg', 4, 'ab…g'],
    ['世界世界', 6, '世…界'],
    ['ab', 1, '…'],
  ])('shortens %j to %d columns', (text, width, result) => {
    expect(shortened(text, width)).toBe(result)
    expect(textWidth(result)).toBeLessThanOrEqual(width)
  })

  it('does not cut inside a grapheme', () => {
    expect(cut('👩‍👩‍👧👩‍👩‍👧', 3)).toBe('👩‍👩‍👧…')
  })

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [3_400_000, '3.4 MB'],
    [999_949, '999.9 kB'],
    [999_950, '1.0 MB'],
    [5e15, '5000.0 TB'],
  ])('says %d octets as %s', (octets, text) => {
    expect(humanOctets(octets)).toBe(text)
  })

  it('counts in words', () => {
    expect([counted(1, 'message'), counted(1204, 'message')]).toEqual([
      '1 message',
      '1,204 messages',
    ])
  })
})
