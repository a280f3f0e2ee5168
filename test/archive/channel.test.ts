import { expect, it } from 'vitest'
import { packStored, unpackStored } from '../../src/archive/channel.ts'

it('an outcome comes to the other side as it was, each number in its place', () => {
  const stored = {
    ...{ receipt: 11, message: 12, octets: 13 },
    ...{ isNew: true, boundBy: 'digest' as const, isShort: false },
  }
  expect(packStored(10, stored)[0]).toBe(10)
  expect(unpackStored(packStored(10, stored))).toEqual(stored)
  const unbound = { ...stored, receipt: undefined, isNew: false, isShort: true }
  expect(unpackStored(packStored(10, unbound))).toEqual(unbound)
})
