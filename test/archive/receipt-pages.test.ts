import { expect, it } from 'vitest'
import { AccountTable } from '../../src/archive/accounts.ts'
import { ReceiptPages } from '../../src/archive/receipt-pages.ts'
import type { Database } from '../../src/sqlite/database.ts'
import { fillArchive, sampleMessage, useArchive } from './sample-archive.ts'
import { temporaryLocation } from './temp-archive.ts'

/** The same database, whose pages have this text in place of a column. */
function withColumn(database: Database, column: string, text: string): Database {
  return {
    ...database,
    prepare: (sql) => {
      const statement = database.prepare(sql)
      return {
        ...statement,
        get: (...parameters) => {
          const row = statement.get(...parameters)
          return row && { ...row, [column]: text }
        },
      }
    },
  }
}

it.each([
  ...['12.5', '1e3', 'x', '', '1,', ',1', '1,2', '-', '1-2', '9007199254740992'].flatMap((text) =>
    ['ids', 'messages', 'octets', 'occurrences', 'attempts'].map((column) => [column, text]),
  ),
  ...[
    ['occurrences', '-1'],
    ['attempts', '4294967296'],
    ['codes', '01'],
    ['codes', '910'],
    ['codes', '410'],
    ['codes', '090'],
    ['bound_at', 'a,b'],
    ['bound_at', ''],
    ['bound_at', '2026-11-23T21:18:00,000Z'],
    ['bound_at', '2026-13-23T21:18:00.000Z'],
    ['bound_at', '2026-11-23T21:18:00.00Z'],
    ['names', 'a\nb'],
    ['names', '\u0161'],
    ['names', 'a\u0001'],
    ['names', 'a\r'],
    ['names', '\u0161\r'],
  ],
])('calls a page damaged whose %s are %j', (column = '', text = '') => {
  const location = temporaryLocation('sqlite')
  fillArchive(location, [{ octets: sampleMessage(1), uniqueId: 'a' }])
  useArchive(location, ({ database }) => {
    const account = new AccountTable(database).find('work')
    if (account === undefined) throw new Error('the sample has an account called work')
    expect(new ReceiptPages(database).read(account).count).toBe(1)
    const pages = new ReceiptPages(withColumn(database, column, text))
    expect(() => pages.read(account)).toThrow(expect.objectContaining({ code: 'ARCHIVE_DAMAGED' }))
  })
})

it.each([
  ["bound_at = replace(bound_at, '.', ',')"],
  ["bound_at = replace(bound_at, 'T', ',')"],
  ["bound_at = substr(bound_at, 1, 4) || ',' || substr(bound_at, 6)"],
  ["bound_at = bound_at || ',' || bound_at"],
  ["state = 'storee'"],
  ["state = 'quarantinee', message = NULL"],
  ["state = 'Quarantined', message = NULL"],
  ["state = 'stored', message = NULL"],
  ["state = 'deleted', message = NULL, absent_since = 1"],
  ["state = 'quarantined'"],
  ["bound_by = 'dagest'"],
])('takes nothing from a page with one damaged receipt: %s', (change) => {
  const location = temporaryLocation('sqlite')
  const uniqueIds = ['a', 'b', 'c']
  fillArchive(
    location,
    uniqueIds.map((uniqueId, n) => ({ octets: sampleMessage(n), uniqueId })),
  )
  useArchive(location, ({ database }) => {
    const account = new AccountTable(database).find('work')
    if (account === undefined) throw new Error('the sample has an account called work')
    const pages = new ReceiptPages(database)
    expect(pages.read(account).count).toBe(3)
    database.exec('PRAGMA ignore_check_constraints = ON')
    database.exec(`UPDATE receipt SET ${change} WHERE unique_id = 'b'`)
    expect(() => pages.read(account)).toThrow(expect.objectContaining({ code: 'ARCHIVE_DAMAGED' }))
  })
})
