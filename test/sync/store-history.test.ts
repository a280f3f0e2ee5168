/**
 * Histories as in history.test.ts, on archives on the disk. A kill leaves what the disk holds at that moment: the next run
 * begins with a copy of it, and nothing that the former process does later counts.
 */
import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type ArchiveKind,
  type ArchiveLocation,
  catalogPath,
  formatLocation,
} from '../../src/archive/location.ts'
import { ThreadArchive } from '../../src/archive/thread-archive.ts'
import type { WriterConnection } from '../../src/archive/writer-client.ts'
import { startWriterHere, temporaryFolder } from '../archive/temp-archive.ts'
import { digestsIn, query } from '../support/archive-content.ts'
import type { Fuse } from '../support/fake-maildrop.ts'
import {
  type BoundName,
  type Habits,
  History,
  runs,
  type Store,
  steps,
} from '../support/history.ts'

/** A writer that hears and says nothing more once the fuse has burnt; each message to it is a step. */
class MortalWriter implements WriterConnection {
  readonly #inner: WriterConnection
  readonly #fuse: Fuse
  readonly #onDeath: () => void
  #hearEnd: (reason: unknown) => void = () => {}
  /** Set by the kill; settles when the files that it held are free. */
  #gone: Promise<void> | undefined

  constructor(inner: WriterConnection, fuse: Fuse, onDeath: () => void) {
    this.#inner = inner
    this.#fuse = fuse
    this.#onDeath = onDeath
  }

  send(...[message, transfer]: Parameters<WriterConnection['send']>): void {
    if (this.#gone) return
    try {
      this.#fuse.step()
    } catch (error) {
      this.#onDeath()
      this.#gone = this.#leave()
      this.#hearEnd(error)
      return
    }
    this.#inner.send(message, transfer)
  }

  receive(hear: Parameters<WriterConnection['receive']>[0]): void {
    this.#inner.receive((message) => {
      if (!this.#gone) hear(message)
    })
  }

  ended(hear: (reason: unknown) => void): void {
    this.#hearEnd = hear
  }

  async close(): Promise<void> {
    await this.#gone
    await this.#inner.close()
  }

  #leave(): Promise<void> {
    const id = -1
    return new Promise((resolve) => {
      this.#inner.receive((message) => {
        if ('id' in message && message.id === id) resolve()
      })
      this.#inner.send({ type: 'request', id, method: 'close', account: '', parameters: [] })
    })
  }
}

class DiskStore implements Store {
  #location: ArchiveLocation

  constructor(kind: ArchiveKind) {
    this.#location = { kind, path: join(temporaryFolder(), 'mail') }
  }

  open(fuse: Fuse, now: number): ThreadArchive {
    const { kind, path } = this.#location
    return new ThreadArchive(this.#location, () => {
      const writer = startWriterHere(() => now)
      return new MortalWriter(writer, fuse, () => {
        const folder = temporaryFolder()
        cpSync(join(path, '..'), folder, { recursive: true })
        this.#location = { kind, path: join(folder, 'mail') }
      })
    })
  }

  contents(): readonly string[] {
    return this.#isThere() ? digestsIn(formatLocation(this.#location)) : []
  }

  receipts(): readonly BoundName[] {
    if (!this.#isThere()) return []
    const sql = "SELECT unique_id AS uniqueId, state, nullif(digest, '') AS digest FROM provenance"
    return query(formatLocation(this.#location), sql).map(({ uniqueId, state, digest }) => ({
      uniqueId: uniqueId === null ? undefined : String(uniqueId),
      state: String(state),
      digest: digest === null ? undefined : String(digest),
    }))
  }

  /** A kill may come before there is a catalog. */
  #isThere(): boolean {
    if (!existsSync(catalogPath(this.#location))) return false
    const sql = "SELECT 1 FROM sqlite_schema WHERE name = 'provenance'"
    return query(formatLocation(this.#location), sql).length > 0
  }
}

const honest: Habits = { hasTop: true, names: 'own', hasTwins: false }

describe.each(['sqlite', 'maildir'] as const)('any history with a %s archive', (kind) => {
  it.each<[string, Habits]>([
    ['names each message once', honest],
    [
      'writes fields that tell two messages apart',
      { ...honest, hasTop: false, hasServerFields: true },
    ],
    ['has no TOP and reuses unique-ids', { ...honest, hasTop: false, names: 'reused' }],
  ])('of a server that %s', { timeout: 100_000 }, async (_, habits) => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const history = new History(habits, new DiskStore(kind))
        for (const one of all) await history.play(one)
        await history.end()
        expect(history.wrong).toEqual([])
      }),
      runs(10),
    )
  })
})
