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
    ['bound_at', 'a,b'],
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
