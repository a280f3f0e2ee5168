import { expect, it } from 'vitest'
import { compareMaildrop } from '../../src/sync/compare.ts'

const options = {
  now: 0,
  onRows: () => {},
  onMove: async () => {},
  onRenumbered: () => {},
}

function rig(receipts: () => Promise<never[]>, listing: () => Promise<never>) {
  const session = { stat: async () => ({ messages: 0, octets: 0 }), listing }
  const ledger = { isMoved: false, facts: {}, receipts }
  type Parameters_ = Parameters<typeof compareMaildrop>
  return compareMaildrop(
    session as unknown as Parameters_[0],
    ledger as unknown as Parameters_[1],
    options,
  )
}

it('has the archive read its receipts while the listing comes in', async () => {
  const said: string[] = []
  const compared = rig(
    async () => {
      said.push('receipts asked')
      return []
    },
    async () => {
      said.push('listing asked')
      throw new Error('enough')
    },
  )
  await expect(compared).rejects.toThrow('enough')
  expect(said).toEqual(['receipts asked', 'listing asked'])
})

it('tells what broke the listing where the receipts cannot be read either', async () => {
  const compared = rig(
    async () => {
      throw new Error('damaged')
    },
    async () => {
      throw new Error('the connection broke')
    },
  )
  await expect(compared).rejects.toThrow('the connection broke')
})
