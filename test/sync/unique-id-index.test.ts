import fc from 'fast-check'
import { expect, it } from 'vitest'
import { UniqueIdColumn, type UniqueIds } from '../../src/pop3/unique-id-column.ts'
import { UniqueIdIndex } from '../../src/sync/unique-id-index.ts'

function columnOf(uniqueIds: readonly Uint8Array[]): UniqueIds {
  const column = new UniqueIdColumn()
  for (const octets of uniqueIds) column.add(octets, 0, octets.length)
  return column.all
}

it('finds the first with the same octets, and none that was not added', () => {
  const uniqueIds = fc.array(fc.uint8Array({ max: 3, minLength: 1, maxLength: 3 }), {
    maxLength: 200,
  })
  fc.assert(
    fc.property(uniqueIds, uniqueIds, (own, others) => {
      const column = columnOf(own)
      const index = new UniqueIdIndex(column)
      const first = new Map<string, number>()
      for (const [at, octets] of own.entries()) {
        if (at % 3 === 0) continue
        const text = octets.join()
        if (!first.has(text)) first.set(text, at)
        expect(index.add(at)).toBe(first.get(text))
      }
      const other = columnOf(others)
      for (const [at, octets] of others.entries()) {
        expect(index.find(other, at)).toBe(first.get(octets.join()) ?? -1)
      }
    }),
  )
})

it('holds as many as there are', () => {
  const column = columnOf(Array.from({ length: 20_000 }, (_, n) => Buffer.from(`uid-${n}`)))
  const index = new UniqueIdIndex(column)
  for (let at = 0; at < 20_000; at += 1) index.add(at)
  for (let at = 0; at < 20_000; at += 1) expect(index.find(column, at)).toBe(at)
})
