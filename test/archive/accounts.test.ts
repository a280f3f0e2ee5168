import { describe, expect, it } from 'vitest'
import { openLedgerForReading } from '../../src/archive/ledger-view.ts'
import { accountLockPath, Lock } from '../../src/durable/lock.ts'
import {
  keyOf,
  mail,
  noCounts,
  openHere,
  put,
  query,
  sync,
  temporaryLocation,
  work,
} from './temp-archive.ts'

const location = () => temporaryLocation('sqlite')
const configured = (...names: string[]) => ({ configured: new Set(names) })
const at = (host: string, name = 'work') => ({ ...work, name, host })

describe('an account in the catalog', () => {
  it('keeps its receipts when its owner renames it', async () => {
    const there = location()
    await sync(there, (ledger) => put(ledger, keyOf('a'), mail('one')))
    const view = openLedgerForReading(there, at('POP.example.com', 'job'), configured('job'))
    expect(view).toMatchObject({ renamedFrom: 'work', isMoved: false })
    view.close()
    const ledger = await openHere(there).openAccount(
      at('POP.example.com', 'job'),
      configured('job'),
    )
    expect(ledger).toMatchObject({ account: 'job', renamedFrom: 'work', isMoved: false })
    expect(await ledger.receipts()).toHaveLength(1)
    await ledger.finish(noCounts, 'done')
    expect(query(there, 'SELECT name FROM account')).toEqual([{ name: 'job' }])
  })

  it('is not renamed away from a name that is in use', async () => {
    const there = location()
    await sync(there, (ledger) => put(ledger, keyOf('a'), mail('one')))
    const twin = at(work.host, 'twin')
    const ledger = await openHere(there).openAccount(twin, configured('work', 'twin'))
    expect(ledger.renamedFrom).toBeUndefined()
    expect(await ledger.receipts()).toEqual([])
    await ledger.finish(noCounts, 'done')
  })

  it('is moved when its name comes with another host, until that is resolved', async () => {
    const there = location()
    await sync(there, (ledger) => put(ledger, keyOf('a'), mail('one')))
    const other = at('mail.example.org')
    await sync(
      there,
      async (ledger) => {
        expect(ledger.isMoved).toBe(true)
        expect(await ledger.receipts()).toHaveLength(1)
      },
      other,
    )
    await sync(
      there,
      async (ledger) => {
        expect(ledger.isMoved).toBe(true)
        await ledger.resolveMove(true)
        expect(await ledger.receipts()).toHaveLength(1)
      },
      other,
    )
    await sync(there, async (ledger) => expect(ledger.isMoved).toBe(false), other)
  })

  it('begins anew, with the same message found by digest, if it is another maildrop', async () => {
    const there = location()
    await sync(there, (ledger) => put(ledger, keyOf('a', 5), mail('one')))
    const other = { ...work, user: 'someone else' }
    const stored = await sync(
      there,
      async (ledger) => {
        await ledger.resolveMove(false)
        expect(await ledger.receipts()).toEqual([])
        return put(ledger, keyOf('a', 5), mail('one'))
      },
      other,
    )
    expect(stored.isNew).toBe(false)
    expect(query(there, 'SELECT epoch FROM receipt')).toEqual([{ epoch: 1 }, { epoch: 2 }])
    expect(await sync(there, (ledger) => ledger.receipts(), other)).toHaveLength(1)
  })

  it('without receipts has nothing to prove', async () => {
    const there = location()
    await sync(there, (ledger) => ledger.flush())
    const other = at('mail.example.org')
    await sync(there, async (ledger) => expect(ledger.isMoved).toBe(false), other)
    expect(query(there, 'SELECT host FROM account')).toEqual([{ host: 'mail.example.org' }])
  })

  it('is held by one run at a time; the others of the archive go on', async () => {
    const there = location()
    const lock = new Lock(accountLockPath(there.path, 'work'))
    lock.acquire('exclusive')
    const archive = openHere(there)
    const [held, free] = await Promise.allSettled([
      archive.openAccount(work, configured('work', 'home')),
      archive.openAccount({ ...work, name: 'home', user: 'other' }, configured('work', 'home')),
    ])
    expect(held).toMatchObject({ reason: { name: 'LockedError', code: 'ARCHIVE_LOCKED' } })
    if (free.status === 'rejected') throw free.reason
    await put(free.value, keyOf('a'), mail('one'))
    await free.value.finish(noCounts, 'done')
    lock.close()
    await sync(there, (ledger) => put(ledger, keyOf('a'), mail('one')))
  })

  it('is opened again in the same process as soon as its run is over', async () => {
    const there = location()
    const archive = openHere(there)
    for (let run = 0; run < 3; run += 1) {
      const ledger = await archive.openAccount(work, configured('work'))
      await ledger.finish(noCounts, 'done')
    }
    expect(query(there, 'SELECT count(*) AS n FROM run')).toEqual([{ n: 3 }])
  })
})
