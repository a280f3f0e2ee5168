/** Listings that leave out unique-ids, rows, or everything. */
import { describe, expect, it } from 'vitest'
import { FakeMaildrop } from '../support/fake-maildrop.ts'
import { listingOf } from '../support/listing-of.ts'
import { MemoryArchive } from '../support/memory-archive.ts'
import { DELETE_ALL, mail, sent, syncOnce } from '../support/sync-once.ts'

const five = Array.from({ length: 5 }, (_, i) => mail(`u${i}`, `s${i}`))
/** All with one header section and one size, and one message. */
const copies = Array.from({ length: 5 }, () => mail(undefined, 'same'))

describe('rows without unique-id among rows with', () => {
  it('are known by size and header, and none of the others is asked for', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop([...five, mail(undefined, 'nameless')])
    await syncOnce(maildrop, archive)
    maildrop.messages.push(mail(undefined, 'newcomer'))
    const { known } = await syncOnce(maildrop, archive)
    expect([sent(maildrop, 'TOP'), sent(maildrop, 'RETR')]).toEqual([
      ['TOP 6', 'TOP 7'],
      ['RETR 7'],
    ])
    expect(known).toBe(6)
  })

  it('are known where their unique-id is missing today only', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop([...five])
    await syncOnce(maildrop, archive)
    maildrop.messages = five.with(2, { ...five[2]!, uniqueId: undefined })
    await syncOnce(maildrop, archive)
    expect([sent(maildrop, 'TOP'), sent(maildrop, 'RETR')]).toEqual([['TOP 3'], []])
    expect(archive.accounts[0]!.receipts.map(({ absent }) => absent)).toEqual(Array(5).fill(false))
    maildrop.messages = five
    await syncOnce(maildrop, archive)
    expect([...sent(maildrop, 'TOP'), ...sent(maildrop, 'RETR')]).toEqual([])
  })

  it('are not taken for a message that is listed with its unique-id', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop([...five])
    await syncOnce(maildrop, archive)
    maildrop.messages = [...five, mail(undefined, 's2', 'TEXT')]
    await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'RETR')).toEqual(['RETR 6'])
    expect(archive.contents()).toHaveLength(6)
  })

  it('are each a copy of their own', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop(copies.slice(0, 3))
    await syncOnce(maildrop, archive)
    maildrop.messages = [...copies]
    const { known } = await syncOnce(maildrop, archive)
    expect([known, sent(maildrop, 'RETR')]).toEqual([3, ['RETR 4', 'RETR 5']])
    await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'RETR')).toEqual([])
    expect(archive.accounts[0]!.receipts).toHaveLength(5)
  })

  it('are retrieved and compared before they are deleted', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop([...five])
    await syncOnce(maildrop, archive)
    const other = mail(undefined, 's2', 'TEXT')
    maildrop.messages = five.with(2, other)
    await syncOnce(maildrop, archive, { policy: DELETE_ALL })
    expect(sent(maildrop, 'RETR')).toEqual(['RETR 3'])
    expect(maildrop.messages).toEqual([])
    expect(archive.contents()).toContain(Buffer.from(other.octets).toString('latin1'))
  })
})

describe('a maildrop that shows nothing for a day', () => {
  it.each([true, false])('is not forgotten (TOP: %s)', async (hasTop) => {
    const archive = new MemoryArchive()
    const many = Array.from({ length: 500 }, (_, i) => mail(`u${i}`, `s${i}`))
    const maildrop = new FakeMaildrop(many, { hasTop })
    await syncOnce(maildrop, archive)
    maildrop.messages = []
    const { error } = await syncOnce(maildrop, archive)
    expect(error).toBeUndefined()
    expect(archive.accounts[0]!.receipts).toHaveLength(500)
    maildrop.messages = many
    const { known } = await syncOnce(maildrop, archive)
    expect([known, sent(maildrop, 'RETR')]).toEqual([500, []])
    await syncOnce(maildrop, archive)
    expect([...sent(maildrop, 'TOP'), ...sent(maildrop, 'RETR')]).toEqual([])
  })
})

describe('rows that are missing', () => {
  it('leave their receipts, and cost nothing but a header section when they are back', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop([...five])
    await syncOnce(maildrop, archive)
    maildrop.messages = five.toSpliced(1, 1)
    await syncOnce(maildrop, archive)
    maildrop.messages = [...five]
    await syncOnce(maildrop, archive)
    expect([sent(maildrop, 'TOP'), sent(maildrop, 'RETR')]).toEqual([['TOP 2'], []])
  })
})

describe('an old unique-id of a new message', () => {
  it.each([
    ['of another size', mail('u1', 's1', 'longer')],
    ['of the same size, behind a listing without it', mail('u1', 'S1')],
  ])('%s', async (_, arrived) => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop([...five])
    await syncOnce(maildrop, archive)
    maildrop.messages = five.toSpliced(1, 1)
    await syncOnce(maildrop, archive)
    maildrop.messages = five.with(1, arrived)
    await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'RETR')).toEqual(['RETR 2'])
    expect(archive.contents()).toHaveLength(6)
  })
})

describe('a maildrop that moved to a server without unique-ids', () => {
  it('is retrieved and compared, not taken for an outage', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop([...five])
    await syncOnce(maildrop, archive)
    maildrop.options = { hasUniqueIds: false }
    const { error } = await syncOnce(maildrop, archive, { host: 'pop.example.net' })
    expect(error).toBeUndefined()
    expect(archive.contents()).toHaveLength(5)
    await syncOnce(maildrop, archive, { host: 'pop.example.net' })
    expect(sent(maildrop, 'RETR')).toEqual([])
  })
})

describe('a message number that was listed twice', () => {
  it.each([
    ['in the run that stored it', false],
    ['in a later run', true],
  ])('is retrieved and kept on the server: %s', async (_, isKnown) => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop([...five])
    if (isKnown) await syncOnce(maildrop, archive)
    const open = maildrop.open.bind(maildrop)
    maildrop.open = async (...parameters) => {
      const session = await open(...parameters)
      const listing = session.listing.bind(session)
      session.listing = async () => {
        const { rows, hasUniqueIds } = await listing()
        const shown = rows.all.with(2, { ...rows.at(2), isRepeated: true })
        return { rows: listingOf(shown), hasUniqueIds }
      }
      return session
    }
    const { error } = await syncOnce(maildrop, archive, { policy: DELETE_ALL })
    expect(error).toBeUndefined()
    expect(maildrop.messages).toEqual([five[2]])
    expect(archive.contents()).toHaveLength(5)
  })
})
