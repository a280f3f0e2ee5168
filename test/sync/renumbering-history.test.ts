/**
 * Any history of a server that renumbers, or tells equal unique-ids apart by suffixes, with any kill points: every message
 * that the server still lists is in the archive, each once, and whatever left the server by our DELE is in it too. A failure
 * is shrunk and printed with its seed.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Policy } from '../../src/sync/policy.ts'
import { FakeMaildrop, type FakeMessage, Fuse } from '../support/fake-maildrop.ts'
import { MemoryArchive } from '../support/memory-archive.ts'
import { DELETE_ALL, sent, syncOnce } from '../support/sync-once.ts'

interface Step {
  /** Texts of mail that arrives, each message with a header section of its own. */
  readonly arrive: readonly { readonly text: number; readonly atStart: boolean }[]
  /** Positions that another client deletes. */
  readonly expunge: readonly number[]
  /** All unique-ids are new from here on; then the order may be another, too. */
  readonly renumber: boolean
  readonly reverse: boolean
  /** The server shows nothing in this run, or a part. */
  readonly shown: 'all' | 'nothing' | 'half'
  readonly delete: boolean
  readonly quit: 'done' | 'lost-after' | 'lost-before'
  /** Steps after which the process is killed. */
  readonly killAt: number
}

const step: fc.Arbitrary<Step> = fc.record({
  arrive: fc.array(fc.record({ text: fc.nat(30), atStart: fc.boolean() }), { maxLength: 16 }),
  expunge: fc.array(fc.nat(30), { maxLength: 3 }),
  renumber: fc.boolean(),
  reverse: fc.boolean(),
  shown: fc.constantFrom('all', 'all', 'all', 'nothing', 'half'),
  delete: fc.constantFrom(false, false, true),
  quit: fc.constantFrom('done', 'done', 'lost-after', 'lost-before'),
  killAt: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.constant(10_000), fc.constant(10_000)),
})

const KEEP: Policy = { delete: 'never', deleteRemoved: false }

const sizes = [0, 0, 0, 1, 2]

/**
 * Few sizes on purpose: listed octets alone must not save us. Of twins, 2n and 2n + 1, header section and size are the same,
 * too.
 */
function textOf(text: number, hasTwin: boolean): Buffer {
  const face = hasTwin ? text >> 1 : text
  const [subject, name] = [face, text].map((n) => String(n).padStart(2, '0'))
  const body = `body ${name}${'.'.repeat(sizes[face % sizes.length] ?? 0)}`
  return Buffer.from(`Subject: s${subject}\r\n\r\n${body}\r\n`, 'latin1')
}

const latin1 = (octets: Uint8Array) => Buffer.from(octets).toString('latin1')

interface ServerOptions {
  readonly hasTop: boolean
  readonly renames: boolean
  readonly hasTwins?: boolean
}

/** The server, and how it names what arrives. */
class Server {
  readonly maildrop: FakeMaildrop
  readonly archive = new MemoryArchive()
  readonly arrived = new Set<string>()
  readonly #renames: boolean
  readonly #hasTwins: boolean
  #generation = 0
  #next = 0

  constructor({ hasTop, renames, hasTwins = false }: ServerOptions) {
    this.#renames = renames
    this.#hasTwins = hasTwins
    this.maildrop = new FakeMaildrop([], { hasTop, renamesEqual: renames })
  }

