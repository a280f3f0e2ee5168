/**
 * Any server history, any kill point, then a healthy run: every message that the server still lists is in the archive,
 * each once, and whatever left the server by our DELE is in the archive too (I1, I3, I5, I10).
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { syncAccount } from '../../src/sync/engine.ts'
import { KEEP_ALL, type Policy } from '../../src/sync/policy.ts'
import { FakeMaildrop, type FakeMessage, Fuse } from '../support/fake-maildrop.ts'
import { MemoryArchive } from '../support/memory-archive.ts'

interface Step {
  /** Mail that arrives: which text, under which unique-id (few of both, so that they meet), and where it stands. */
  readonly arrive: readonly { text: number; uniqueId: number; atStart: boolean }[]
  /** Positions that another client deletes. */
  readonly expunge: readonly number[]
  readonly delete: boolean
  readonly quit: 'done' | 'refused' | 'lost-after' | 'lost-before'
  /** Steps after which the process is killed; a healthy run if greater than the run is long. */
  readonly killAt: number
}

const step: fc.Arbitrary<Step> = fc.record({
  arrive: fc.array(fc.record({ text: fc.nat(9), uniqueId: fc.nat(6), atStart: fc.boolean() }), {
    maxLength: 5,
  }),
  expunge: fc.array(fc.nat(6), { maxLength: 2 }),
  delete: fc.boolean(),
  quit: fc.constantFrom('done', 'done', 'refused', 'lost-after', 'lost-before'),
  killAt: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(10_000)),
})

function message(text: number, uniqueId: number): FakeMessage {
  // Equal lengths on purpose: listed octets must not save us.
  const octets = Buffer.from(`Subject: s${text}\r\n\r\nbody ${text}\r\n`, 'latin1')
  return { uniqueId: `u${uniqueId}`, octets }
}

async function run(maildrop: FakeMaildrop, archive: MemoryArchive, killAt: number, policy: Policy) {
  const fuse = new Fuse(killAt)
  maildrop.fuse = fuse
  archive.fuse = fuse
  return await syncAccount(
    {
      identity: { name: 'work', host: 'pop.example.org', user: 'me' },
      maildrop,
      policy,
      progress: () => {},
      signal: new AbortController().signal,
      now: () => archive.now,
    },
    archive,
    new Set(['work']),
  )
}

async function checkHistory(steps: readonly Step[], hasUniqueIds: boolean, hasTop: boolean) {
  const archive = new MemoryArchive()
  const maildrop = new FakeMaildrop([], { hasUniqueIds, hasTop })
  const everArrived = new Set<string>()
  for (const { arrive, expunge, delete: deletes, quit, killAt } of steps) {
    for (const { text, uniqueId, atStart } of arrive) {
      // A unique-id is given again only once its message left the server (RFC 1939 section 7 lets equal ones stand for
      // equal messages only).
      const arrived = message(text, uniqueId)
      const twin = maildrop.messages.find((m) => m.uniqueId === arrived.uniqueId)
      if (twin && hasUniqueIds && !twin.octets.every((o, i) => o === arrived.octets[i])) continue
      everArrived.add(Buffer.from(arrived.octets).toString('latin1'))
      if (atStart) maildrop.messages.unshift(arrived)
      else maildrop.messages.push(arrived)
    }
    for (const at of expunge) maildrop.messages.splice(at, 1)
    maildrop.options = { hasUniqueIds, hasTop, quit }
    const policy: Policy = deletes ? { delete: { afterMs: 0 }, deleteRemoved: false } : KEEP_ALL
    await run(maildrop, archive, killAt, policy)
    const contents = archive.contents()
    for (const octets of maildrop.removed) {
      expect(contents).toContain(Buffer.from(octets).toString('latin1'))
    }
  }
  maildrop.options = { hasUniqueIds, hasTop }
  const { error } = await run(maildrop, archive, 100_000, KEEP_ALL)
  expect(error).toBeUndefined()
  const contents = archive.contents()
  expect(new Set(contents).size).toBe(contents.length)
  for (const content of contents) expect(everArrived).toContain(content)
  return { archive, maildrop, contents }
}

describe('any history, any kill point, then a healthy run', () => {
  it.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])('unique-ids %s, TOP %s', async (hasUniqueIds, hasTop) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
        const { maildrop, contents } = await checkHistory(steps, hasUniqueIds, hasTop)
        if (!hasUniqueIds) {
          for (const { octets } of maildrop.messages) {
            expect(contents).toContain(Buffer.from(octets).toString('latin1'))
          }
        }
      }),
      { numRuns: 150 },
    )
  })

  it('keeps every listed message where unique-ids are never given twice', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
        let next = 0
        const honest = steps.map((s) => ({
          ...s,
          arrive: s.arrive.map((a) => ({ ...a, uniqueId: next++ })),
        }))
        const { maildrop, contents } = await checkHistory(honest, true, true)
        for (const { octets } of maildrop.messages) {
          expect(contents).toContain(Buffer.from(octets).toString('latin1'))
        }
      }),
      { numRuns: 150 },
    )
  })
})
