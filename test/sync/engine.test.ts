import { describe, expect, it } from 'vitest'
import { syncAccount } from '../../src/sync/engine.ts'
import { KEEP_ALL, type Policy } from '../../src/sync/policy.ts'
import type { SyncEvent } from '../../src/sync/ports/events.ts'
import {
  FakeMaildrop,
  type FakeMaildropOptions,
  type FakeMessage,
} from '../support/fake-maildrop.ts'
import { MemoryArchive } from '../support/memory-archive.ts'

const DELETE_ALL: Policy = { delete: { afterMs: 0 }, deleteRemoved: false }

function mail(uniqueId: string | undefined, subject: string, body = 'text'): FakeMessage {
  const text = `Subject: ${subject}\r\nMessage-ID: <${subject}@example.org>\r\n\r\n${body}\r\n`
  return { uniqueId, octets: Buffer.from(text, 'latin1') }
}

function sync(
  maildrop: FakeMaildrop,
  archive: MemoryArchive,
  over: { policy?: Policy; name?: string; host?: string; signal?: AbortSignal } = {},
) {
  const events: SyncEvent[] = []
  const identity = {
    name: over.name ?? 'work',
    host: over.host ?? 'pop.example.org',
    user: 'me',
  }
  maildrop.commands.length = 0
  return syncAccount(
    {
      identity,
      maildrop,
      policy: over.policy ?? KEEP_ALL,
      progress: (event) => events.push(event),
      signal: over.signal ?? new AbortController().signal,
      now: () => archive.now,
    },
    archive,
    new Set([identity.name]),
  ).then((result) => ({ ...result, events }))
}

function verbs(maildrop: FakeMaildrop, verb: string): string[] {
  return maildrop.commands.filter((c) => c.startsWith(verb))
}

const three = [mail('a', 'one'), mail('b', 'two'), mail('c', 'three')]

describe('retrieval', () => {
  it('keeps all, and retrieves nothing the second time', async () => {
    const maildrop = new FakeMaildrop(three)
    const archive = new MemoryArchive()
    const first = await sync(maildrop, archive)
    expect(first.error).toBeUndefined()
    expect(first.counts).toMatchObject({ listed: 3, retrieved: 3, stored: 3 })
    expect(archive.contents()).toHaveLength(3)
    const second = await sync(maildrop, archive)
    expect(verbs(maildrop, 'RETR')).toEqual([])
    expect(verbs(maildrop, 'TOP')).toEqual([])
    expect(second.known).toBe(3)
    expect(archive.outcomes).toEqual(['done', 'done'])
  })

  it('stores equal octets under two unique-ids and in two accounts once', async () => {
    const archive = new MemoryArchive()
    await sync(new FakeMaildrop([mail('a', 'one'), mail('b', 'one')]), archive)
    await sync(new FakeMaildrop([mail('z', 'one')]), archive, { name: 'home', host: 'other' })
    expect(archive.contents()).toHaveLength(1)
    expect(archive.accounts.map(({ receipts }) => receipts.length)).toEqual([2, 1])
  })

  it('retrieves both of two equal unique-ids, and a new message under an old one', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop([mail('a', 'one'), mail('a', 'two')])
    await sync(maildrop, archive)
    expect(archive.contents()).toHaveLength(2)
    maildrop.messages = [mail('a', 'one'), mail('a', 'another')]
    await sync(maildrop, archive)
    expect(verbs(maildrop, 'RETR')).toEqual(['RETR 2'])
    expect(archive.contents()).toHaveLength(3)
  })

  it('goes on when one message is refused, and tries it again in the next run', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop(three, { refuses: new Set([2]) })
    const { counts, refusals, error } = await sync(maildrop, archive)
    expect(error).toBeUndefined()
    expect(counts).toMatchObject({ stored: 2, failed: 1 })
    expect(refusals).toHaveLength(1)
    maildrop.options = {}
    await sync(maildrop, archive)
    expect(verbs(maildrop, 'RETR')).toEqual(['RETR 2'])
    expect(archive.contents()).toHaveLength(3)
  })

  it('stops at the limits that were asked for and says what is left', async () => {
    const archive = new MemoryArchive()
    const policy = { ...KEEP_ALL, maxMessages: 2 }
    const { postponed, error } = await sync(new FakeMaildrop(three), archive, { policy })
    expect(error).toBeUndefined()
    expect(postponed).toBe(1)
    expect(archive.contents()).toHaveLength(2)
  })

  it('asks for all headers once when the server counts octets anew', async () => {
    const archive = new MemoryArchive()
    const twenty = Array.from({ length: 20 }, (_, i) => mail(`u${i}`, `s${i}`))
    const maildrop = new FakeMaildrop(twenty)
    await sync(maildrop, archive)
    for (const receipt of archive.accounts[0]!.receipts) {
      Object.assign(receipt, { octets: (receipt.octets ?? 0) - 2 })
    }
    await sync(maildrop, archive)
    expect(verbs(maildrop, 'TOP')).toHaveLength(20)
    expect(verbs(maildrop, 'RETR')).toEqual([])
    await sync(maildrop, archive)
    expect(verbs(maildrop, 'TOP')).toEqual([])
    expect(verbs(maildrop, 'RETR')).toEqual([])
  })
})

