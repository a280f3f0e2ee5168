/**
 * fsyncs that are under way in the threads of Node's pool while their caller goes on. Each file still has its own; but a
 * journaling filesystem makes several durable by one flush of the disk, where one after the other would cost one each.
 */
import nodeFs from 'node:fs'

/**
 * fsyncs that may be under way, each with an open descriptor. The pool has four threads: the rest is for them to go on with while
 * the caller is busy, and few enough that a name to be resolved, which waits for the same threads, is not held up.
 */
const UNDER_WAY = 64

/** The call of node:fs that is used here, so that a test can hold it. */
export type FsyncCall = Pick<typeof nodeFs, 'fsync'>

export class Syncs {
  readonly #calls: FsyncCall
  readonly #running = new Set<Promise<void>>()
  readonly #waiting: (() => void)[] = []

  constructor(calls: FsyncCall = nodeFs) {
    this.#calls = calls
  }

  /** `done` hears of the end, and of its error, in a later turn. The descriptor has to stay open until then. */
  begin(descriptor: number, done: (error: Error | null) => void): void {
    const running = new Promise<void>((resolve) => {
      this.#calls.fsync(descriptor, (error) => {
        this.#running.delete(running)
        done(error)
        resolve()
        if (this.#running.size <= UNDER_WAY / 2) for (const wake of this.#waiting.splice(0)) wake()
      })
    })
    this.#running.add(running)
  }

  /** Resolves when those that are under way now have ended, well or not; undefined if none is. */
  settled(): Promise<unknown> | undefined {
    return this.#running.size > 0 ? Promise.all(this.#running) : undefined
  }

  /** For whoever is about to begin many: undefined if another may begin at once; else resolves when there is room for some. */
  room(): Promise<void> | undefined {
    if (this.#running.size < UNDER_WAY) return undefined
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
