import { describe, expect, it } from 'vitest'
import { dueRows, mayLeave, newest } from '../../src/sync/due.ts'
import { KEEP_ALL, type Policy } from '../../src/sync/policy.ts'
import type { MessageTraits } from '../../src/sync/ports/ledger.ts'
import type { Receipt } from '../../src/sync/ports/receipt.ts'
import { FakeMaildrop, type FakeMessage } from '../support/fake-maildrop.ts'
import { MemoryArchive } from '../support/memory-archive.ts'
import { DELETE_ALL, mail, sent, syncOnce } from '../support/sync-once.ts'

function row(messageNumber: number, uniqueId: string, octets: number) {
  return { messageNumber, uniqueId, octets }
}

function receipt(id: number, uniqueId: string, octets: number, over: Partial<Receipt>): Receipt {
  return {
    ...{ id, uniqueId, occurrence: 1, octets, message: id, boundAt: 0, boundBy: 'digest' },
    ...{ state: 'stored', absent: false },
    ...over,
  }
}

describe('dueRows', () => {
  const day = 24 * 3600 * 1000
  const start = Date.parse('2026-01-01T00:00:00Z')
  const matched = (over: Partial<Receipt>) => {
    const r = receipt(1, 'a', 10, { ...over, boundAt: start + (over.boundAt ?? 0) })
    return { row: row(1, 'a', 10), key: r, receipt: r }
  }
  const after = { delete: { afterMs: 30 * day }, deleteRemoved: false }
  it.each([
    ['never unless asked', KEEP_ALL, matched({}), 99 * day, false],
    ['before its time', after, matched({}), 30 * day - 1, false],
    ['at its time', after, matched({}), 30 * day, true],
    ['counted from archiving', after, matched({ boundAt: 5 * day }), 34 * day, false],
    ['a clock set back deletes nothing', after, matched({ boundAt: 99 * day }), 30 * day, false],
    ['not what the owner removed', after, matched({ state: 'removed' }), 99 * day, false],
    [
      'unless the owner says so',
      { ...after, deleteRemoved: true },
      matched({ state: 'removed' }),
      99 * day,
      true,
    ],
    ['again if the server kept it', after, matched({ state: 'delete sent' }), 99 * day, true],
    ['after two DELEs', after, matched({ attempts: 2 }), 99 * day, true],
    ['not after three DELEs', after, matched({ attempts: 3 }), 99 * day, false],
    [
      'unless asked anew',
      { ...after, deleteAgain: true },
      matched({ attempts: 3 }),
      99 * day,
      true,
    ],
  ])('%s', (_, policy, known, now, due) => {
    expect(dueRows([known], policy, start + now)).toHaveLength(due ? 1 : 0)
  })
})

const YEAR = 365 * 24 * 3600 * 1000
const NOW = Date.parse('2026-11-23T00:00:00Z')

describe('mayLeave', () => {
  const traits: MessageTraits = {
    ...{ octets: 10, date: NOW - 3 * YEAR, archivedAt: NOW, subject: 'hello', isShort: false },
  }
  const older: Policy = { delete: { afterMs: 0, olderMs: 2 * YEAR }, deleteRemoved: false }
  it.each([
    ['an old one', older, {}, true],
    ['one on the day', older, { date: NOW - 2 * YEAR }, true],
    ['one a moment younger', older, { date: NOW - 2 * YEAR + 1 }, false],
    ['one without a date', older, { date: undefined }, false],
    ['one without a date, by the other clock', DELETE_ALL, { date: undefined }, true],
    ['one from the future', older, { date: NOW + YEAR }, false],
    ['a short one', DELETE_ALL, { isShort: true }, false],
    ['a short one, if asked for', { ...DELETE_ALL, deleteShort: true }, { isShort: true }, true],
    ['where nothing is to be deleted', KEEP_ALL, {}, false],
    [
      'internal data of a folder',
      { ...DELETE_ALL, deleteShort: true },
      { subject: "DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA" },
      false,
    ],
  ] as const)('%s', (_name, policy, over, leaves) => {
    expect(mayLeave({ ...traits, ...over }, policy, NOW)).toBe(leaves)
  })
})

describe('newest', () => {
  const of = (date: number | undefined, archivedAt: number): MessageTraits => ({
    ...{ octets: 1, date, archivedAt, subject: undefined, isShort: false },
  })
  it('goes by the own date, then the time of archiving, then the order of arrival', () => {
    const traits = new Map([
      ...([
        [1, of(5, 100)],
        [2, of(undefined, 7)],
        [3, of(6, 100)],
        [4, of(6, 0)],
      ] as const),
    ])
    expect([...newest(traits, 1)]).toEqual([2])
    expect([...newest(traits, 3)]).toEqual([2, 4, 3])
    expect(newest(traits, 9).size).toBe(4)
  })
})

function dated(uniqueId: string, date: string | undefined): FakeMessage {
  const line = date === undefined ? '' : `Date: ${date}\r\n`
  return { uniqueId, octets: Buffer.from(`${line}Subject: ${uniqueId}\r\n\r\n${uniqueId}\r\n`) }
}