describe('a server whose pipelining fails', () => {
  it.each([
    ['POP3_OUT_OF_STEP', 3, true],
    ['NET_CLOSED', 1, true],
    ['NET_CLOSED', 3, false],
    ['POP3_LIMIT', 1, false],
  ])('by %s at message %i: remembered for 30 days: %s', async (code, at, isRemembered) => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop(three)
    const open = maildrop.open.bind(maildrop)
    let isBroken = true
    maildrop.open = async (...parameters) => {
      const session = await open(...parameters)
      const retrieve = session.retrieve.bind(session)
      session.retrieve = async (rows, receiver) => {
        await retrieve(isBroken ? [...rows].slice(0, at - 1) : rows, receiver)
        if (isBroken) throw Object.assign(new Error('broken'), { code })
      }
      return session
    }
    expect((await sync(maildrop, archive)).error).toMatchObject({ code })
    isBroken = false
    await sync(maildrop, archive)
    archive.now = 31 * 24 * 3600 * 1000
    await sync(maildrop, archive)
    expect(maildrop.offers).toEqual([true, !isRemembered, true])
    expect(archive.contents()).toHaveLength(3)
  })
})

describe('servers without unique-ids', () => {
  const none = (options: FakeMaildropOptions = {}) =>
    new FakeMaildrop([mail(undefined, 'one'), mail(undefined, 'two')], {
      hasUniqueIds: false,
      ...options,
    })

  it('recognises messages by TOP, wherever they stand', async () => {
    const archive = new MemoryArchive()
    const maildrop = none()
    await sync(maildrop, archive)
    maildrop.messages = [mail(undefined, 'six'), ...maildrop.messages.toReversed()]
    await sync(maildrop, archive)
    expect(verbs(maildrop, 'RETR')).toEqual(['RETR 1'])
    expect(archive.contents()).toHaveLength(3)
    await sync(maildrop, archive)
    expect(verbs(maildrop, 'RETR')).toEqual([])
    expect(archive.accounts[0]!.receipts).toHaveLength(3)
  })

  it('retrieves without TOP, and keeps no second copy though the server wrote a Status', async () => {
    const archive = new MemoryArchive()
    const maildrop = none({ hasTop: false })
    await sync(maildrop, archive)
    maildrop.messages = maildrop.messages.map(({ octets }) => ({
      uniqueId: undefined,
      octets: Buffer.from(`Status: RO\r\n${Buffer.from(octets).toString('latin1')}`, 'latin1'),
    }))
    await sync(maildrop, archive)
    await sync(maildrop, archive)
    expect(archive.contents()).toHaveLength(2)
  })

  it('takes LAST as a hint, and drops it once it misled', async () => {
    const archive = new MemoryArchive()
    const maildrop = none({ last: 1 })
    await sync(maildrop, archive)
    await sync(maildrop, archive)
    expect(verbs(maildrop, 'RETR')).toEqual(['RETR 2'])
    await sync(maildrop, archive)
    expect(maildrop.commands).not.toContain('LAST')
    expect(verbs(maildrop, 'RETR')).toEqual([])
  })

  it('takes a refused UIDL for an outage where unique-ids were listed before', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop(three)
    await sync(maildrop, archive)
    maildrop.options = { hasUniqueIds: false }
    const { error } = await sync(maildrop, archive)
    expect(error).toMatchObject({ code: 'POP3_TEMPORARY' })
    expect(verbs(maildrop, 'RETR')).toEqual([])
  })

  it('deletes only what it retrieved in the same session', async () => {
    const archive = new MemoryArchive()
    const maildrop = none()
    await sync(maildrop, archive)
    await sync(maildrop, archive, { policy: DELETE_ALL })
    expect(verbs(maildrop, 'RETR')).toEqual(['RETR 1', 'RETR 2'])
    expect(verbs(maildrop, 'DELE')).toEqual(['DELE 1', 'DELE 2'])
  })
})