  /** Copies of one text share a unique-id where suffixes tell them apart; else each has its own. */
  #name(text: string): string {
    this.#next += 1
    return `g${this.#generation}.${this.#renames ? text.slice(9, 12) : this.#next}`
  }

  arrive({ arrive }: Step): void {
    for (const { text, atStart } of arrive) {
      const octets = textOf(text, this.#hasTwins)
      this.arrived.add(latin1(octets))
      const message: FakeMessage = { uniqueId: this.#name(latin1(octets)), octets }
      if (atStart) this.maildrop.messages.unshift(message)
      else this.maildrop.messages.push(message)
    }
  }

  renumber({ renumber, reverse }: Step): void {
    if (!renumber) return
    this.#generation += 1
    const { maildrop } = this
    maildrop.messages = maildrop.messages.map(({ octets }) => ({
      uniqueId: this.#name(latin1(octets)),
      octets,
    }))
    if (reverse) maildrop.messages.reverse()
  }

  async run(policy: Policy, killAt = 100_000) {
    const fuse = new Fuse(killAt)
    this.maildrop.fuse = fuse
    this.archive.fuse = fuse
    return await syncOnce(this.maildrop, this.archive, { policy })
  }

  async play(one: Step): Promise<void> {
    const { maildrop } = this
    this.arrive(one)
    for (const at of one.expunge) maildrop.messages.splice(at, 1)
    this.renumber(one)
    maildrop.options = { ...maildrop.options, quit: one.quit }
    const all = maildrop.messages
    const shown = { all: all.length, nothing: 0, half: all.length >> 1 }[one.shown]
    maildrop.messages = all.slice(0, shown)
    await this.run(one.delete ? DELETE_ALL : KEEP, one.killAt)
    maildrop.messages = [...maildrop.messages, ...all.slice(shown)]
    maildrop.options = { ...maildrop.options, quit: 'done' }
  }
}

function expectKept({ archive, maildrop, arrived }: Server, isComplete: boolean): void {
  const contents = archive.contents()
  expect(new Set(contents).size).toBe(contents.length)
  for (const text of contents) expect(arrived).toContain(text)
  for (const octets of maildrop.removed) expect(contents).toContain(latin1(octets))
  if (!isComplete) return
  for (const { octets } of maildrop.messages) expect(contents).toContain(latin1(octets))
}

describe('a server that renumbers at any time', () => {
  it.each([
    ['with TOP', { hasTop: true, renames: false }],
    ['without TOP', { hasTop: false, renames: false }],
    ['with suffixes', { hasTop: true, renames: true }],
    ['with suffixes, without TOP', { hasTop: false, renames: true }],
  ])('%s: nothing lost, nothing twice', { timeout: 100_000 }, async (_, options) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const server = new Server(options)
        for (const one of steps) {
          await server.play(one)
          expectKept(server, false)
        }
        const { error } = await server.run(KEEP)
        expect(error).toBeUndefined()
        expectKept(server, true)
        await server.run(KEEP)
        expect(sent(server.maildrop, 'RETR')).toEqual([])
        await server.run(DELETE_ALL)
        expect(server.maildrop.messages).toEqual([])
        expectKept(server, true)
      }),
      { numRuns: 150 },
    )
  })

  // Without suffixes only: there a twin may get the unique-id of the other, and then nothing but the body tells them apart.
  it('deletes no twin that it took for the other', { timeout: 100_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const server = new Server({ hasTop: true, renames: false, hasTwins: true })
        for (const one of steps) {
          await server.play(one)
          expectKept(server, false)
        }
        await server.run(DELETE_ALL)
        expect(server.maildrop.messages).toEqual([])
        expectKept(server, false)
      }),
      { numRuns: 150 },
    )
  })

  it('retrieves nothing where every size and header is its own', { timeout: 100_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 10, max: 60 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }),
        async (count, reversals) => {
          const server = new Server({ hasTop: true, renames: false })
          const calm = {
            expunge: [],
            shown: 'all',
            delete: false,
            quit: 'done',
            killAt: 10_000,
          } as const
          const arrive = Array.from({ length: count }, (_, text) => ({ text, atStart: false }))
          await server.play({ ...calm, arrive, renumber: false, reverse: false })
          for (const reverse of reversals) {
            await server.play({ ...calm, arrive: [], renumber: true, reverse })
            expect(sent(server.maildrop, 'RETR')).toEqual([])
          }
        },
      ),
      { numRuns: 50 },
    )
  })
})
