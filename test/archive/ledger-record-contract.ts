/** What the engine relies on in what a ledger remembers of messages; one suite for all archives, as for the intake. */
import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { intakeOf } from '../support/intake.ts'
import {
  byDigest,
  type LedgerUnderTest,
  receiptsOf,
  rewritten,
  run,
  take,
  takeIn,
} from './ledger-under-test.ts'
import { keyOf, mail, noCounts, octetsOf, work } from './temp-archive.ts'

const digestOf = (octets: Uint8Array) => createHash('sha256').update(octets).digest('hex')

const NOTHING = { deleted: [], undeleted: [], absent: [], present: [] }

export function describeRecord(start: () => LedgerUnderTest): void {
  it('binds rows to messages without retrieving them', async () => {
    const archive = start()
    archive.setNow(1000)
    const { message } = await run(archive, (ledger) => take(ledger, keyOf('a', 5), mail('one')))
    archive.setNow(2000)
    await run(archive, async (ledger) => {
      const changed = { message, by: 'fingerprint' as const }
      await ledger.bind([{ key: keyOf('new', 5), ...changed }])
      await ledger.bind([{ key: keyOf('a', 7), message, by: 'recount' }])
      await ledger.bind([])
    })
    expect(await run(archive, receiptsOf)).toMatchObject([
      { uniqueId: 'a', octets: 5, boundBy: 'digest', boundAt: 1000 },
      { uniqueId: 'new', octets: 5, message, boundBy: 'fingerprint', boundAt: 1000 },
      { uniqueId: 'a', octets: 7, message, boundBy: 'recount', boundAt: 1000 },
    ])
  })

  it('takes no guess back for a row that is bound without being retrieved', async () => {
    const archive = start()
    const loose = { key: keyOf('a'), octets: mail('one') }
    await run(archive, (ledger) => takeIn(ledger, [loose], { isInStep: false }))
    const guess = await run(archive, (ledger) => take(ledger, keyOf('b'), rewritten('one', '1')))
    const bound = { message: guess.message, by: 'digest' as const }
    await run(archive, (ledger) => ledger.bind([{ key: keyOf('a'), ...bound }]))
    expect(await run(archive, receiptsOf)).toMatchObject([
      { uniqueId: 'b', boundBy: 'canonical' },
      { uniqueId: 'a', boundBy: 'digest' },
    ])
  })

  it('records only what changed in a listing', async () => {
    const archive = start()
    const [a = 0, b = 0, c = 0] = await run(archive, async (ledger) => {
      const names = ['a', 'b', 'c']
      await takeIn(
        ledger,
        names.map((name) => ({ key: keyOf(name), octets: mail(name) })),
      )
      const ids = (await ledger.receipts()).all.map(({ id }) => id)
      await ledger.deleteSent(ids.slice(0, 2))
      return ids
    })
    const shown = async () =>
      (await run(archive, receiptsOf)).map(({ state, absent }) => [state, absent])
    expect(await shown()).toEqual([
      ['delete sent', false],
      ['delete sent', false],
      ['stored', false],
    ])
    await run(archive, (ledger) =>
      ledger.recordListing({ deleted: [a], undeleted: [b], absent: [a, c], present: [] }),
    )
    expect(await shown()).toEqual([
      ['deleted', true],
      ['stored', false],
      ['stored', true],
    ])
    await run(archive, (ledger) => ledger.recordListing({ ...NOTHING, present: [c] }))
    expect((await shown())[2]).toEqual(['stored', false])
    await run(archive, (ledger) => ledger.recordListing({ ...NOTHING, undeleted: [a] }))
    expect((await shown())[0]).toEqual(['stored', true])
  })

  it('counts each QUIT behind a DELE until a listing shows its effect', async () => {
    const archive = start()
    const { receipt } = await run(archive, (ledger) => take(ledger, keyOf('a'), mail('one')))
    const attempts = async () => (await run(archive, receiptsOf))[0]?.attempts
    for (let time = 1; time <= 2; time += 1) {
      await run(archive, async (ledger) => {
        await ledger.recordListing({ ...NOTHING, undeleted: time === 1 ? [] : [receipt] })
        await ledger.deleteSent([receipt])
        await ledger.deleteTried([receipt])
      })
      expect(await attempts()).toBe(time)
    }
    // It is retrieved again, and is the message that it was.
    await run(archive, (ledger) => take(ledger, keyOf('a'), mail('one')))
    expect(await attempts()).toBe(2)
    await run(archive, (ledger) => ledger.recordListing({ ...NOTHING, deleted: [receipt] }))
    expect(await attempts()).toBe(0)
  })

  it('counts no DELE of a message against another under its name', async () => {
    const archive = start()
    const { receipt } = await run(archive, (ledger) => take(ledger, keyOf('a'), mail('one')))
    await run(archive, async (ledger) => {
      await ledger.deleteSent([receipt])
      await ledger.deleteTried([receipt])
    })
    await run(archive, (ledger) => take(ledger, keyOf('a'), mail('two')))
    expect(await run(archive, receiptsOf)).toMatchObject([{ state: 'stored', attempts: 0 }])
  })

  it('proves by the octets, and tells their digests', async () => {
    const archive = start()
    const [one, two] = await run(archive, (ledger) =>
      takeIn(ledger, [
        { key: keyOf('a'), octets: mail('one') },
        { key: keyOf('b'), octets: mail('two') },
      ]),
    )
    const asked = [two?.message ?? 0, one?.message ?? 0, 4711]
    const proven = await run(archive, (ledger) => ledger.prove(asked))
    expect(new Map(proven)).toEqual(
      new Map([
        [one?.message, digestOf(mail('one'))],
        [two?.message, digestOf(mail('two'))],
      ]),
    )
    expect((await run(archive, (ledger) => ledger.prove([]))).size).toBe(0)
  })

  it('says before a QUIT whether a later run would find what was stored', async () => {
    const archive = start()
    const ledger = await archive.open(work)
    await ledger.requireInPlace()
    const { message, receipt } = await take(ledger, keyOf('a'), mail('one'))
    await ledger.requireInPlace()
    archive.moveAway()
    const moved = expect.objectContaining({ code: 'ARCHIVE_IO' })
    await expect(ledger.requireInPlace()).rejects.toEqual(moved)
    await expect(ledger.prove([message])).rejects.toEqual(moved)
    await expect(ledger.deleteSent([receipt])).rejects.toEqual(moved)
    await ledger.finish(noCounts, 'done').catch((error) => expect(error).toEqual(moved))
  })

  it('remembers what could not be retrieved, how often, and when last', async () => {
    const archive = start()
    const keys = [keyOf('a', 7), keyOf('a', 7), keyOf(undefined, 7), keyOf(undefined, 7)]
    for (const [index, key] of keys.entries()) {
      archive.setNow(1000 * (index + 1))
      await run(archive, (ledger) => ledger.quarantine(key, 'no such message'))
    }
    const failed = { message: undefined, boundBy: undefined, state: 'quarantined', attempts: 2 }
    expect(await run(archive, receiptsOf)).toMatchObject([
      { uniqueId: 'a', octets: 7, boundAt: 2000, ...failed },
      { uniqueId: undefined, octets: 7, boundAt: 4000, ...failed },
    ])
    const { receipt } = await run(archive, (ledger) => take(ledger, keyOf('a', 7), mail('one')))
    expect((await run(archive, receiptsOf)).find(({ id }) => id === receipt)).toMatchObject({
      ...byDigest,
      boundAt: 4000,
    })
  })

  it('brings back what is tried again, and leaves alone what was stored', async () => {
    const archive = start()
    await run(archive, async (ledger) => {
      await take(ledger, keyOf('a', 7), mail('one'))
      await take(ledger, keyOf(undefined, 7), mail('two'))
      await ledger.quarantine(keyOf('b', 7), 'no such message')
      const absent = (await ledger.receipts()).all.map(({ id }) => id)
      await ledger.recordListing({ ...NOTHING, absent })
    })
    await run(archive, async (ledger) => {
      await ledger.quarantine(keyOf('a', 7), 'no such message')
      await ledger.quarantine(keyOf('b', 7), 'no such message')
      await ledger.quarantine(keyOf(undefined, 7), 'no such message')
    })
    const shown = (await run(archive, receiptsOf)).map((r) => [
      ...[r.uniqueId, r.state, r.absent, r.attempts],
    ])
    expect(shown).toEqual([
      ['a', 'stored', true, 0],
      [undefined, 'stored', true, 0],
      ['b', 'quarantined', false, 2],
      [undefined, 'quarantined', false, 1],
    ])
  })

  it('gives back as removed what its owner removed meanwhile, and as stored what comes again', async () => {
    const archive = start()
    const { receipt, message } = await run(archive, (ledger) =>
      take(ledger, keyOf('a'), mail('one')),
    )
    await run(archive, (ledger) => ledger.deleteSent([receipt]))
    archive.removeMessage(message)
    const states = async () => (await run(archive, receiptsOf)).map(({ state }) => state)
    expect(await states()).toEqual(['delete sent'])
    await run(archive, (ledger) => ledger.recordListing({ ...NOTHING, undeleted: [receipt] }))
    expect(await states()).toEqual(['removed'])
    await run(archive, (ledger) => ledger.bind([{ key: keyOf('b'), message, by: 'fingerprint' }]))
    expect(await states()).toEqual(['removed', 'removed'])
    await run(archive, async (ledger) => {
      const again = await take(ledger, keyOf('c'), mail('one'))
      expect(again).toMatchObject({ message, isNew: true, boundBy: 'digest' })
    })
    expect(await states()).toEqual(['stored', 'stored', 'stored'])
  })

  it('recognises nothing by canonical digest that its owner removed', async () => {
    const archive = start()
    const one = await run(archive, (ledger) => take(ledger, keyOf('a'), mail('one')))
    archive.removeMessage(one.message)
    const other = await run(archive, (ledger) =>
      take(ledger, keyOf('b'), rewritten('one', '1'), { byCanonical: true }),
    )
    expect(other.boundBy).toBe('digest')
    expect((await run(archive, receiptsOf))[0]?.state).toBe('removed')
  })

  it('marks what came short until it is judged', async () => {
    const archive = start()
    const short = { isShort: true }
    const [one, two, three] = await run(archive, (ledger) =>
      takeIn(
        ledger,
        ['one', 'two', 'three'].map((name) => ({ key: keyOf(name), octets: mail(name), ...short })),
      ),
    )
    expect([one?.isShort, two?.isShort, three?.isShort]).toEqual([true, true, true])
    const [ids, messages] = [
      [one, two, three].map((stored) => stored?.receipt ?? 0),
      [one, two, three].map((stored) => stored?.message ?? 0),
    ]
    const marks = () =>
      run(archive, async (ledger) => {
        const traits = await ledger.traits(messages)
        return {
          once: [...(await ledger.shortOnce())].sort((a, b) => a - b),
          isShort: messages.map((message) => traits.get(message)?.isShort),
        }
      })
    expect(await marks()).toEqual({ once: ids, isShort: [true, true, true] })
    // Another row shows that it is whole.
    await run(archive, (ledger) => take(ledger, keyOf('other'), mail('three')))
    expect(await marks()).toEqual({ once: ids.slice(0, 2), isShort: [true, true, false] })
    await run(archive, (ledger) =>
      ledger.judgeShort({
        ...{ final: messages.slice(0, 1), whole: messages.slice(1, 2), superseded: ids.slice(2) },
      }),
    )
    expect(await marks()).toEqual({ once: [], isShort: [true, false, false] })
    const names = (await run(archive, receiptsOf)).map(({ uniqueId }) => uniqueId)
    expect(names).toEqual(['one', 'two', 'other'])
    // Final is final, whatever comes.
    for (const isShort of [true, false]) {
      const again = await run(archive, (ledger) =>
        take(ledger, keyOf('one'), mail('one'), { isShort }),
      )
      expect(again.isShort).toBe(false)
      expect((await marks()).isShort).toEqual([true, false, false])
    }
  })

  it('marks nothing short that has no receipt, or whose octets were not kept', async () => {
    const archive = start()
    const loose = { key: keyOf('a'), octets: mail('one'), isShort: true }
    await run(archive, (ledger) => takeIn(ledger, [loose], { isInStep: false }))
    const found = await run(archive, (ledger) =>
      take(ledger, keyOf('b'), rewritten('one', '1'), { isShort: true }),
    )
    expect(found).toMatchObject({ boundBy: 'canonical', isShort: false })
    await run(archive, async (ledger) => {
      expect(await ledger.shortOnce()).toEqual([])
      expect((await ledger.traits([found.message])).get(found.message)?.isShort).toBe(false)
    })
  })

  it('tells what matters to deletion, and fingerprints', async () => {
    const archive = start()
    archive.setNow(5000)
    const text = octetsOf('Date: Mon, 2 Jan 2012 10:00:00 +0000\r\nSubject: hello\r\n\r\n')
    const one = await run(archive, (ledger) => take(ledger, keyOf('a'), text))
    const two = await run(archive, (ledger) => take(ledger, keyOf('b'), rewritten('one', '1')))
    const three = await run(archive, (ledger) => take(ledger, keyOf('c'), rewritten('one', '2')))
    await run(archive, async (ledger) => {
      expect(await ledger.traits([one.message, 4711])).toEqual(
        new Map([
          [
            one.message,
            {
              ...{ octets: text.length, date: Date.parse('2012-01-02T10:00:00Z') },
              ...{ archivedAt: 5000, subject: 'hello', isShort: false },
            },
          ],
        ]),
      )
      const found = await ledger.fingerprints([one.receipt, two.receipt, three.receipt, 4711])
      expect([...found.keys()].sort((a, b) => a - b)).toEqual([
        ...[one.receipt, two.receipt, three.receipt],
      ])
      expect(found.get(two.receipt)).toBe(found.get(three.receipt))
      expect(found.get(one.receipt)).not.toBe(found.get(two.receipt))
      expect(found.get(one.receipt)).toMatch(/^[0-9a-f]{64}$/)
    })
  })

  it('commits with the end of a run what was in step, and only the octets of the rest', async () => {
    const archive = start()
    const outcome: Promise<unknown>[] = []
    await run(archive, async (ledger) => {
      for (const name of ['a', 'b']) {
        const { sink, stored } = intakeOf(ledger, keyOf(name))
        outcome.push(stored)
        void sink.write(mail(name))
        void sink.end()
        if (name === 'a') ledger.inStep()
      }
    })
    expect(await Promise.all(outcome)).toMatchObject([{ isNew: true }, { receipt: undefined }])
    expect(await run(archive, receiptsOf)).toMatchObject([{ uniqueId: 'a' }])
    const again = await run(archive, (ledger) => take(ledger, keyOf('b'), mail('b')))
    expect(again.isNew).toBe(false)
  })
}
