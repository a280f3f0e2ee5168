/** One account, its server and its archive, over several runs; no test waits, the clock is moved on. */
import { syncAccount } from '../../src/sync/engine.ts'
import type { Patience } from '../../src/sync/patience.ts'
import { KEEP_ALL, type Policy } from '../../src/sync/policy.ts'
import type { SyncEvent } from '../../src/sync/ports/events.ts'
import type { FakeMessage } from './fake-maildrop.ts'
import { MemoryArchive } from './memory-archive.ts'
import { FakeTime, type Moods, MoodyMaildrop } from './moody-maildrop.ts'
import { mail } from './sync-once.ts'

export const SECOND = 1000
export const MINUTE = 60 * SECOND

export const many = (count: number): FakeMessage[] =>
  Array.from({ length: count }, (_, index) => mail(`u${index}`, `subject ${index}`))

export class Rig {
  readonly time = new FakeTime()
  readonly archive = new MemoryArchive()
  readonly maildrop: MoodyMaildrop
  events: SyncEvent[] = []

  constructor(messages: readonly FakeMessage[], moods: Moods = {}) {
    this.maildrop = new MoodyMaildrop(messages, moods, this.time)
  }

  async run(
    over: {
      policy?: Partial<Policy>
      patience?: Partial<Patience> | 'none'
      signal?: AbortSignal
      place?: { host?: string; port?: number }
    } = {},
  ) {
    this.events = []
    this.time.waits.length = 0
    this.maildrop.inner.commands.length = 0
    const { patience } = over
    return await syncAccount(
      {
        identity: { name: 'work', host: 'pop.example.org', user: 'me', ...over.place },
        maildrop: this.maildrop,
        policy: { ...KEEP_ALL, ...over.policy },
        progress: (event) => this.events.push(event),
        signal: over.signal ?? new AbortController().signal,
        now: () => this.time.now,
        patience: patience === 'none' ? undefined : this.time.patience(patience),
      },
      this.archive,
      new Set(['work']),
    )
  }

  get sessions(): number {
    return this.maildrop.logins.length
  }

  get facts() {
    return this.archive.accounts[0]?.facts ?? {}
  }

  of<Type extends SyncEvent['type']>(type: Type) {
    return this.events.filter((event) => event.type === type) as Extract<
      SyncEvent,
      { type: Type }
    >[]
  }

  sent(verb: string): string[] {
    return this.maildrop.inner.commands.filter((command) => command.startsWith(verb))
  }
}
