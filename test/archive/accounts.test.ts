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
    expect(view).toMatchObject({ renamedFrom: 'work', moved: undefined })
    view.close()
    const ledger = await openHere(there).openAccount(
      at('POP.example.com', 'job'),
      configured('job'),
    )
    expect(ledger).toMatchObject({ account: 'job', renamedFrom: 'work', moved: undefined })
    expect((await ledger.receipts()).all).toHaveLength(1)
    await ledger.finish(noCounts, 'done')
    expect(query(there, 'SELECT name FROM account')).toEqual([{ name: 'job' }])
  })

  it('is not renamed away from a name that is in use', async () => {
    const there = location()
    await sync(there, (ledger) => put(ledger, keyOf('a'), mail('one')))
    const twin = at(work.host, 'twin')
    const ledger = await openHere(there).openAccount(twin, configured('work', 'twin'))
    expect(ledger.renamedFrom).toBeUndefined()
    expect((await ledger.receipts()).all).toEqual([])
    await ledger.finish(noCounts, 'done')
  })

  describe.each([
    ['a port that stays', 'mail.example.org', 1110, 1110, undefined],
    ['another standard port', 'mail.example.org', 995, 110, undefined],
    ['a port that is not standard', 'mail.example.org', 995, 1110, 'port'],
    ['a port that was not standard', 'mail.example.org', 1995, 995, 'port'],
    ['another port of this machine', '127.0.0.1', 1110, 1111, 'port'],
    ['another standard port of this machine', 'localhost', 995, 110, 'port'],
  ])('under its name with %s', (_, host, from, to, moved) => {
    it(moved ? 'is moved until that is resolved' : 'is the same', async () => {
      const there = location()
      const first = { ...at(host), port: from }
      const then = { ...first, port: to }
      await sync(there, (ledger) => put(ledger, keyOf('a'), mail('one')), first)
      const view = openLedgerForReading(there, then, configured('work'))
      expect(view.moved).toBe(moved)
      view.close()
      await sync(there, async (ledger) => expect(ledger.moved).toBe(moved), then)
      await sync(
        there,
        async (ledger) => {
          expect(ledger.moved).toBe(moved)
          if (moved) await ledger.resolveMove(true)
        },
        then,
      )
      await sync(there, async (ledger) => expect(ledger.moved).toBeUndefined(), then)
    })
  })

  it('is moved when its name changes where a port may lead anywhere, also after a run that broke', async () => {
    const there = location()
    const here = { ...at('127.0.0.1'), port: 1110 }
    const job = { ...here, name: 'job' }
    await sync(there, (ledger) => put(ledger, keyOf('a'), mail('one')), here)
    const view = openLedgerForReading(there, job, configured('job'))
    expect(view).toMatchObject({ renamedFrom: 'work', moved: 'port' })
    view.close()
    for (let run = 0; run < 2; run += 1) {
      await sync(there, async (ledger) => expect(ledger.moved).toBe('port'), job)
    }
    await sync(there, (ledger) => ledger.resolveMove(true), job)
    await sync(
      there,
      async (ledger) => {
        expect(ledger.moved).toBeUndefined()
        expect((await ledger.receipts()).all).toHaveLength(1)
      },
      job,
    )
  })

  it('is not taken for one at another port under another name', async () => {
    const there = location()
    const here = { ...at('127.0.0.1'), port: 1110 }
    await sync(there, (ledger) => put(ledger, keyOf('a'), mail('one')), here)
    const other = { ...here, name: 'job', port: 1111 }
    const view = openLedgerForReading(there, other, configured('job'))
    expect(view.renamedFrom).toBeUndefined()
    expect((await view.receipts()).all).toEqual([])
    view.close()
    await sync(
      there,
      async (ledger) => {
        expect((await ledger.receipts()).all).toEqual([])
        await ledger.learn({ capabilities: [] })
      },
      other,
    )
    expect(query(there, 'SELECT name, port FROM account ORDER BY id')).toEqual([
      { name: 'work', port: 1110 },
      { name: 'job', port: 1111 },
    ])
  })

  it('is moved when its name comes with another host, until that is resolved', async () => {
    const there = location()
    await sync(there, (ledger) => put(ledger, keyOf('a'), mail('one')))
    const other = at('mail.example.org')
    await sync(
      there,
      async (ledger) => {
        expect(ledger.moved).toBe('host')
        expect((await ledger.receipts()).all).toHaveLength(1)
      },
      other,
    )
    await sync(
      there,
      async (ledger) => {
        expect(ledger.moved).toBeDefined()
        await ledger.resolveMove(true)
        expect((await ledger.receipts()).all).toHaveLength(1)
      },
      other,
    )
    await sync(there, async (ledger) => expect(ledger.moved).toBeUndefined(), other)
  })

  it('begins anew, with the same message found by digest, if it is another maildrop', async () => {
    const there = location()
    await sync(there, (ledger) => put(ledger, keyOf('a', 5), mail('one')))
    const other = { ...work, user: 'someone else' }
    const stored = await sync(
      there,
      async (ledger) => {
        await ledger.resolveMove(false)
        expect((await ledger.receipts()).all).toEqual([])
        return put(ledger, keyOf('a', 5), mail('one'))
      },
      other,
    )
    expect(stored.isNew).toBe(false)
    expect(query(there, 'SELECT epoch FROM receipt')).toEqual([{ epoch: 1 }, { epoch: 2 }])
    expect(await sync(there, async (ledger) => (await ledger.receipts()).all, other)).toHaveLength(
      1,
    )
  })

  it('without receipts has nothing to prove', async () => {
    const there = location()
    await sync(there, (ledger) => ledger.learn({ capabilities: [] }))
    const other = at('mail.example.org')
    await sync(there, async (ledger) => expect(ledger.moved).toBeUndefined(), other)
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
      await ledger.learn({ capabilities: [] })
      await ledger.finish(noCounts, 'done')
    }
    expect(query(there, 'SELECT count(*) AS n FROM run')).toEqual([{ n: 3 }])
  })

  it('is entered with the first that is written of it; from then on all its runs are', async () => {
    const there = location()
    const rows = () =>
      query(there, 'SELECT name, outcome FROM account JOIN run ON account = account.id')
    await sync(there, async (ledger) => expect((await ledger.receipts()).all).toEqual([]))
    expect(query(there, 'SELECT name FROM account')).toEqual([])
    await sync(there, (ledger) => put(ledger, keyOf('a'), mail('one')))
    await sync(there, (ledger) => ledger.flush())
    expect(rows()).toEqual(Array(2).fill({ name: 'work', outcome: 'done' }))
    expect(query(there, 'SELECT count(*) AS n FROM receipt')).toEqual([{ n: 1 }])
  })
})
