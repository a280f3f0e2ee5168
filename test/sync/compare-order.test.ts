import { expect, it } from 'vitest'
import { compareMaildrop } from '../../src/sync/compare.ts'
import { syncAccount } from '../../src/sync/engine.ts'
import { KEEP_ALL } from '../../src/sync/policy.ts'
import type { LedgerView } from '../../src/sync/ports/ledger.ts'
import type { MaildropSession } from '../../src/sync/ports/maildrop.ts'
import { NO_RECEIPTS, type Receipts } from '../../src/sync/ports/receipt.ts'
import { FakeMaildrop } from '../support/fake-maildrop.ts'
import { MemoryArchive } from '../support/memory-archive.ts'

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

it('has a sync read them before it connects, once a session', async () => {
  const said: string[] = []
  const archive = new MemoryArchive()
  const maildrop = new FakeMaildrop([])
  const identity = { name: 'work', host: 'pop.example.org', user: 'me' }
  const ledger = await archive.openAccount(identity)
  const receipts = ledger.receipts.bind(ledger)
  ledger.receipts = async () => {
    said.push('receipts asked')
    return await receipts()
  }
  const { error } = await syncAccount(
    {
      ...{ identity, policy: KEEP_ALL, progress: () => {} },
      ...{ signal: new AbortController().signal, now: () => 0 },
      maildrop: {
        open: (...manner) => {
          said.push('connected')
          return maildrop.open(...manner)
        },
      },
    },
    { openAccount: async () => ledger, isFree: () => true },
    new Set(['work']),
  )
  expect(error).toBeUndefined()
  expect(said).toEqual(['receipts asked', 'connected'])
})

it('tells what broke the login where the receipts cannot be read either', async () => {
  const archive = new MemoryArchive()
  const identity = { name: 'work', host: 'pop.example.org', user: 'me' }
  const ledger = await archive.openAccount(identity)
  ledger.receipts = async () => {
    throw new Error('damaged')
  }
  const { error } = await syncAccount(
    {
      ...{ identity, policy: KEEP_ALL, progress: () => {} },
      ...{ signal: new AbortController().signal, now: () => 0 },
      maildrop: {
        open: async () => {
          throw new Error('refused')
        },
      },
    },
    { openAccount: async () => ledger, isFree: () => true },
    new Set(['work']),
  )
  expect(error).toMatchObject({ message: 'refused' })
})
