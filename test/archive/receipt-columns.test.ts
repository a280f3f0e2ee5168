import fc from 'fast-check'
import { expect, it } from 'vitest'
import { AccountTable } from '../../src/archive/accounts.ts'
import { ReceiptList } from '../../src/archive/receipt-columns.ts'
import { ReceiptPages } from '../../src/archive/receipt-pages.ts'
import type { Receipt } from '../../src/archive/receipts.ts'
import { OCTETS_UNKNOWN } from '../../src/archive/schema.ts'
import { encodeUniqueId } from '../../src/archive/unique-id.ts'
import type { Database } from '../../src/sqlite/database.ts'
import { fillArchive, sampleMessage, useArchive } from './sample-archive.ts'
import { temporaryLocation } from './temp-archive.ts'

/** Octets of all kinds: what looks like a number, ends lines, is no text or none that people read. */
const octetText = fc.oneof(
  fc.constantFrom('0', '17', 'a', 'A', 'a,b', 'a b', '\n', '\0', '\xff', "'", 'ff'),
  fc
    .uint8Array({ minLength: 1, maxLength: 1024 })
    .map((octets) => Buffer.from(octets).toString('latin1')),
)

const state = fc.constantFrom('stored', 'removed', 'delete sent', 'deleted', 'quarantined')

const anyReceipt: fc.Arbitrary<Omit<Receipt, 'id'>> = fc
  .record({
    uniqueId: fc.option(octetText, { nil: undefined }),
    occurrence: fc.integer({ min: 1, max: 2 ** 31 }),
    octets: fc.option(fc.oneof(fc.nat(2), fc.maxSafeNat()), { nil: undefined }),
    boundAt: fc.integer({ min: 0, max: 4e12 }),
    boundBy: fc.constantFrom(undefined, 'digest', 'canonical', 'fingerprint', 'recount'),
    ...{ state, absent: fc.boolean(), attempts: fc.constantFrom(undefined, 1, 17) },
  })
  .map((receipt) => ({ ...receipt, message: receipt.state === 'quarantined' ? undefined : 1 }))

const keyOf = ({ uniqueId, occurrence, octets }: Omit<Receipt, 'id'>): string =>
  `${uniqueId === undefined ? Math.random() : uniqueId} ${occurrence} ${octets}`

/** Instead of those that are there. */
function write(database: Database, receipts: readonly Omit<Receipt, 'id'>[]): Receipt[] {
  database.exec('DELETE FROM receipt')
  const insert = database.prepare(
    `INSERT INTO receipt (account, epoch, unique_id, occurrence, octets, message, state, bound_by,
       bound_at, absent_since, attempts, first_listed)
     VALUES (1, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`,
  )
  return receipts.map((receipt) => {
    const { uniqueId, occurrence, octets = OCTETS_UNKNOWN, message = null } = receipt
    const { lastRowId } = insert.run(
      ...[encodeUniqueId(uniqueId), occurrence, octets, message, receipt.state],
      ...[receipt.boundBy ?? null, new Date(receipt.boundAt).toISOString()],
      ...[receipt.absent ? 1 : null, receipt.attempts ?? 0],
    )
    return { ...receipt, id: lastRowId }
  })
}

/** Uses an archive of one message, whose receipts may be written anew, and how they are read. */
function withReceipts(
  use: (
    put: (receipts: readonly Omit<Receipt, 'id'>[]) => Receipt[],
    read: () => ReceiptList,
  ) => void,
): void {
  const location = temporaryLocation('sqlite')
  fillArchive(location, [{ octets: sampleMessage(1), uniqueId: 'a' }])
  useArchive(location, ({ database }) => {
    const account = new AccountTable(database).find('work')
    if (account === undefined) throw new Error('the sample has an account called work')
    const pages = new ReceiptPages(database)
    use(
      (receipts) => database.transaction(() => write(database, receipts)),
      () => new ReceiptList(structuredClone(pages.read(account))),
    )
  })
}

const byId = (receipts: readonly Receipt[]) => receipts.toSorted((a, b) => a.id - b.id)

it('comes out of the catalog as it went in', () => {
  withReceipts((put, read) => {
    fc.assert(
      fc.property(fc.uniqueArray(anyReceipt, { maxLength: 20, selector: keyOf }), (wanted) => {
        const receipts = put(wanted)
        const list = read()
        expect(byId(list.all)).toEqual(receipts)
        expect(list.length).toBe(receipts.length)
        expect(list.present).toBe(receipts.filter(({ absent }) => !absent).length)
        const { ends, octets } = list.uniqueIds
        let start = 0
        for (const [index, receipt] of list.all.entries()) {
          const { uniqueId = '', boundAt: _, attempts: __, ...rest } = receipt
          expect(list.at(index)).toBe(receipt)
          const named = Buffer.from(octets.subarray(start, ends[index]))
          expect(named.toString('latin1')).toBe(uniqueId)
          start = ends[index] ?? 0
          expect({
            id: list.id(index),
            message: list.message(index),
            occurrence: list.occurrence(index),
            octets: list.octets(index),
            boundBy: list.boundBy(index),
            state: list.state(index),
            absent: list.isAbsent(index),
          }).toEqual(rest)
          expect(list.inState(receipt.state)).toContain(receipt)
        }
      }),
    )
  })
})

it.each([
  ['with unique-ids', (n: number) => `u${n % 3000}`],
  ['with some that are no text', (n: number) => `${n % 2 === 0 ? 'u' : '\xff'}${n % 3000}`],
  ['without unique-ids', () => undefined],
])('comes whole where there are more than fit a page: %s', (_title, nameOf) => {
  withReceipts((put, read) => {
    const receipts = put(
      Array.from({ length: 9000 }, (_row, n): Omit<Receipt, 'id'> => {
        const occurrence = nameOf(n) === undefined ? 1 : 1 + Math.floor(n / 3000)
        return {
          ...{ uniqueId: nameOf(n), occurrence, octets: n % 7, message: 1, boundAt: n },
          ...{ boundBy: 'digest', state: 'stored', absent: n % 2 === 1, attempts: undefined },
        }
      }),
    )
    expect(byId(read().all)).toEqual(receipts)
  })
})
