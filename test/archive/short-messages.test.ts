import { afterEach, beforeEach, expect, it } from 'vitest'
import { createCatalog } from '../../src/archive/migrations.ts'
import { ShortTable } from '../../src/archive/short-messages.ts'
import type { Database } from '../../src/sqlite/database.ts'
import { openDatabase } from '../../src/sqlite/driver.ts'

let database: Database
beforeEach(() => {
  database = openDatabase(':memory:', { isReadOnly: false })
  createCatalog(database, 'sqlite', '2026-01-01T00:00:00.000Z')
})
afterEach(() => database.close())

it('goes through neither all receipts of an account nor all messages', () => {
  const statements: string[] = []
  const prepare: Database['prepare'] = (sql) => {
    statements.push(sql)
    return database.prepare(sql)
  }
  new ShortTable({ ...database, prepare })
  const plans = statements.flatMap((sql) => {
    const parameters = Array.from(sql.matchAll(/\?/g), () => 1)
    const steps = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters)
    return steps.map(({ detail }) => String(detail))
  })
  const passed = plans.filter((step) => /SCAN|receipt_key/.test(step))
  expect(passed).toEqual([
    expect.stringMatching(/^SCAN message USING (COVERING )?INDEX message_short$/),
  ])
})
