/** What every ContentStore does, and how the catalog may rely on it. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ContentStore, StoredMessage } from '../../src/archive/content.ts'
import type { Database } from '../../src/sqlite/database.ts'
import { octetsOf } from './temp-archive.ts'

export interface StoreUnderTest {
  readonly database: Database
  readonly content: ContentStore
  /** The same archive, opened by another run. */
  reopen(): StoreUnderTest
  /** The same archive, opened by the next run, when this one has left it. */
  next(): StoreUnderTest
  /** What a person would find of messages that are still on their way. */
  staged(): number
}

const MIB = 1024 * 1024

/** Bodies at which something changes: sizes around a piece, bare CR and LF, no line end, nothing at all. */
const bodies: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', new Uint8Array()],
  ['one line', octetsOf('Subject: x\r\n\r\ntext\r\n')],
  ['no final line end', octetsOf('Subject: x\r\n\r\ntext')],
  ['LF only', octetsOf('Subject: x\n\ntext\n')],
  ['CR and LF mixed', octetsOf('a\r\nb\nc\rd\r\r\n\r')],
  ['all octets', Uint8Array.from({ length: 1024 }, (_, index) => index & 255)],
  ['a piece', new Uint8Array(MIB).fill(65)],
  ['a piece and one octet', new Uint8Array(MIB + 1).fill(66)],
  ['as much as is held at once', new Uint8Array(2 * MIB).fill(67)],
  ['one octet more', new Uint8Array(2 * MIB + 1).fill(68)],
  ['twice as much and one octet', new Uint8Array(4 * MIB + 1).fill(69)],
  ['a long text', octetsOf('line of text\r\n'.repeat(200_000))],
  ['a long text with a bare LF at its end', octetsOf(`${'line of text\r\n'.repeat(200_000)}\n`)],
]

export function describeContentStore(name: string, open: () => StoreUnderTest): void {
  describe(`content in ${name}`, () => {
    it.each(bodies)('gives back %s octet for octet, however it was cut', (_name, octets) => {
      for (const cut of [octets.byteLength || 1, 65_521, 1 + (octets.byteLength >> 1)]) {
        const store = open()
        const message = keep(store, octets, cut)
        expect(store.content.has(message)).toBe(true)
        expect(sameOctets(read(store.content, message), octets)).toBe(true)
        expect(store.staged()).toBe(0)
        const next = store.next()
        expect(sameOctets(read(next.content, message), octets)).toBe(true)
        expect(next.staged()).toBe(0)
      }
    })

    it('gives back what was kept to another run that is there at the same time', () => {
      const store = open()
      const other = store.reopen()
      const octets = new Uint8Array(MIB + 1).fill(66)
      const message = keep(store, octets, MIB)
      for (const run of [other, store.reopen()]) {
        expect(run.content.has(message)).toBe(true)
        expect(sameOctets(read(run.content, message), octets)).toBe(true)
      }
    })

    it('reads in chunks of at most 1 MiB', () => {
      const store = open()
      const message = keep(store, new Uint8Array(3 * MIB).fill(67), MIB)
      for (const chunk of store.content.read(message)) {
        expect(chunk.byteLength).toBeLessThanOrEqual(MIB)
      }
    })

    it('does not keep the view that it was given', () => {
      const store = open()
      const draft = store.content.draft()
      const view = octetsOf('one')
      draft.write(view)
      view.fill(0)
      const message = settle(store, [[draft, octetsOf('one')]])[0] as StoredMessage
      expect(sameOctets(read(store.content, message), octetsOf('one'))).toBe(true)
    })

    it('takes several drafts at once', () => {
      const store = open()
      const drafts = ['one', 'two', 'three'].map(
        (text) => [store.content.draft(), octetsOf(text)] as const,
      )
      for (const [draft, octets] of drafts) draft.write(octets)
      const messages = settle(store, drafts)
      expect(
        messages.map((message) => Buffer.from(read(store.content, message)).toString()),
      ).toEqual(['one', 'two', 'three'])
    })

    it('keeps apart what comes in by turns', () => {
      const store = open()
      const drafts = Array.from({ length: 60 }, (_, index) => {
        const octets = new Uint8Array(3_000 * (1 + (index % 25))).fill(index + 33)
        return [store.content.draft(), octets] as const
      })
      for (let start = 0; start < 75_000; start += 2_999) {
        for (const [draft, octets] of drafts) draft.write(octets.subarray(start, start + 2_999))
      }
      settle(store, drafts).forEach((message, index) => {
        const octets = drafts[index]?.[1] ?? new Uint8Array()
        expect(sameOctets(read(store.content, message), octets)).toBe(true)
      })
    })

    it.each([10, 2 * MIB, 3 * MIB])(
      'leaves nothing of %i discarded octets, sealed or not',
      (octets) => {
        const store = open()
        for (const isSealed of [false, true]) {
          const draft = store.content.draft()
          draft.write(new Uint8Array(octets).fill(68))
          if (isSealed) draft.seal(digestOf(new Uint8Array(octets).fill(68)))
          draft.discard()
          draft.discard()
        }
        expect(store.staged()).toBe(0)
      },
    )

    it('sweeps what a crash left, and nothing else', () => {
      const store = open()
      const message = keep(store, new Uint8Array(2 * MIB + 1).fill(69), MIB)
      store.content.draft().write(new Uint8Array(3 * MIB).fill(70))
      expect(store.staged()).toBeGreaterThan(0)
      const next = store.reopen()
      next.content.sweep()
      expect(next.staged()).toBe(0)
      expect(sameOctets(read(next.content, message), new Uint8Array(2 * MIB + 1).fill(69))).toBe(
        true,
      )
    })

    it('says what it does not have', () => {
      const store = open()
      const message = { id: 4711, digest: digestOf(octetsOf('none')), octets: 4 }
      expect(store.content.has(message)).toBe(false)
      expect(() => read(store.content, message)).toThrow(
        expect.objectContaining({ code: 'ARCHIVE_CONTENT_MISSING' }),
      )
    })
  })
}

function keep(store: StoreUnderTest, octets: Uint8Array, cut: number): StoredMessage {
  const draft = store.content.draft()
  for (let start = 0; start < octets.byteLength; start += cut) {
    draft.write(octets.subarray(start, start + cut))
  }
  const [message] = settle(store, [[draft, octets]])
  if (message === undefined) throw new Error('nothing was kept')
  return message
}

function settle(
  { database, content }: StoreUnderTest,
  drafts: readonly (readonly [ReturnType<ContentStore['draft']>, Uint8Array])[],
): StoredMessage[] {
  for (const [draft, octets] of drafts) draft.seal(digestOf(octets))
  content.publish(drafts.map(([draft]) => draft))
  return database.transaction(() =>
    drafts.map(([draft, octets]) => {
      const digest = digestOf(octets)
      const row = database
        .prepare(
          `INSERT INTO message (digest, octets, canonical, fingerprint, archived_at)
           VALUES (?, ?, ?, ?, '') RETURNING id`,
        )
        .get(digest, octets.byteLength, digest, digest)
      const id = Number(row?.id)
      content.attach(database, id, draft)
      return { id, digest, octets: octets.byteLength }
    }),
  )
}

function read(content: ContentStore, message: StoredMessage): Uint8Array {
  // A chunk may be a view that the next one overwrites.
  return Buffer.concat([...copies(content.read(message))])
}

function* copies(chunks: Iterable<Uint8Array>): Iterable<Uint8Array> {
  for (const chunk of chunks) yield chunk.slice()
}

function digestOf(octets: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(octets).digest())
}

/** vitest compares long arrays octet by octet, in seconds. */
function sameOctets(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
