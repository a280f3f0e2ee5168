/** What the engine relies on in what a ledger remembers of an account and its server; one suite for all archives. */
import { expect, it } from 'vitest'
import type { AccountLedger } from '../../src/sync/ports/archive.ts'
import { byDigest, home, type LedgerUnderTest, receiptsOf, run, take } from './ledger-under-test.ts'
import { keyOf, mail, work } from './temp-archive.ts'

export function describeAccounts(start: () => LedgerUnderTest): void {
  it('knows a moved account, until it is said what it is', async () => {
    const archive = start()
    const { message } = await run(archive, (ledger) => take(ledger, keyOf('a'), mail('one')))
    const moved = { ...work, host: 'new.example.com' }
    // A run that was broken off has said nothing.
    for (let time = 0; time < 2; time += 1) {
      await run(
        archive,
        async (ledger) => {
          expect(ledger.moved).toBe('host')
          expect((await ledger.receipts()).all).toHaveLength(1)
          if (time === 1) await ledger.resolveMove(true)
          expect(ledger.moved).toBe(time === 0 ? 'host' : undefined)
        },
        moved,
      )
    }
    const again = { ...work, user: 'else' }
    await run(
      archive,
      async (ledger) => {
        expect(ledger.moved).toBe('host')
        await ledger.resolveMove(false)
        expect((await ledger.receipts()).all).toEqual([])
        const same = await take(ledger, keyOf('a'), mail('one'))
        expect(same).toMatchObject({ message, isNew: false, boundBy: 'digest' })
      },
      again,
    )
    await run(
      archive,
      async (ledger) => {
        expect(ledger.moved).toBeUndefined()
        expect((await ledger.receipts()).all).toHaveLength(1)
      },
      again,
    )
  })

  const careful = {
    ...{ loginDelaySeconds: 600, lastLoginAt: '2026-01-02T00:00:00.000Z' },
    renumberedAt: '2026-01-03T00:00:00.000Z',
  }
  const slower = { pipeliningFailedAt: '2026-01-01T00:00:00.000Z', lastMisled: true }
  const { renumberedAt } = careful
  it.each([
    ['host', { host: 'new.example.com' }, careful, { renumberedAt }],
    ['port', { port: 1110 }, { ...careful, ...slower }, { ...careful, ...slower }],
  ] as const)(
    'knows of a server at another %s what holds anywhere',
    async (_, change, meanwhile, at) => {
      const archive = start()
      const there = { ...work, ...change }
      const known = {
        ...{ ...careful, ...slower, sizeModel: 'estimate' as const, capabilities: ['UIDL'] },
        ...{ showsParts: true, isExpiryWarned: true },
      } as const
      const factsOf = async (ledger: AccountLedger) =>
        Object.fromEntries(
          Object.entries(ledger.facts).filter(
            ([, value]) => value !== undefined && value !== false,
          ),
        )
      await run(archive, async (ledger) => {
        await take(ledger, keyOf('a'), mail('one'))
        await ledger.learn(known)
      })
      // A run that was broken off there has left nothing but a pause.
      await run(
        archive,
        async (ledger) => {
          expect(await factsOf(ledger)).toEqual(meanwhile)
          await ledger.learn({ isExpiryWarned: true, loginDelaySeconds: 900 })
          expect(await factsOf(ledger)).toEqual({
            ...{ ...meanwhile, isExpiryWarned: true, loginDelaySeconds: 900 },
          })
        },
        there,
      )
      const back = await run(archive, factsOf)
      expect(back).toEqual({ ...known, loginDelaySeconds: 900 })
      await run(
        archive,
        async (ledger) => {
          expect(await factsOf(ledger)).toEqual({ ...meanwhile, loginDelaySeconds: 900 })
          await ledger.learn({ showsParts: true })
          await ledger.resolveMove(true)
          const pause = 'loginDelaySeconds' in at ? { loginDelaySeconds: 900 } : {}
          expect(await factsOf(ledger)).toEqual({ ...at, ...pause, showsParts: true })
          await ledger.learn({ isExpiryWarned: true })
        },
        there,
      )
      const after = await run(archive, factsOf, there)
      expect(after).toMatchObject({ renumberedAt, showsParts: true, isExpiryWarned: true })
      expect(after).not.toHaveProperty('sizeModel')
    },
  )

  it.each([
    ['another host', { host: 'new.example.com' }, 'host'],
    ['another user', { user: 'else' }, 'host'],
    ['the same host in capitals', { host: 'POP.example.com' }, undefined],
    ['the other standard port', { port: 110 }, undefined],
    ['another port', { port: 1110 }, 'port'],
  ] as const)('tells a move to %s', async (_, change, moved) => {
    const archive = start()
    await run(archive, (ledger) => take(ledger, keyOf('a'), mail('one')))
    await run(archive, async (ledger) => expect(ledger.moved).toBe(moved), { ...work, ...change })
  })

  it('learns facts one by one, for each account its own', async () => {
    const archive = start()
    const learned = { capabilities: ['TOP'], renumberedAt: '2026-01-02T00:00:00.000Z' }
    await run(archive, async (ledger) => {
      await ledger.learn({ ...learned, loginDelaySeconds: 60, showsParts: true })
      expect(ledger.facts).toMatchObject({ ...learned, loginDelaySeconds: 60, showsParts: true })
      await ledger.learn({ showsParts: false, lastLoginAt: '2026-01-03T00:00:00.000Z' })
      await ledger.learn({ sizeModel: 'lf', isExpiryWarned: true })
    })
    await run(archive, async ({ facts }) => {
      expect(facts).toMatchObject({ ...learned, loginDelaySeconds: 60, showsParts: false })
      expect(facts).toMatchObject({ sizeModel: 'lf', isExpiryWarned: true })
      expect(facts.lastLoginAt).toBe('2026-01-03T00:00:00.000Z')
      expect(facts.pipeliningFailedAt).toBeUndefined()
    })
    await run(archive, async ({ facts }) => expect(facts.capabilities).toBeUndefined(), home)
  })

  it('keeps the receipts of accounts apart, and the messages together', async () => {
    const archive = start()
    const one = await run(archive, (ledger) => take(ledger, keyOf('a'), mail('one')))
    const other = await run(archive, (ledger) => take(ledger, keyOf('a'), mail('one')), home)
    expect(other).toMatchObject({ message: one.message, isNew: false })
    expect(other.receipt).not.toBe(one.receipt)
    await run(archive, (ledger) => ledger.quarantine(keyOf('b'), 'no such message'), home)
    expect(await run(archive, receiptsOf)).toMatchObject([{ id: one.receipt, ...byDigest }])
    expect(await run(archive, receiptsOf, home)).toMatchObject([
      { id: other.receipt },
      { uniqueId: 'b', state: 'quarantined' },
    ])
  })
}
