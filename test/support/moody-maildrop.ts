/**
 * A maildrop in memory with the moods of real servers: it shows parts, refuses logins, breaks sessions. And the time that
 * passes for its client, which nobody waits for.
 */
import { parseCapabilities } from '../../src/pop3/capabilities.ts'
import type { Patience } from '../../src/sync/patience.ts'
import type { Maildrop, MaildropSession } from '../../src/sync/ports/maildrop.ts'
import { FakeMaildrop, type FakeMessage } from './fake-maildrop.ts'

export interface Moods {
  /** Messages shown in one session; those retrieved before a QUIT are not shown again. */
  readonly partOf?: number
  readonly capabilities?: readonly string[]
  /** What each opening fails with, in turn; undefined: it opens. */
  readonly openings?: readonly (Error | undefined)[]
  /** The session breaks while this message is retrieved: each time, or as the count of the session says. */
  readonly breaksAt?: (uniqueId: string | undefined, session: number) => Error | undefined
  readonly pipelined?: boolean
}

/** Ms since the epoch; `wait` moves it on at once. */
export class FakeTime {
  now: number
  /** Each wait, in ms. */
  readonly waits: number[] = []

  constructor(now = Date.parse('2026-03-01T03:00:00Z')) {
    this.now = now
  }

  patience(over: Partial<Patience> = {}): Patience {
    return {
      wait: async (ms, signal) => {
        signal.throwIfAborted()
        this.waits.push(ms)
        this.now += ms
      },
      aside: (waiting) => waiting(),
      // In the middle: back-off without jitter.
      random: () => 0.5,
      ...over,
    }
  }
}

export class MoodyMaildrop implements Maildrop {
  readonly inner: FakeMaildrop
  /** What each opening permitted. */
  readonly openings: Parameters<Maildrop['open']>[1][] = []
  /** How each session ended. */
  readonly ends: ('QUIT' | 'closed')[] = []
  /** When each login succeeded. */
  readonly logins: number[] = []
  moods: Moods
  readonly #all: FakeMessage[]
  readonly #time: FakeTime
  #popped = new Set<FakeMessage>()

  constructor(messages: readonly FakeMessage[], moods: Moods, time: FakeTime) {
    this.inner = new FakeMaildrop([...messages])
    this.#all = [...messages]
    this.moods = moods
    this.#time = time
  }

  async open(
    signal: AbortSignal,
    options: Parameters<Maildrop['open']>[1],
  ): Promise<MaildropSession> {
    this.openings.push(options)
    const error = this.moods.openings?.[this.openings.length - 1]
    if (error) throw error
    this.logins.push(this.#time.now)
    const { partOf } = this.moods
    if (partOf !== undefined) {
      this.inner.messages = this.#all.filter((m) => !this.#popped.has(m)).slice(0, partOf)
    }
    const session = await this.inner.open(signal, options)
    return this.#moody(session, [...this.inner.messages])
  }

  #moody(session: MaildropSession, shown: readonly FakeMessage[]): MaildropSession {
    const index = this.logins.length
    const retrieved: FakeMessage[] = []
    const { capabilities = ['TOP', 'UIDL'], breaksAt, pipelined = true } = this.moods
    return {
      capabilities: parseCapabilities(capabilities),
      pipelined,
      stat: () => session.stat(),
      listing: (onRows) => session.listing(onRows),
      last: () => session.last(),
      headers: (rows, receive) => session.headers(rows, receive),
      delete: (rows) => session.delete(rows),
      retrieve: (rows, receiver) =>
        session.retrieve(rows, {
          ...receiver,
          begin: (row) => {
            const sink = receiver.begin(row)
            const broken = breaksAt?.(row.uniqueId, index)
            if (broken) {
              sink.abandon()
              throw broken
            }
            const message = shown[row.messageNumber - 1]
            if (message) retrieved.push(message)
            return sink
          },
        }),
      quit: async () => {
        this.ends.push('QUIT')
        for (const message of retrieved) this.#popped.add(message)
        return await session.quit()
      },
      close: () => {
        this.ends.push('closed')
        session.close()
      },
    }
  }
}

/** An error as the client's are, for the engine: code, and what the server said. */
export function failure(code: string, serverText?: string): Error {
  return Object.assign(new Error(`a trouble: ${code}`), { code, serverText })
}
