/**
 * What the engine relies on when messages come in. The reference archive in memory, against which the engine is tested, and the
 * archives that keep real mail must not differ in any of it.
 */
import { expect, it } from 'vitest'
import { intakeOf } from '../support/intake.ts'
import {
  byDigest,
  home,
  type LedgerUnderTest,
  receiptsOf,
  rewritten,
  run,
  take,
  takeIn,
} from './ledger-under-test.ts'
import { keyOf, mail } from './temp-archive.ts'

export function describeIntake(start: () => LedgerUnderTest): void {
  it('binds what was in step, and the next run knows it', async () => {
    const archive = start()
    archive.setNow(1000)
    const stored = await run(archive, (ledger) =>
      takeIn(ledger, [
        { key: keyOf('a', 9), octets: mail('one') },
        { key: keyOf('b'), octets: mail('one') },
        { key: keyOf('b', undefined, 2), octets: mail('two') },
      ]),
    )
    const [one, twin, two] = stored
    expect(stored.map(({ isNew, boundBy, isShort }) => [isNew, boundBy, isShort])).toEqual([
      [true, 'digest', false],
      [false, 'digest', false],
      [true, 'digest', false],
    ])
    expect(one?.octets).toBe(mail('one').length)
    expect(twin?.message).toBe(one?.message)
    expect(await run(archive, receiptsOf)).toEqual([
      { ...keyOf('a', 9), id: one?.receipt, message: one?.message, boundAt: 1000, ...byDigest },
      { ...keyOf('b'), id: twin?.receipt, message: one?.message, boundAt: 1000, ...byDigest },
      {
        ...keyOf('b', undefined, 2),
        ...{ id: two?.receipt, message: two?.message, boundAt: 1000, ...byDigest },
      },
    ])
  })

  it('writes no receipt of what was not in step, and knows the octets', async () => {
    const archive = start()
    const [loose] = await run(archive, (ledger) =>
      takeIn(ledger, [{ key: keyOf('a'), octets: mail('one') }], { isInStep: false }),
    )
    expect(loose).toMatchObject({ receipt: undefined, isNew: true, isShort: false })
    await run(archive, async (ledger) => {
      expect((await ledger.receipts()).all).toEqual([])
      const again = await take(ledger, keyOf('b'), mail('one'))
      expect(again).toMatchObject({ message: loose?.message, isNew: false, boundBy: 'digest' })
    })
  })

  it('counts as in step what ended before it was said, and nothing behind it', async () => {
    const stored = await run(start(), async (ledger) => {
      const intakes = ['a', 'b'].map((name) => {
        const { sink, stored: promise } = intakeOf(ledger, keyOf(name))
        void sink.write(mail(name))
        void sink.end()
        if (name === 'a') ledger.inStep()
        return promise
      })
      await ledger.flush()
      return await Promise.all(intakes)
    })
    expect(stored.map(({ receipt }) => receipt !== undefined)).toEqual([true, false])
  })

  it('leaves what is in doubt without receipts, and binds what comes behind it', async () => {
    const words: Readonly<Record<string, 'inStep' | 'inDoubt'>> = {
      ...{ a: 'inStep', c: 'inDoubt', e: 'inDoubt', f: 'inStep' },
    }
    await run(start(), async (ledger) => {
      const intakes = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => {
        const { sink, stored } = intakeOf(ledger, keyOf(name))
        void sink.write(mail(name))
        void sink.end()
        const word = words[name]
        if (word) ledger[word]()
        return stored
      })
      await ledger.flush()
      const stored = await Promise.all(intakes)
      const isBound = [true, false, false, false, false, true]
      expect(stored.map(({ receipt }) => receipt !== undefined)).toEqual(isBound)
      // They come again, and nothing holds them.
      const again = await take(ledger, keyOf('c'), mail('b'))
      expect(again).toMatchObject({ message: stored[1]?.message, isNew: false })
      expect(again.receipt).toBeDefined()
    })
  })

  it('keeps nothing of an abandoned message', async () => {
    await run(start(), async (ledger) => {
      const { sink, stored } = intakeOf(ledger, keyOf('a'))
      void sink.write(mail('one'))
      const rejection = expect(stored).rejects.toThrow('abandoned')
      sink.abandon()
      await rejection
      ledger.inStep()
      await ledger.flush()
      expect((await ledger.receipts()).all).toEqual([])
      expect(await take(ledger, keyOf('a'), mail('one'))).toMatchObject({ isNew: true })
    })
  })

  it('binds a key anew, and leaves a message the time at which it came', async () => {
    const archive = start()
    archive.setNow(1000)
    const one = await run(archive, (ledger) => take(ledger, keyOf('a', 5), mail('one')))
    archive.setNow(2000)
    await run(archive, (ledger) => take(ledger, keyOf('b', 6), mail('one')))
    expect(await run(archive, receiptsOf)).toMatchObject([
      { uniqueId: 'a', message: one.message, boundAt: 1000 },
      { uniqueId: 'b', message: one.message, boundAt: 1000 },
    ])
    const two = await run(archive, (ledger) => take(ledger, keyOf('a', 5), mail('two')))
    expect(await run(archive, receiptsOf)).toMatchObject([
      { id: one.receipt, uniqueId: 'a', message: two.message, boundAt: 2000 },
      { uniqueId: 'b', message: one.message },
    ])
  })

  it('has one receipt for each row without unique-id, however often it is retrieved', async () => {
    const archive = start()
    const twins = [1, 2].map(() => ({ key: keyOf(undefined, 5), octets: mail('one') }))
    const first = await run(archive, (ledger) => takeIn(ledger, twins))
    const again = await run(archive, (ledger) => takeIn(ledger, twins))
    expect(again.map(({ receipt }) => receipt)).toEqual(first.map(({ receipt }) => receipt))
    expect(await run(archive, receiptsOf)).toHaveLength(2)
  })

  it('recognises by canonical digest what was asked for, in its own account', async () => {
    const archive = start()
    const one = await run(archive, (ledger) => take(ledger, keyOf('a'), mail('one')))
    const other = await run(
      archive,
      (ledger) => take(ledger, keyOf('b'), rewritten('one', '1'), { byCanonical: true }),
      home,
    )
    expect(other).toMatchObject({ isNew: true, boundBy: 'digest' })
    await run(archive, async (ledger) => {
      const unasked = await take(ledger, keyOf('b'), rewritten('one', '2'))
      expect(unasked).toMatchObject({ isNew: true })
      const asked = await take(ledger, keyOf('c'), rewritten('one', '3'), { byCanonical: true })
      expect(asked.boundBy).toBe('canonical')
      // Those that were retrieved in this run are rows of its listing.
      expect(asked.message).toBe(one.message)
    })
  })

  it('recognises without being asked where no receipt is left', async () => {
    const archive = start()
    const loose = { key: keyOf('a'), octets: mail('one') }
    const [kept] = await run(archive, (ledger) => takeIn(ledger, [loose], { isInStep: false }))
    const found = await run(archive, (ledger) => take(ledger, keyOf('b'), rewritten('one', '1')))
    expect(found).toMatchObject({ message: kept?.message, isNew: false, boundBy: 'canonical' })
  })

  it('recognises nothing that is claimed', async () => {
    const archive = start()
    await run(archive, (ledger) => take(ledger, keyOf('a'), mail('one')))
    await run(archive, async (ledger) => {
      await ledger.claim((await ledger.receipts()).all.map(({ id }) => id))
      const other = await take(ledger, keyOf('b'), rewritten('one', '1'), { byCanonical: true })
      expect(other).toMatchObject({ isNew: true, boundBy: 'digest' })
    })
  })

  it('takes back one of two claimed receipts that are one message by nothing better', async () => {
    const archive = start()
    const one = await run(archive, (ledger) => take(ledger, keyOf('a'), mail('one')))
    const guess = { byCanonical: true }
    for (const name of ['b', 'c']) {
      await run(archive, (ledger) => take(ledger, keyOf(name), rewritten('one', name), guess))
    }
    expect((await run(archive, receiptsOf)).map(({ message }) => message)).toEqual(
      Array<number>(3).fill(one.message),
    )
    await run(archive, async (ledger) => {
      const guessed = (await ledger.receipts()).all.filter(({ boundBy }) => boundBy === 'canonical')
      await ledger.claim(guessed.map(({ id }) => id))
    })
    expect((await run(archive, receiptsOf)).map(({ uniqueId }) => uniqueId)).toEqual(['a', 'b'])
    await run(archive, async (ledger) => {
      await ledger.claim((await ledger.receipts()).all.map(({ id }) => id))
    })
    expect((await run(archive, receiptsOf)).map(({ uniqueId }) => uniqueId)).toEqual(['a'])
  })

  it('gives a message back to the row that is it', async () => {
    const archive = start()
    const loose = { key: keyOf('a'), octets: mail('one') }
    await run(archive, (ledger) => takeIn(ledger, [loose], { isInStep: false }))
    await run(archive, (ledger) => take(ledger, keyOf('b'), rewritten('one', '1')))
    await run(archive, (ledger) => take(ledger, keyOf('a'), mail('one')))
    const left = await run(archive, receiptsOf)
    expect(left).toMatchObject([{ uniqueId: 'a', boundBy: 'digest' }])
  })
}