describe('deletion', () => {
  it('sends all RETR, then all DELE, then QUIT', async () => {
    const maildrop = new FakeMaildrop(three)
    const { counts } = await sync(maildrop, new MemoryArchive(), { policy: DELETE_ALL })
    expect(maildrop.commands.slice(2)).toEqual(
      ['RETR 1', 'RETR 2', 'RETR 3', 'DELE 1', 'DELE 2', 'DELE 3', 'QUIT'].map(String),
    )
    expect(counts.deleted).toBe(3)
    expect(maildrop.messages).toEqual([])
  })

  it('compares header sections before deleting what an earlier run stored', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop([mail('a', 'old'), mail('b', 'two')])
    await sync(maildrop, archive)
    maildrop.messages = [mail('a', 'new'), mail('b', 'two')]
    await sync(maildrop, archive, { policy: DELETE_ALL })
    expect(verbs(maildrop, 'RETR')).toEqual(['RETR 1'])
    expect(archive.contents()).toHaveLength(3)
    expect(verbs(maildrop, 'DELE')).toEqual(['DELE 2', 'DELE 1'])
  })

  it('retrieves again before deleting where the server has no TOP', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop([mail('a', 'old')], { hasTop: false })
    await sync(maildrop, archive)
    maildrop.messages = [mail('a', 'new')]
    await sync(maildrop, archive, { policy: DELETE_ALL })
    expect(verbs(maildrop, 'RETR')).toEqual(['RETR 1'])
    expect(archive.contents()).toHaveLength(2)
    expect(maildrop.messages).toEqual([])
  })

  it('sees a new message under the unique-id of a deleted one', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop([mail('a', 'old')])
    await sync(maildrop, archive, { policy: DELETE_ALL })
    await sync(maildrop, archive)
    maildrop.messages = [mail('a', 'new')]
    await sync(maildrop, archive)
    expect(verbs(maildrop, 'RETR')).toEqual(['RETR 1'])
    expect(archive.contents()).toHaveLength(2)
  })

  it('deletes nothing that is not found again in the archive', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop(three)
    await sync(maildrop, archive)
    archive.altered.add(2)
    const { error } = await sync(maildrop, archive, { policy: DELETE_ALL })
    expect(error).toMatchObject({ code: 'ARCHIVE_DAMAGED' })
    expect(maildrop.messages).toEqual([three[1]])
  })

  it('deletes nothing that was found in the archive as another message than the one that came', async () => {
    class Mixed extends MemoryArchive {
      override async openAccount(...place: Parameters<MemoryArchive['openAccount']>) {
        const ledger = await super.openAccount(...place)
        ledger.prove = async (ids) =>
          new Map(ids.map((id) => [id, this.messages[id % 3]?.digest ?? '']))
        return ledger
      }
    }
    const maildrop = new FakeMaildrop(three)
    const { error } = await sync(maildrop, new Mixed(), { policy: DELETE_ALL })
    expect(error).toMatchObject({ code: 'ARCHIVE_DAMAGED' })
    expect(maildrop.messages).toEqual(three)
  })

  it('deletes what its owner removed only where he asks for it, and never brings it back', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop([mail('a', 'old'), mail('b', 'two'), mail('c', 'three')])
    await sync(maildrop, archive)
    for (const message of [1, 2]) {
      archive.altered.add(message)
      Object.assign(archive.accounts[0]!.receipts[message - 1]!, { state: 'removed' })
    }
    maildrop.messages = [mail('a', 'new'), mail('b', 'two'), mail('c', 'three')]
    const kept = await sync(maildrop, archive, { policy: DELETE_ALL })
    expect([kept.error, verbs(maildrop, 'DELE')]).toEqual([undefined, ['DELE 3']])
    const policy = { ...DELETE_ALL, deleteRemoved: true }
    const { error } = await sync(maildrop, archive, { policy })
    expect([error, verbs(maildrop, 'DELE')]).toEqual([undefined, ['DELE 2', 'DELE 1']])
    // Its header shows that another message has the unique-id now.
    expect(verbs(maildrop, 'RETR')).toEqual(['RETR 1'])
  })

  it.each([true, false])(
    'leaves alone what its owner removed after a DELE without effect (TOP: %s)',
    async (hasTop) => {
      const archive = new MemoryArchive()
      const maildrop = new FakeMaildrop(three, { quit: 'refused', hasTop })
      await sync(maildrop, archive, { policy: DELETE_ALL })
      archive.removed.add(2)
      maildrop.options = { hasTop }
      const { error } = await sync(maildrop, archive, { policy: DELETE_ALL })
      expect(error).toBeUndefined()
      expect(maildrop.messages).toEqual([three[1]])
      expect(verbs(maildrop, 'RETR').includes('RETR 2')).toBe(false)
      await sync(maildrop, archive, { policy: { ...DELETE_ALL, deleteRemoved: true } })
      expect(maildrop.messages).toEqual(hasTop ? [] : [three[1]])
    },
  )

  it('waits until a message is old enough, counted from archiving', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop(three)
    const policy: Policy = { delete: { afterMs: 1000 }, deleteRemoved: false }
    const start = Date.parse('2026-11-23T00:00:00Z')
    archive.now = start
    await sync(maildrop, archive, { policy })
    archive.now = start + 999
    await sync(maildrop, archive, { policy })
    expect(maildrop.messages).toHaveLength(3)
    archive.now = start + 1000
    await sync(maildrop, archive, { policy })
    expect(maildrop.messages).toHaveLength(0)
  })

  it.each(['refused', 'lost-after', 'lost-before'] as const)(
    'leaves "delete sent" behind a %s QUIT and settles it by the next listing',
    async (quit) => {
      const archive = new MemoryArchive()
      const maildrop = new FakeMaildrop(three, { quit })
      const { events } = await sync(maildrop, archive, { policy: DELETE_ALL })
      expect(events).toContainEqual(expect.objectContaining({ code: 'DELETION_UNCONFIRMED' }))
      const states = () => new Set(archive.accounts[0]!.receipts.map(({ state }) => state))
      expect(states()).toEqual(new Set(['delete sent']))
      const isGone = quit === 'lost-after'
      maildrop.options = {}
      await sync(maildrop, archive)
      expect(states()).toEqual(new Set([isGone ? 'deleted' : 'stored']))
      expect(verbs(maildrop, 'RETR')).toEqual([])
    },
  )

  it('sends no DELE after an interruption', async () => {
    const archive = new MemoryArchive()
    const abort = new AbortController()
    const maildrop = new FakeMaildrop(three)
    const open = maildrop.open.bind(maildrop)
    maildrop.open = async () => {
      const session = await open()
      const retrieve = session.retrieve.bind(session)
      session.retrieve = async (rows, receiver) => {
        await retrieve(rows, receiver)
        abort.abort(new DOMException('interrupted', 'AbortError'))
      }
      return session
    }
    const { error } = await sync(maildrop, archive, { policy: DELETE_ALL, signal: abort.signal })
    expect(error).toMatchObject({ name: 'AbortError' })
    expect(verbs(maildrop, 'DELE')).toEqual([])
    expect(archive.contents()).toHaveLength(3)
  })
})

