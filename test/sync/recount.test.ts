import { describe, expect, it } from 'vitest'
import { FakeMaildrop, type FakeMessage } from '../support/fake-maildrop.ts'
import { MemoryArchive } from '../support/memory-archive.ts'
import { mail, sent, syncOnce } from '../support/sync-once.ts'

/** The same message, listed with other octets than before. */
function resized(message: FakeMessage): FakeMessage {
  return { ...message, listed: message.octets.length - 7 }
}

function messages(count: number): FakeMessage[] {
  return Array.from({ length: count }, (_, i) => mail(`u${i}`, `s${i}`))
}

async function kept(count: number, options = {}) {
  const before = messages(count)
  const archive = new MemoryArchive()
  const maildrop = new FakeMaildrop(before, options)
  await syncOnce(maildrop, archive)
  return { archive, maildrop, before }
}

describe('a server that counts octets anew', () => {
  it('costs one TOP for each message, once, and no retrieval', async () => {
    const { archive, maildrop, before } = await kept(300)
    maildrop.messages = before.map(resized)
    const { known } = await syncOnce(maildrop, archive)
    expect([known, sent(maildrop, 'RETR')]).toEqual([300, []])
    expect(new Set(sent(maildrop, 'TOP')).size).toBe(300)
    expect(sent(maildrop, 'TOP')).toHaveLength(300)
    const steady = await syncOnce(maildrop, archive)
    expect([steady.known, ...sent(maildrop, 'TOP'), ...sent(maildrop, 'RETR')]).toEqual([300])
  })

  it('has other mail under former unique-ids retrieved, wherever a sample looks', async () => {
    const { archive, maildrop, before } = await kept(9)
    maildrop.messages = before.map((message, i) =>
      i % 2 === 0 ? resized(message) : resized(mail(message.uniqueId, `other ${i}`)),
    )
    await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'RETR')).toEqual(['RETR 2', 'RETR 4', 'RETR 6', 'RETR 8'])
    expect(archive.contents()).toHaveLength(13)
    const steady = await syncOnce(maildrop, archive)
    expect([steady.known, ...sent(maildrop, 'RETR')]).toEqual([9])
  })

  it('has the rest recognised where a sample holds other mail', async () => {
    const { archive, maildrop, before } = await kept(9)
    maildrop.messages = before.map(resized).with(0, resized(mail('u0', 'other')))
    await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'RETR')).toEqual(['RETR 1'])
  })

  it('has all retrieved behind five headers where none of them agrees', async () => {
    const { archive, maildrop, before } = await kept(20)
    maildrop.messages = before.map(({ uniqueId }, i) => resized(mail(uniqueId, `other ${i}`)))
    await syncOnce(maildrop, archive)
    expect([sent(maildrop, 'TOP').length, sent(maildrop, 'RETR').length]).toEqual([5, 20])
  })

  it('has all retrieved, and stored once, where there is no TOP', async () => {
    const { archive, maildrop, before } = await kept(9, { hasTop: false })
    maildrop.messages = before.map(resized)
    const { counts } = await syncOnce(maildrop, archive)
    expect(counts).toMatchObject({ retrieved: 9, stored: 0 })
  })
})
