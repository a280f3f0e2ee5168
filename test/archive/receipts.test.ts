import { describe, expect, it } from 'vitest'
import { AccountTable } from '../../src/archive/accounts.ts'
import { ReceiptList } from '../../src/archive/receipt-columns.ts'
import { ReceiptPages } from '../../src/archive/receipt-pages.ts'
import { ReceiptTable } from '../../src/archive/receipts.ts'
import type { Database } from '../../src/sqlite/database.ts'
import { fillArchive, sampleMessage, useArchive } from './sample-archive.ts'
import { temporaryLocation } from './temp-archive.ts'

const AT = '2026-01-02T03:04:05.678Z'

/** The same database, which tells how many rows it handed over. */
function counting(database: Database): { database: Database; rows: () => number } {
  let rows = 0
  const prepare: Database['prepare'] = (sql) => {
    const { all, get, iterate, run } = database.prepare(sql)
    const counted = <T>(found: T, count: number): T => {
      rows += count
      return found
    }
    return {
      run,
      iterate,
      get: (...parameters) => counted(get(...parameters), 1),
      all: (...parameters) => {
        const found = all(...parameters)
        return counted(found, found.length)
      },
    }
  }
  return { database: { ...database, prepare }, rows: () => rows }
}

/** An archive with one message and its receipt, and a table on it. */
function withTable(
  use: (table: {
    bind: (uniqueId: string | undefined, taken: ReadonlySet<number>) => number
    receipts: () => readonly { id: number; state: string }[]
    remove: () => void
    rows: () => number
  }) => void,
) {
  const location = temporaryLocation('sqlite')
  fillArchive(location, [{ octets: sampleMessage(1), uniqueId: 'a' }])
  useArchive(location, ({ database }) => {
    const account = new AccountTable(database).find('work')
    if (account === undefined) throw new Error('the sample has an account called work')
    const { database: counted, rows } = counting(database)
    const table = new ReceiptTable(counted)
    use({
      bind: (uniqueId, taken) => {
        const key = { uniqueId, occurrence: 1, octets: 9 }
        const binding = { key, message: 1, by: 'fingerprint', at: AT, run: 1 } as const
        return table.bind(account, binding, taken)
      },
      receipts: () => new ReceiptList(new ReceiptPages(database).read(account)).all,
      remove: () => database.exec('UPDATE message SET removed = 1'),
      rows,
    })
  })
}

describe('receipts without unique-id', () => {
  it('are used again in their order, each once a run', () => {
    withTable(({ bind, receipts }) => {
      const first = new Set<number>()
      for (let n = 0; n < 3; n++) first.add(bind(undefined, first))
      const second = new Set<number>()
      for (let n = 0; n < 4; n++) second.add(bind(undefined, second))
      expect([...second].slice(0, 3)).toEqual([...first])
      expect(receipts()).toHaveLength(1 + 4)
    })
  })

  it('leave out one that another row took', () => {
    withTable(({ bind }) => {
      const first = new Set<number>()
      for (let n = 0; n < 3; n++) first.add(bind(undefined, first))
      const [a, b, c] = [...first]
      const second = new Set([b ?? 0])
      for (let n = 0; n < 2; n++) second.add(bind(undefined, second))
      expect([...second]).toEqual([b, a, c])
    })
  })

  it('are not looked through again for each copy of one message', () => {
    withTable(({ bind, rows }) => {
      for (let run = 0; run < 3; run++) {
        const taken = new Set<number>()
        for (let n = 0; n < 500; n++) taken.add(bind(undefined, taken))
      }
      expect(rows()).toBeLessThan(3 * 500 * 4)
    })
  })
})

describe('the receipt of a message that its owner removed', () => {
  it('is removed, too, under whatever name the message comes back', () => {
    withTable(({ bind, receipts, remove }) => {
      remove()
      const id = bind('b', new Set())
      expect(receipts().find((receipt) => receipt.id === id)?.state).toBe('removed')
    })
  })
})
