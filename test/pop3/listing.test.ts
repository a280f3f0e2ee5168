import { describe, expect, it } from 'vitest'
import { UNIQUE_ID_OCTETS } from '../../src/pop3/limits.ts'
import {
  ListingJoin,
  parseDropListing,
  parseScanRow,
  parseUniqueIdRow,
} from '../../src/pop3/listing.ts'
import { latin1 } from '../support/chunkings.ts'

describe('parseDropListing', () => {
  it.each([
    ['2 320', { messages: 2, octets: 320 }],
    ['2\t320 more', { messages: 2, octets: 320 }],
    ['0 0', { messages: 0, octets: 0 }],
    ['5 -1522108923', { messages: 5, octets: undefined }],
    ['5', { messages: 5, octets: undefined }],
    ['5 5368709120', { messages: 5, octets: 5368709120 }],
    ['five 1', undefined],
    ['', undefined],
    ['-1 2', undefined],
  ])('reads %j', (text, expected) => {
    expect(parseDropListing(text)).toEqual(expected)
  })
})

describe('parseScanRow', () => {
  it.each([
    ['1 120', { messageNumber: 1, octets: 120 }],
    ['1\t120', { messageNumber: 1, octets: 120 }],
    ['  1   120  extra', { messageNumber: 1, octets: 120 }],
    ['+OK 1 120', { messageNumber: 1, octets: 120 }],
    ['1 %!d(float64=5461)', { messageNumber: 1, octets: undefined }],
    ['1 54.61', { messageNumber: 1, octets: undefined }],
    ['1 -7', { messageNumber: 1, octets: undefined }],
    ['1', { messageNumber: 1, octets: undefined }],
    ['1 99999999999999999999999', { messageNumber: 1, octets: undefined }],
    ['1 9007199254740991', { messageNumber: 1, octets: 2 ** 53 - 1 }],
    ['1 9007199254740992', { messageNumber: 1, octets: undefined }],
    ['2147483647 1', { messageNumber: 2147483647, octets: 1 }],
    ['2147483648 1', undefined],
    ['9007199254740992 1', undefined],
    ['4294967297 1', undefined],
    ['0 1', undefined],
    ['-1 1', undefined],
    ['1x 1', undefined],
    ['1.0 1', undefined],
    ['', undefined],
    ['messages follow', undefined],
  ])('reads %j', (row, expected) => {
    expect(parseScanRow(latin1(row))).toEqual(expected)
  })
})

describe('parseUniqueIdRow', () => {
  const longest = 'u'.repeat(UNIQUE_ID_OCTETS)

  it.each([
    ['1 abc', 'abc'],
    ['1   abc  ', 'abc'],
    ['1\tabc', 'abc'],
    ['+OK 1 abc', 'abc'],
    ['1 a b c', 'a b c'],
    ['1 a\tb', 'a\tb'],
    ['1 ENOMEM-17', undefined],
    ['1 xENOMEM-17', 'xENOMEM-17'],
    ['1 \xe4\xff', '\xe4\xff'],
    ['1', undefined],
    ['1 ', undefined],
    ['1 +OK', '+OK'],
    [`1 ${longest}`, longest],
    [`1 ${longest}u`, undefined],
  ])('reads the unique-id of %j', (row, uniqueId) => {
    expect(parseUniqueIdRow(latin1(row))).toEqual({ messageNumber: 1, uniqueId })
  })

  it.each(['0 a', '-1 a', '2147483648 a', '9007199254740992 a', '1x a', 'a'])(
    'reads no message number in %j',
    (row) => {
      expect(parseUniqueIdRow(latin1(row))).toBeUndefined()
    },
  )
})

describe('ListingJoin', () => {
  const join = (scan: readonly string[], uniqueIds: readonly string[]): ListingJoin => {
    const both = new ListingJoin()
    for (const row of scan) both.addScanRow(parseScanRow(latin1(row))!)
    for (const row of uniqueIds) both.addUniqueIdRow(parseUniqueIdRow(latin1(row))!)
    return both
  }

  it('keeps messages that both listings show, gaps and equal unique-ids included', () => {
    expect(join(['1 10', '4 40', '5 50', '6 60'], ['1 a', '4 a', '6', '7 c']).rows(true)).toEqual([
      { messageNumber: 1, octets: 10, uniqueId: 'a' },
      { messageNumber: 4, octets: 40, uniqueId: 'a' },
      { messageNumber: 6, octets: 60, uniqueId: undefined },
    ])
  })

  it('keeps all of LIST where there are no unique-ids', () => {
    expect(join(['2 20', '1 10'], []).rows(false)).toEqual([
      { messageNumber: 2, octets: 20, uniqueId: undefined },
      { messageNumber: 1, octets: 10, uniqueId: undefined },
    ])
  })

  it.each([
    ['both listings', ['1 10', '1 11'], ['1 a', '1 b']],
    ['LIST', ['1 10', '1 11'], ['1 a']],
    ['UIDL', ['1 10'], ['1 a', '1 b']],
  ])('lets the first of two rows with one message number win, and marks it: %s', (_, ...rows) => {
    expect(join(...rows).rows(true)).toEqual([
      { messageNumber: 1, octets: 10, uniqueId: 'a', isRepeated: true },
    ])
  })
})
