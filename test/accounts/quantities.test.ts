import { describe, expect, it } from 'vitest'

import { parseMechanism, parsePin } from '../../src/accounts/account.ts'
import { nearestWord } from '../../src/accounts/nearest-word.ts'
import { parseDuration, parseOctets, parseTimeSpan } from '../../src/accounts/quantities.ts'

const HOUR = 3_600_000

describe('quantities', () => {
  it.each([
    ['12h', 12 * HOUR],
    ['30d', 720 * HOUR],
    [' 2 w ', 336 * HOUR],
    ['1y', 8760 * HOUR],
    ['0d', 0],
    ['30', undefined],
    ['30m', undefined],
    ['-1d', undefined],
    ['1.5d', undefined],
    ['d', undefined],
    ['', undefined],
    ['999999999y', undefined],
    ['1d 2h', undefined],
  ])('%j is %j ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each([
    ['90s', 90_000],
    ['10m', 600_000],
    [' 2 h ', 2 * HOUR],
    ['0m', undefined],
    ['1d', undefined],
    ['10', undefined],
    ['', undefined],
  ])('%j is a run of %j ms', (text, ms) => {
    expect(parseTimeSpan(text)).toBe(ms)
  })

  it.each([
    ['500', 500],
    ['2K', 2048],
    ['10M', 10 * 1024 ** 2],
    ['1 GB', 1024 ** 3],
    ['1GiB', 1024 ** 3],
    ['3t', 3 * 1024 ** 4],
    ['7B', 7],
    ['0', 0],
    ['', undefined],
    ['M', undefined],
    ['-1', undefined],
    ['1.5G', undefined],
    ['1P', undefined],
    ['999999999999999T', undefined],
  ])('%j is %j octets', (text, octets) => {
    expect(parseOctets(text)).toBe(octets)
  })

  it.each([
    ['ab'.repeat(32), 'ab'.repeat(32)],
    ['AB:'.repeat(31).concat('AB'), 'ab'.repeat(32)],
    [`sha256:${'AB'.repeat(32)}`, 'ab'.repeat(32)],
    ['q6ur'.repeat(10).concat('q6s='), 'ab'.repeat(32)],
    ['sha256//'.concat('q6ur'.repeat(10), 'q6s='), 'ab'.repeat(32)],
    ['q6ur'.repeat(10).concat('q6ur'), undefined],
    ['ab'.repeat(31), undefined],
    ['ab'.repeat(33), undefined],
    ['gg'.repeat(32), undefined],
  ])('%j is the pin %j', (text, pin) => {
    expect(parsePin(text)).toBe(pin)
  })

  it.each([
    ['plain', 'PLAIN'],
    ['SCRAM-SHA-256', 'SCRAM-SHA-256'],
    ['', undefined],
    ['a b', undefined],
    ['A'.repeat(21), undefined],
  ])('%j is the mechanism %j', (text, mechanism) => {
    expect(parseMechanism(text)).toBe(mechanism)
  })
})

describe('the nearest word', () => {
  const words = ['host', 'port', 'user', 'delete', 'delete_after', 'password_file']

  it.each([
    ['hots', 'host'],
    ['Host', 'host'],
    ['usr', 'user'],
    ['delet', 'delete'],
    ['deleteafter', 'delete_after'],
    ['passwordfile', 'password_file'],
    ['username', undefined],
    ['x', undefined],
    ['', undefined],
    ['entirely_else', undefined],
  ])('to %j is %j', (word, nearest) => {
    expect(nearestWord(word, words)).toBe(nearest)
  })
})
