import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UNIQUE_ID_OCTETS } from '../../src/pop3/limits.ts'
import { parseDropListing, readScanRows, readUniqueIdRows } from '../../src/pop3/listing.ts'
import { ListingJoin } from '../../src/pop3/listing-join.ts'
import { latin1 } from '../support/chunkings.ts'

const scanRows = (lines: string): unknown[] => {
  const rows: unknown[] = []
  const count = readScanRows(latin1(lines), (...row) => rows.push(row))
  expect(count).toBe(rows.length)
  return rows
}

const uniqueIdRows = (lines: string): unknown[] => {
  const rows: unknown[] = []
  const count = readUniqueIdRows(latin1(lines), (messageNumber, start, end) =>
    rows.push([messageNumber, lines.slice(start, end)]),
  )
  expect(count).toBe(rows.length)
  return rows
}

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

describe('readScanRows', () => {
  it.each([
    ['1 120', [1, 120]],
    ['1\t120', [1, 120]],
    ['  1   120  extra', [1, 120]],
    ['+OK 1 120', [1, 120]],
    ['1 %!d(float64=5461)', [1, undefined]],
    ['1 54.61', [1, undefined]],
    ['1 -7', [1, undefined]],
    ['1', [1, undefined]],
    ['1 99999999999999999999999', [1, undefined]],
    ['1 9007199254740991', [1, 2 ** 53 - 1]],
    ['1 9007199254740992', [1, undefined]],
    ['2147483647 1', [2147483647, 1]],
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
    const rows = expected ? [expected] : []
    for (const end of ['', '\n', '\r\n', ' \r\n']) expect(scanRows(`${row}${end}`)).toEqual(rows)
  })

  it('reads many lines, whatever is between the rows', () => {
    const lines = '1 10\r\n\r\n2 20\nsome words\r\n..3 30\r\n.4 40 \r\n5\r\n6 6'
    expect(scanRows(lines)).toEqual([
      ...[
        [1, 10],
        [2, 20],
        [4, 40],
        [5, undefined],
      ],
      [6, 6],
    ])
  })
})

describe('readUniqueIdRows', () => {
  const longest = 'u'.repeat(UNIQUE_ID_OCTETS)

  it.each([
    ['1 abc', 'abc'],
    ['1   abc  ', 'abc'],
    ['1\tabc', 'abc'],
    ['+OK 1 abc', 'abc'],
    ['1 a b c', 'a b c'],
    ['1 a\tb', 'a\tb'],
    ['1 ENOMEM-17', ''],
    ['1 xENOMEM-17', 'xENOMEM-17'],
    ['1 \xe4\xff', '\xe4\xff'],
    ['1', ''],
    ['1 ', ''],
    ['1 +OK', '+OK'],
    [`1 ${longest}`, longest],
    [`1 ${longest}u`, ''],
  ])('reads the unique-id of %j', (row, uniqueId) => {
    for (const end of ['', '\n', '\r\n', '\t\r\n']) {
      expect(uniqueIdRows(`${row}${end}`)).toEqual([[1, uniqueId]])
    }
  })

  it('reads many lines, whatever is between the rows', () => {
    const lines = '1 a\r\n\r\n2\t\tb c\nsome words\r\n..3 x\r\n.4 d\r\n5\r\n6 f'
    expect(uniqueIdRows(lines)).toEqual([
      ...[
        [1, 'a'],
        [2, 'b c'],
        [4, 'd'],
        [5, ''],
      ],
      [6, 'f'],
    ])
  })

  it.each(['0 a', '-1 a', '2147483648 a', '9007199254740992 a', '1x a', 'a'])(
    'reads no message number in %j',
    (row) => {
      expect(uniqueIdRows(row)).toEqual([])
    },
  )
})

describe('ListingJoin', () => {
  const listed = (
    scan: readonly string[],
    uniqueIds: readonly string[],
    { hasUniqueIds = true } = {},
  ) => {
    const join = new ListingJoin()
    const count =
      join.addUniqueIdRows(latin1(uniqueIds.join('\r\n'))) +
      join.addScanRows(latin1(scan.join('\n')))
    expect(count).toBe(scan.length + uniqueIds.length)
    return join.listing(hasUniqueIds).all
  }

  it('keeps messages that both listings show, gaps and equal unique-ids included', () => {
    expect(listed(['1 10', '4 40', '5 50', '6 60'], ['1 a', '4 a', '6', '7 c'])).toEqual([
      { messageNumber: 1, octets: 10, uniqueId: 'a' },
      { messageNumber: 4, octets: 40, uniqueId: 'a' },
      { messageNumber: 6, octets: 60, uniqueId: undefined },
    ])
  })

  it('keeps all of LIST where there are no unique-ids', () => {
    expect(listed(['2 20', '1 10'], [], { hasUniqueIds: false })).toEqual([
      { messageNumber: 2, octets: 20, uniqueId: undefined },
      { messageNumber: 1, octets: 10, uniqueId: undefined },
    ])
  })

  it.each([
    ['both listings', ['1 10', '1 11'], ['1 a', '1 b']],
    ['LIST', ['1 10', '1 11'], ['1 a']],
    ['UIDL', ['1 10'], ['1 a', '1 b']],
  ])('lets the first of two rows with one message number win, and marks it: %s', (_, ...rows) => {
    expect(listed(...rows)).toEqual([
      { messageNumber: 1, octets: 10, uniqueId: 'a', isRepeated: true },
    ])
  })

  it('joins whatever comes in whatever order', () => {
    const number = fc.integer({ min: 1, max: 6 })
    const uniqueIds = fc.array(fc.tuple(number, fc.constantFrom('a', 'b', '')), { maxLength: 9 })
    const sizes = fc.array(fc.tuple(number, fc.constantFrom('10', '20', 'x')), { maxLength: 9 })
    fc.assert(
      fc.property(uniqueIds, sizes, fc.boolean(), (uidl, list, isWhole) => {
        const rowsIn = (rows: readonly (readonly [number, string])[]) =>
          rows.map((words) => latin1(`${words.join(' ')}\r\n`))
        const all = (rows: readonly Uint8Array[]) => (isWhole ? [Buffer.concat(rows)] : rows)
        const join = new ListingJoin()
        for (const lines of all(rowsIn(uidl))) join.addUniqueIdRows(lines)
        for (const lines of all(rowsIn(list))) join.addScanRows(lines)
        const numbers = [...new Set(uidl.map(([n]) => n))]
        const times = (rows: readonly (readonly [number, string])[], wanted: number) =>
          rows.filter(([n]) => n === wanted)
        const expected = numbers.flatMap((messageNumber) => {
          const [named, sized] = [times(uidl, messageNumber), times(list, messageNumber)]
          if (sized.length === 0) return []
          const octets = Number(sized[0]?.[1])
          return {
            messageNumber,
            octets: Number.isNaN(octets) ? undefined : octets,
            uniqueId: named[0]?.[1] || undefined,
            isRepeated: named.length + sized.length > 2 || undefined,
          }
        })
        const listing = join.listing(true)
        expect(listing.all).toEqual(expected)
        expect(listing.length).toBe(expected.length)
      }),
    )
  })
})
