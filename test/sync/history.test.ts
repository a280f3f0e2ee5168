/**
 * Any history of a server, with faults and kills at any moment, then a healthy run: nothing lost, nothing twice, nothing
 * under another's name, and whatever left the server by our DELE is in the archive (I1, I3, I5, I10). A failure is shrunk,
 * and printed with its seed.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Fuse } from '../support/fake-maildrop.ts'
import { digestOf, type Habits, History, runs, type Store, steps } from '../support/history.ts'
import { MemoryArchive } from '../support/memory-archive.ts'

class MemoryStore implements Store {
  readonly #archive = new MemoryArchive()

  open(fuse: Fuse, now: number): MemoryArchive {
    this.#archive.fuse = fuse
    this.#archive.now = now
    return this.#archive
  }

  contents(): readonly string[] {
    return this.#archive.messages.map(({ octets }) => digestOf(octets))
  }

  receipts() {
    const digests = new Map(this.#archive.messages.map(({ id, digest }) => [id, digest]))
    return this.#archive.accounts.flatMap(({ receipts }) =>
      receipts.map(({ uniqueId, state, message = 0 }) => ({
        ...{ uniqueId, state, digest: digests.get(message) },
      })),
    )
  }
}

const honest: Habits = { hasTop: true, names: 'own', hasTwins: false }
/** Without TOP: by it, a header alone may tell that a message came back under another name. */
const written: Habits = { ...honest, hasTop: false, hasServerFields: true }

describe('any history of a server that', () => {
  it.each<[string, number, Habits]>([
    ['names each message once', 200, honest],
    ['has no TOP', 50, { ...honest, hasTop: false }],
    ['tells copies apart by suffixes', 50, { ...honest, names: 'suffixed' }],
    ['has suffixes and no TOP', 50, { ...honest, names: 'suffixed', hasTop: false }],
    ['reuses unique-ids', 50, { ...honest, names: 'reused' }],
    ['has no unique-ids', 50, { ...honest, names: 'none' }],
    ['has neither unique-ids nor TOP', 50, { hasTop: false, names: 'none', hasTwins: false }],
    ['writes fields that tell two messages apart', 100, written],
    ['has messages that only their bodies tell apart', 50, { ...honest, hasTwins: true }],
  ])('%s', { timeout: 100_000 }, async (_, count, habits) => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const history = new History(habits, new MemoryStore())
        for (const one of all) await history.play(one)
        await history.end()
        expect(history.wrong).toEqual([])
      }),
      runs(count),
    )
  })
})
