/** Any renumbering of a server whose messages all have a size or header section of their own costs headers, and no bodies. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FakeMaildrop, type FakeMessage } from '../support/fake-maildrop.ts'
import { runs } from '../support/history.ts'
import { MemoryArchive } from '../support/memory-archive.ts'
import { mail, sent, syncOnce } from '../support/sync-once.ts'

describe('a server that renumbers again and again', () => {
  it('is asked for nothing twice', { timeout: 100_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 10, max: 60 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }),
        async (count, reversals) => {
          const named = (generation: number, messages: readonly FakeMessage[]) =>
            messages.map(({ octets }, n) => ({ uniqueId: `g${generation}.${n}`, octets }))
          const letters = Array.from({ length: count }, (_, n) => mail(undefined, `letter ${n}`))
          const maildrop = new FakeMaildrop(named(0, letters))
          const archive = new MemoryArchive()
          await syncOnce(maildrop, archive)
          for (const [generation, isReversed] of reversals.entries()) {
            const messages = isReversed ? maildrop.messages.toReversed() : maildrop.messages
            maildrop.messages = named(generation + 1, messages)
            await syncOnce(maildrop, archive)
            expect(sent(maildrop, 'RETR')).toEqual([])
          }
        },
      ),
      runs(50),
    )
  })
})
