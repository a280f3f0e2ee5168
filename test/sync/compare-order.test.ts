import { expect, it } from 'vitest'
import { compareMaildrop } from '../../src/sync/compare.ts'
import type { LedgerView } from '../../src/sync/ports/ledger.ts'
import type { MaildropSession } from '../../src/sync/ports/maildrop.ts'
import { NO_RECEIPTS, type Receipts } from '../../src/sync/ports/receipt.ts'

const options = {
  now: 0,
  onRows: () => {},
  onMove: async () => {},
  onRenumbered: () => {},
}

function rig(
  receipts: () => Promise<Receipts>,
  listing: () => Promise<never>,
  stat: MaildropSession['stat'] = async () => ({ messages: 0, octets: 0 }),
) {
  const session: Pick<MaildropSession, 'stat' | 'listing'> = {
    stat,
    listing,
  }
  const ledger: Pick<LedgerView, 'moved' | 'facts' | 'receipts'> = {
    moved: undefined,
    facts: {},
    receipts,
  }
  return compareMaildrop(session as MaildropSession, ledger as LedgerView, options)
}

it('has the archive read its receipts while the server opens the maildrop and lists it', async () => {
  const said: string[] = []
  const compared = rig(
    async () => {
      said.push('receipts asked')
      return NO_RECEIPTS
    },
    async () => {
      said.push('listing asked')
      throw new Error('enough')
    },
    async () => {
      said.push('STAT asked')
      return { messages: 0, octets: 0 }
    },
  )
  await expect(compared).rejects.toThrow('enough')
  expect(said).toEqual(['receipts asked', 'STAT asked', 'listing asked'])
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