describe('a moved account', () => {
  it('keeps its receipts when a sample of header sections agrees', async () => {
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop(three)
    await sync(maildrop, archive)
    const { events } = await sync(maildrop, archive, { host: 'pop.example.net' })
    expect(verbs(maildrop, 'TOP')).toHaveLength(3)
    expect(verbs(maildrop, 'RETR')).toEqual([])
    expect(events).toContainEqual(expect.objectContaining({ type: 'notice', code: 'MOVED' }))
    await sync(maildrop, archive, { host: 'pop.example.net' })
    expect(verbs(maildrop, 'TOP')).toEqual([])
  })

  it('has everything compared where the server has no TOP', async () => {
    const archive = new MemoryArchive()
    await sync(new FakeMaildrop(three), archive)
    const other = new FakeMaildrop(three, { hasTop: false })
    await sync(other, archive, { host: 'pop.example.net' })
    expect(verbs(other, 'RETR')).toHaveLength(three.length)
    expect(archive.contents()).toHaveLength(three.length)
  })

  it('believes no receipt of another maildrop with the same unique-ids', async () => {
    const archive = new MemoryArchive()
    await sync(new FakeMaildrop(three), archive)
    const other = new FakeMaildrop([mail('a', 'eno'), mail('b', 'owt')])
    await sync(other, archive, { host: 'pop.example.net' })
    expect(verbs(other, 'RETR')).toHaveLength(2)
    expect(archive.contents()).toHaveLength(three.length + 2)
  })
})

describe('messages without header fields', () => {
  it('are never recognised by their fingerprint: all of them have the same', async () => {
    const bare = (body: string) => ({ uniqueId: 'a', octets: Buffer.from(`\r\n${body}\r\n`) })
    const archive = new MemoryArchive()
    const maildrop = new FakeMaildrop([bare('old')])
    await sync(maildrop, archive)
    maildrop.messages = [bare('new')]
    await sync(maildrop, archive, { policy: DELETE_ALL })
    expect(verbs(maildrop, 'RETR')).toEqual(['RETR 1'])
    expect(archive.contents()).toHaveLength(2)
  })
})
