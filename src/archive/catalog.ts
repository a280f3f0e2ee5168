/** What an archive knows, table by table, over one connection. */
import type { Database } from '../sqlite/database.ts'
import { AccountTable } from './accounts.ts'
import { MessageTable } from './messages.ts'
import { ReceiptPages } from './receipt-pages.ts'
import { ReceiptTable } from './receipts.ts'
import { RunTable } from './runs.ts'
import { ShortTable } from './short-messages.ts'

export interface Catalog {
  readonly database: Database
  readonly accounts: AccountTable
  readonly messages: MessageTable
  readonly receipts: ReceiptTable
  readonly receiptPages: ReceiptPages
  readonly runs: RunTable
  readonly shorts: ShortTable
}

/** Prepares the statements of every table. Works on a read-only connection, where only reading may be called. */
export function openCatalog(database: Database): Catalog {
  return {
    database,
    accounts: new AccountTable(database),
    messages: new MessageTable(database),
    receipts: new ReceiptTable(database),
    receiptPages: new ReceiptPages(database),
    runs: new RunTable(database),
    shorts: new ShortTable(database),
  }
}
