/**
 * A server that cuts messages at random, counts in any way and is killed at any step: nothing that comes short leaves it, each
 * row ends as the longest that came for it, and no mark is left to be settled.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { syncAccount } from '../../src/sync/engine.ts'
import { KEEP_ALL, type Policy } from '../../src/sync/policy.ts'
import { FakeMaildrop, type FakeMessage, Fuse } from '../support/fake-maildrop.ts'
import { MemoryArchive } from '../support/memory-archive.ts'
import { DELETE_ALL } from '../support/sync-once.ts'

interface Arrival {
  readonly lines: number
  /** Eighths of it that come, at one time after the other; the last holds for all further ones. */
  readonly parts: readonly number[]
}

interface Step {
  readonly arrive: readonly Arrival[]
  readonly deletes: boolean
  readonly killAt: number
}

const step: fc.Arbitrary<Step> = fc.record({
  arrive: fc.array(
    fc.record({
      lines: fc.integer({ min: 9, max: 40 }),
      parts: fc.array(fc.constantFrom(3, 5, 8, 8), { minLength: 1, maxLength: 3 }),
    }),
    { maxLength: 4 },
  ),
  deletes: fc.boolean(),
  killAt: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(10_000)),
})

const COUNTINGS = {
  exact: (octets: number) => octets,
  '+2': (octets: number) => octets - 2,
  lf: (octets: number, lines: number) => octets - lines,
} as const

class Server {
  readonly maildrop = new FakeMaildrop([])
  readonly #counting: keyof typeof COUNTINGS
  #next = 0

  constructor(counting: keyof typeof COUNTINGS) {
    this.#counting = counting
    // It is seen to count so before anything goes wrong.
    for (let lines = 9; lines < 12; lines += 1) this.receive({ lines, parts: [8] })
  }

  receive({ lines, parts }: Arrival): void {
    const uniqueId = `u${this.#next++}`
    const octets = Buffer.from(
      `Subject: ${uniqueId}\r\n\r\n${`${uniqueId} line\r\n`.repeat(lines)}`,
    )
    const handsOver = (time: number) => {
      const part = parts[Math.min(time, parts.length) - 1] ?? 8
      return octets.subarray(0, (octets.length * part) >> 3)
    }
    const listed = COUNTINGS[this.#counting](octets.length, lines + 2)
    const message: FakeMessage = { uniqueId, octets, listed, handsOver }
    this.maildrop.messages.push(message)
  }
}

async function run({ maildrop }: Server, archive: MemoryArchive, policy: Policy, killAt = 100_000) {
  const fuse = new Fuse(killAt)
  maildrop.fuse = fuse
  archive.fuse = fuse
  return await syncAccount(
    {
      ...{ identity: { name: 'work', host: 'pop.example.org', user: 'me' }, maildrop, policy },
      ...{ progress: () => {}, signal: new AbortController().signal, now: () => archive.now },
    },
    archive,
    new Set(['work']),
  )
}

async function check(counting: keyof typeof COUNTINGS, steps: readonly Step[]) {
  const server = new Server(counting)
  const archive = new MemoryArchive()
  await run(server, archive, KEEP_ALL)
  const sent = new Map(server.maildrop.messages.map((message) => [message.uniqueId, message]))
  for (const { arrive, deletes, killAt } of steps) {
    for (const arrival of arrive) server.receive(arrival)
    for (const message of server.maildrop.messages) sent.set(message.uniqueId, message)
    await run(server, archive, deletes ? DELETE_ALL : KEEP_ALL, killAt)
    // What left the server is in the archive with all its octets.
    for (const octets of server.maildrop.removed) {
      expect(archive.contents()).toContain(Buffer.from(octets).toString('latin1'))
    }
  }
  const { error } = await run(server, archive, KEEP_ALL)
  // Cut messages may have another row's octets by chance: then the next run asks for one at a time.
  if (error) expect(error).toMatchObject({ code: 'POP3_OUT_OF_STEP' })
  if (error) expect((await run(server, archive, KEEP_ALL)).error).toBeUndefined()
  const [account] = archive.accounts
  for (const { uniqueId, message: id } of account?.receipts ?? []) {
    const kept = archive.messages.find((message) => message.id === id)
    const whole = sent.get(uniqueId)?.octets.length ?? 0
    expect(kept?.short).toBe((kept?.octets.length ?? 0) < whole ? 2 : 0)
    const ofRow = archive.messages.filter(({ octets }) => octets.includes(`: ${uniqueId}\r\n`))
    const longest = Math.max(...ofRow.map(({ octets }) => octets.length))
    // What came before a kill may have been longer than what came behind it.
    if (steps.every(({ killAt }) => killAt === 10_000)) expect(kept?.octets.length).toBe(longest)
  }
  expect(account?.facts.sizeModel).toBe(counting)
}

describe('messages that come short at random', () => {
  it.each(['exact', '+2', 'lf'] as const)('of a server whose sizes are %s', async (counting) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 5 }), (steps) => check(counting, steps)),
      { numRuns: 60 },
    )
  })
})
