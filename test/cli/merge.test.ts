import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergeInOrder } from '../../src/cli/merge.ts'

const isBefore = (a: number, b: number): boolean => a > b

describe('mergeInOrder', () => {
  it('gives everything, in order', () => {
    const descending = fc.array(fc.integer()).map((items) => items.sort((a, b) => b - a))
    fc.assert(
      fc.property(fc.array(descending), (sources) => {
        const all = sources.flat().sort((a, b) => b - a)
        expect([...mergeInOrder(sources, isBefore)]).toEqual(all)
      }),
    )
  })

  it('reads no more than one item ahead, and lets its sources go', () => {
    let read = 0
    let isReleased = false
    function* endless(): Generator<number> {
      try {
        for (let item = 0; item < 1000; item += 1) {
          read += 1
          yield -item
        }
      } finally {
        isReleased = true
      }
    }
    for (const item of mergeInOrder([endless(), [5]], isBefore)) if (item === -1) break
    expect(read).toBeLessThanOrEqual(3)
    expect(isReleased).toBe(true)
  })
})
