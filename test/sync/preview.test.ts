/** A dry run says what the run behind it does, message for message. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Policy } from '../../src/sync/policy.ts'
import { FakeMaildrop, type FakeMessage } from '../support/fake-maildrop.ts'
import { MemoryArchive } from '../support/memory-archive.ts'
import { DELETE_ALL, mail, previewOnce, sent, syncOnce } from '../support/sync-once.ts'

const DAY = 24 * 3600 * 1000
const NOW = Date.parse('2026-11-23T00:00:00Z')

/** Messages of one octet count, so that only their headers tell. */
function dated(index: number, ageDays: number | undefined, isFolderData = false): FakeMessage {
  const date = ageDays === undefined ? 'none' : new Date(NOW - ageDays * DAY).toUTCString()
  const subject = isFolderData ? "DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA" : `s${index}`
  const text = `Subject: ${subject.padEnd(60)}\r\nDate: ${date.padEnd(40)}\r\n\r\ntext\r\n`
  return { uniqueId: `u${index}`, octets: Buffer.from(text) }
}

const policies: fc.Arbitrary<Policy> = fc.record({
  delete: fc.record({
    afterMs: fc.constantFrom(0, 0, 30 * DAY),
    olderMs: fc.constantFrom(undefined, 100 * DAY),
  }),
  keepLatest: fc.constantFrom(undefined, 1, 3),
  maxMessages: fc.constantFrom(undefined, undefined, 2),
  deleteRemoved: fc.constant(false),
})

const ages = fc.array(fc.option(fc.integer({ min: -10, max: 300 }), { nil: undefined }), {
  maxLength: 6,
})

const namesOf = (messages: readonly { readonly uniqueId: string | undefined }[]) =>
  messages.map(({ uniqueId }) => uniqueId).toSorted()

describe('a dry run', () => {
  it.each([true, false])('says what the next run does (unique-ids: %s)', async (hasUniqueIds) => {
    await fc.assert(
      fc.asyncProperty(ages, ages, policies, fc.boolean(), async (old, fresh, policy, isLater) => {
        const archive = new MemoryArchive()
        archive.now = NOW
        const before = old.map((age, index) => dated(index, age))
        const maildrop = new FakeMaildrop([...before], { hasUniqueIds })
        await syncOnce(maildrop, archive)
        const after = fresh.map((age, index) => dated(old.length + index, age))
        maildrop.messages = [...before, ...after]
        archive.now = NOW + (isLater ? 30 : 29) * DAY
        const { preview } = await previewOnce(maildrop, archive, { policy })
        expect(
          maildrop.commands.filter((line) => !/^(STAT|UIDL|LAST|TOP|QUIT)/.test(line)),
        ).toEqual([])
        const listed = [...maildrop.messages]
        await syncOnce(maildrop, archive, { policy })
        const numbers = sent(maildrop, 'RETR').map((line) => Number(line.slice('RETR '.length)))
        expect(preview?.retrieve.map(({ messageNumber }) => messageNumber).toSorted()).toEqual(
          numbers.toSorted(),
        )
        const gone = listed.filter((message) => !maildrop.messages.includes(message))
        const said = preview?.delete.map(({ messageNumber }) => listed[messageNumber - 1])
        expect(namesOf((said ?? []).filter((one) => one !== undefined))).toEqual(namesOf(gone))
      }),
      { numRuns: 120 },
    )
  })

  it('shows the internal data of a folder as what stays', async () => {
    const maildrop = new FakeMaildrop([dated(0, 9, true), dated(1, 9)])
    const { preview } = await previewOnce(maildrop, new MemoryArchive(), { policy: DELETE_ALL })
    expect(preview?.delete.map(({ uniqueId }) => uniqueId)).toEqual(['u1'])
    expect(sent(maildrop, 'TOP')).toEqual(['TOP 1'])
  })

  it('says date and subject of what the archive has, and nothing of what it has not', async () => {
    const [maildrop, archive] = [new FakeMaildrop([dated(0, 200)]), new MemoryArchive()]
    await syncOnce(maildrop, archive)
    maildrop.messages.push(dated(1, 9))
    const { preview } = await previewOnce(maildrop, archive, { policy: DELETE_ALL })
    expect(preview?.delete.map((item) => Object.keys(item).includes('date'))).toEqual([true, false])
    expect(preview?.delete[0]?.date).toMatch(/^\d{4}-.*Z$/)
  })

  it('asks for no header where nothing new is due yet', async () => {
    const maildrop = new FakeMaildrop([dated(0, 200), dated(1, 9)])
    const policy: Policy = { delete: { afterMs: DAY, olderMs: DAY }, deleteRemoved: false }
    const { preview } = await previewOnce(maildrop, new MemoryArchive(), { policy })
    expect({ top: sent(maildrop, 'TOP'), deletes: preview?.delete }).toEqual({
      top: [],
      deletes: [],
    })
  })

  it.each<[string, Policy['delete'], string | undefined]>([
    [
      'the archive',
      { afterMs: 30 * DAY },
      'none has been in the archive for 30d yet; the first is due 2026-12-23',
    ],
    [
      'the own date',
      { afterMs: 0, olderMs: 365 * DAY },
      'none is dated 1y ago yet; the first is due 2027-05-07',
    ],
    [
      'both',
      { afterMs: 30 * DAY, olderMs: 201 * DAY },
      'none has been in the archive for 30d and is dated 201d ago yet; the first is due 2026-12-23',
    ],
    ['neither', { afterMs: 0 }, undefined],
    ['what lets one go', { afterMs: 0, olderMs: 200 * DAY }, undefined],
  ])('says when the first is due where none is, by %s', async (_, clocks, text) => {
    const [maildrop, archive] = [
      new FakeMaildrop([dated(0, 200), dated(1, 9), dated(2, undefined)]),
      new MemoryArchive(),
    ]
    archive.now = NOW
    await syncOnce(maildrop, archive)
    const policy: Policy = { delete: clocks, deleteRemoved: false }
    const { events } = await previewOnce(maildrop, archive, { policy })
    const said = events.flatMap((event) =>
      event.type === 'notice' && event.code === 'NOTHING_DUE' ? event.text : [],
    )
    expect(said).toEqual(text === undefined ? [] : [text])
  })

  it('says that it cannot tell, where the server shows no headers', async () => {
    const maildrop = new FakeMaildrop([dated(0, 200), dated(1, 9)], { hasTop: false })
    const archive = new MemoryArchive()
    archive.now = NOW
    const policy: Policy = { delete: { afterMs: 0, olderMs: 100 * DAY }, deleteRemoved: false }
    const { preview, events } = await previewOnce(maildrop, archive, { policy })
    expect(preview?.delete).toEqual([])
    expect(events).toContainEqual(
      expect.objectContaining({
        ...{ type: 'notice', code: 'PREVIEW_INCOMPLETE', isWarning: true },
        text: expect.stringContaining('2 new messages'),
      }),
    )
  })

  it('has what is retrieved again to be compared, where the server has no TOP', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop([mail('a', 'one'), mail('b', 'two')], { hasTop: false })
    await syncOnce(maildrop, archive)
    const policy = { ...DELETE_ALL, maxMessages: 1 }
    const { preview, postponed } = await previewOnce(maildrop, archive, { policy })
    const names = (items: readonly { uniqueId: string | undefined }[] = []) =>
      items.map(({ uniqueId }) => uniqueId)
    expect([names(preview?.retrieve), names(preview?.delete), postponed]).toEqual([['a'], ['a'], 1])
  })
})
