import fc from 'fast-check'
import { expect, it } from 'vitest'
import { IdSet } from '../../src/archive/id-set.ts'

it('has what was added and not deleted since, as a Set would', () => {
  const ids = fc.oneof(fc.nat(3000), fc.constantFrom(1023, 1024, 2 ** 31, 2 ** 32 + 7, 2 ** 53 - 1))
  const steps = fc.array(fc.record({ id: ids, isAdded: fc.boolean() }), { maxLength: 200 })
  fc.assert(
    fc.property(steps, ids, (taken, other) => {
      const set = new IdSet()
      const expected = new Set<number>()
      for (const { id, isAdded } of taken) {
        if (isAdded) {
          set.add(id)
          expected.add(id)
        } else {
          set.delete(id)
          expected.delete(id)
        }
      }
      for (const id of [other, ...taken.map((step) => step.id)]) {
        expect(set.has(id)).toBe(expected.has(id))
        expect(set.has(id + 1)).toBe(expected.has(id + 1))
      }
    }),
  )
})
