import { describe, expect, it } from 'vitest'
import { compareWithServer, judgeListing, type ListedProof } from '../../src/sync/against.ts'
import { KEEP_ALL, type Policy } from '../../src/sync/policy.ts'
import { BurntError, FakeMaildrop, type FakeMessage, Fuse } from '../support/fake-maildrop.ts'
import { MemoryArchive } from '../support/memory-archive.ts'
import { mail, sent, syncOnce } from '../support/sync-once.ts'

const DAY_MS = 24 * 3600 * 1000
const SHOWS_PARTS: Policy = {
  ...KEEP_ALL,
  provider: { showsParts: true, keepsBySetting: true },
}

const twenty = Array.from({ length: 20 }, (_, i) => mail(`u${i}`, `s${i}`))
const renumbered = twenty.map(({ octets }, i): FakeMessage => ({ uniqueId: `new${i}`, octets }))

const proof: ListedProof<{ readonly kind: string }> = {
  ofMessage: (message) => ({ kind: `message ${message}` }),
  ofFresh: ({ uniqueId }) => ({ kind: `fresh ${uniqueId}` }),
}

async function synced(messages: readonly FakeMessage[]) {
  const archive = new MemoryArchive()
  const maildrop = new FakeMaildrop([...messages])
  await syncOnce(maildrop, archive)
  maildrop.commands.length = 0
  return { archive, maildrop }
}

/** The words of each verdict, in the order in which they came. */
async function verdicts(
  { archive, maildrop }: Awaited<ReturnType<typeof synced>>,
  over: { policy?: Policy; now?: number; host?: string; signal?: AbortSignal } = {},
) {
  const { policy = KEEP_ALL, now = 0, host = 'pop.example.org' } = over
  const { signal = new AbortController().signal } = over
  const ledger = await archive.openAccount({ name: 'work', host, user: 'work' })
  const listing = await compareWithServer({ maildrop, policy, signal, now: () => now }, ledger)
  return [...judgeListing(listing, proof)].map(({ verdict }) => verdict.kind)
}

describe('a listing against an archive', () => {
  it('asks of each row what the archive has, and retrieves nothing', async () => {
    const rig = await synced(twenty.slice(0, 2))
    rig.maildrop.messages.push(mail('v', 'new'))
    expect(await verdicts(rig)).toEqual(['message 1', 'message 2', 'fresh v'])
    expect(sent(rig.maildrop, 'RETR')).toEqual([])
    expect(rig.maildrop.commands.at(-1)).toBe('QUIT')
  })

  it('names a row under whose unique-id the archive has another message', async () => {
    const rig = await synced(twenty.slice(0, 3))
    rig.maildrop.messages[1] = mail('u1', 'z1')
    expect(await verdicts(rig)).toEqual(['message 1', 'another message', 'message 3'])
    expect(sent(rig.maildrop, 'RETR')).toEqual([])
  })

  it('says whether headers were compared', async () => {
    const { archive, maildrop } = await synced(twenty.slice(0, 3))
    const { signal } = new AbortController()
    for (const hasTop of [true, false]) {
      maildrop.options = { hasTop }
      const ledger = await archive.openAccount({
        name: 'work',
        host: 'pop.example.org',
        user: 'work',
      })
      const context = { maildrop, policy: KEEP_ALL, signal, now: () => 0 }
      const { strangers } = await compareWithServer(context, ledger)
      expect(strangers?.size).toBe(hasTop ? 0 : undefined)
    }
  })

  it('binds nothing by a header: the next sync does', async () => {
    const rig = await synced(twenty)
    rig.maildrop.messages = [...renumbered]
    expect(new Set(await verdicts(rig))).toEqual(new Set(['not retrieved']))
    expect(sent(rig.maildrop, 'TOP')).toHaveLength(20)
  })

  it('asks no headers of a provider that is known to show parts, as a sync does', async () => {
    const rig = await synced(twenty)
    rig.maildrop.messages = [...renumbered]
    const words = await verdicts(rig, { policy: SHOWS_PARTS })
    expect(sent(rig.maildrop, 'TOP')).toEqual([])
    expect(words).toEqual(renumbered.map(({ uniqueId }) => `fresh ${uniqueId}`))
  })

  it.each([
    ['still', 29 * DAY_MS, 1],
    ['no longer', 31 * DAY_MS, 0],
  ])(
    'looks for old mail behind a renumbering %s, by the clock it is given',
    async (_, now, tops) => {
      const rig = await synced(twenty)
      rig.archive.accounts[0]!.facts = { renumberedAt: new Date(0).toISOString() }
      rig.maildrop.messages = [...twenty.slice(0, 19), ...renumbered.slice(19)]
      await verdicts(rig, { now })
      const asked = sent(rig.maildrop, 'TOP').filter((command) => command === 'TOP 20')
      expect(asked).toHaveLength(tops)
    },
  )

  it('believes no receipt of another maildrop', async () => {
    const rig = await synced(twenty)
    rig.maildrop.messages = twenty.map(({ uniqueId }, i) => mail(uniqueId, `other ${i}`))
    const words = await verdicts(rig, { host: 'elsewhere.example.org' })
    expect(new Set(words)).toEqual(new Set(['not retrieved']))
  })

  it('throws what broke the session, or why it was to end', async () => {
    const rig = await synced(twenty)
    rig.maildrop.fuse = new Fuse(2)
    await expect(verdicts(rig)).rejects.toBeInstanceOf(BurntError)
    rig.maildrop.fuse = new Fuse(2)
    const reason = new Error('interrupted')
    await expect(verdicts(rig, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })
})
