import fc from 'fast-check'
import { expect, it } from 'vitest'
import { equalsInOrder } from '../../src/sync/unique-id-order.ts'

function columnOf(uniqueIds: readonly string[]) {
  return {
    octets: Buffer.from(uniqueIds.join(''), 'latin1'),
    ends: Uint32Array.from(uniqueIds, (_, at) => uniqueIds.slice(0, at + 1).join('').length),
  }
}

/** Few of each, so that much is equal; the empty one is none. */
const uniqueId = fc.constantFrom('', 'a', 'aa', 'ab', 'b', 'ba', '\x7f', '\x80', '\xff')
const anyOrder = fc.array(uniqueId, { maxLength: 6 })
/** JavaScript compares one unit after the other, too. */
const inOrder = fc.uniqueArray(uniqueId, { maxLength: 9 }).map((uniqueIds) => uniqueIds.toSorted())
const column = fc.oneof(anyOrder, inOrder)

const ascends = (uniqueIds: readonly string[]) =>
  uniqueIds.every((one, at) => one > (at === 0 ? '' : (uniqueIds[at - 1] ?? '')))

it('finds what is equal in two columns that ascend, and does not look into any other', () => {
  fc.assert(
    fc.property(column, column, (rows, others) => {
      const equals = equalsInOrder(columnOf(rows), columnOf(others))
      const wanted = rows.map((row) => others.indexOf(row))
      expect(equals && [...equals]).toEqual(ascends(rows) && ascends(others) ? wanted : undefined)
    }),
    { numRuns: 500 },
  )
})