describe('deletion', () => {
  const old = dated('old', 'Mon, 2 Jan 2012 10:00:00 +0000')
  const young = dated('young', 'Mon, 2 Nov 2026 10:00:00 +0000')
  const undated = dated('undated', undefined)

  function here(messages: FakeMessage[]) {
    const archive = new MemoryArchive()
    archive.now = NOW
    return { archive, maildrop: new FakeMaildrop(messages) }
  }

  const left = (maildrop: FakeMaildrop) => maildrop.messages.map(({ uniqueId }) => uniqueId)

  it('by the own date takes what is old enough, in the run that stores it and in later ones', async () => {
    const { archive, maildrop } = here([old, young, undated])
    const policy: Policy = { delete: { afterMs: 0, olderMs: 2 * YEAR }, deleteRemoved: false }
    await syncOnce(maildrop, archive, { policy })
    expect(left(maildrop)).toEqual(['young', 'undated'])
    archive.now = NOW + 3 * YEAR
    await syncOnce(maildrop, archive, { policy })
    expect(left(maildrop)).toEqual(['undated'])
    expect(archive.contents()).toHaveLength(3)
  })

  it('by both clocks waits for the later', async () => {
    const { archive, maildrop } = here([old, young])
    const policy: Policy = { delete: { afterMs: YEAR, olderMs: 2 * YEAR }, deleteRemoved: false }
    await syncOnce(maildrop, archive, { policy })
    expect(left(maildrop)).toEqual(['old', 'young'])
    archive.now = NOW + 1.5 * YEAR
    await syncOnce(maildrop, archive, { policy })
    expect(left(maildrop)).toEqual(['young'])
  })

  it('keeps the newest, whatever is due', async () => {
    const { archive, maildrop } = here([
      young,
      old,
      dated('older', 'Mon, 3 Jan 2011 10:00:00 +0000'),
    ])
    const policy: Policy = { ...DELETE_ALL, keepLatest: 2 }
    await syncOnce(maildrop, archive, { policy })
    expect(left(maildrop)).toEqual(['young', 'old'])
    maildrop.messages.push(dated('newer', 'Tue, 3 Nov 2026 10:00:00 +0000'))
    await syncOnce(maildrop, archive, { policy })
    await syncOnce(maildrop, archive, { policy })
    expect(left(maildrop)).toEqual(['young', 'newer'])
  })

  it('never takes the internal data of a folder', async () => {
    const subject = "DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA"
    const { archive, maildrop } = here([mail('a', subject), mail('b', 'two')])
    await syncOnce(maildrop, archive, { policy: DELETE_ALL })
    await syncOnce(maildrop, archive, { policy: DELETE_ALL })
    expect(left(maildrop)).toEqual(['a'])
  })

  it('begins behind the proof, with what is proven, and not at all where nothing is', async () => {
    const begun = async (isProven: (message: number) => boolean) => {
      const [maildrop, archive] = [
        new FakeMaildrop([mail('a', 'one'), mail('b', 'two')]),
        new MemoryArchive(),
      ]
      const open = archive.openAccount.bind(archive)
      const seen: string[] = []
      archive.openAccount = async (...args: Parameters<typeof open>) => {
        const ledger = await open(...args)
        const prove = ledger.prove.bind(ledger)
        ledger.prove = async (messages) => {
          const proven = await prove(messages)
          return new Map([...proven].filter(([message]) => isProven(message)))
        }
        return ledger
      }
      const { events } = await syncOnce(maildrop, archive, { policy: DELETE_ALL })
      for (const event of events) if (event.type === 'deleting') seen.push(String(event.messages))
      return [seen, sent(maildrop, 'DELE').length]
    }
    expect(await begun(() => true)).toEqual([['2'], 2])
    expect(await begun((message) => message === 1)).toEqual([['1'], 1])
    expect(await begun(() => false)).toEqual([[], 0])
  })

  it('says which messages went, and where they are in the archive', async () => {
    const { archive, maildrop } = here([mail('a', 'one')])
    const { events } = await syncOnce(maildrop, archive, { policy: DELETE_ALL })
    const [message] = archive.messages
    expect(events).toContainEqual({
      ...{ type: 'deleted', account: 'work', uniqueId: 'a', quit: 'done' },
      octets: message?.octets.length,
      digest: message?.digest,
    })
  })

  it.each(['done', 'refused', 'lost'] as const)(
    'behind a QUIT that is %s, without effect, is given up after three',
    async (quit) => {
      const { archive, maildrop } = here([mail('a', 'one')])
      const kept = maildrop.messages
      const warnings: number[] = []
      let deletions = 0
      for (let run = 1; run <= 6; run++) {
        maildrop.messages = kept
        maildrop.options = { quit: quit === 'lost' ? 'lost-before' : quit }
        const { events, error } = await syncOnce(maildrop, archive, { policy: DELETE_ALL })
        expect(error).toBeUndefined()
        deletions += sent(maildrop, 'DELE').length
        if (events.some((e) => e.type === 'notice' && e.code === 'DELETION_IGNORED')) {
          warnings.push(run)
        }
      }
      expect({ deletions, warnings }).toEqual({ deletions: 3, warnings: [4] })
      maildrop.messages = kept
      await syncOnce(maildrop, archive, { policy: { ...DELETE_ALL, deleteAgain: true } })
      expect(sent(maildrop, 'DELE')).toHaveLength(1)
    },
  )

  it('counts three also where each message is retrieved again before its DELE', async () => {
    const { archive, maildrop } = here([mail('a', 'one')])
    const kept = maildrop.messages
    maildrop.options = { hasTop: false }
    let deletions = 0
    for (let run = 1; run <= 5; run++) {
      maildrop.messages = kept
      await syncOnce(maildrop, archive, { policy: DELETE_ALL })
      deletions += sent(maildrop, 'DELE').length
    }
    expect(deletions).toBe(3)
  })
})
