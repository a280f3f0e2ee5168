/**
 * How a session ends when its run is interrupted. While it retrieves, what was asked for may still come in, so that the
 * server knows what we have: for DRAIN_MS at most, and DRAIN_OCTETS. At any other time the connection closes at once.
 */
import type { Patience } from './patience.ts'

const DRAIN_MS = 2000
const DRAIN_OCTETS = 4 * 1024 * 1024

export class Drain {
  readonly #run: AbortSignal
  readonly #wait: Patience['wait'] | undefined
  readonly #connection = new AbortController()
  readonly #onInterrupted = (): void => this.#interrupted()
  /** Aborted when the retrieval is over. */
  #retrieval: AbortController | undefined
  #octetsLeft = DRAIN_OCTETS
  /** As the signal has it, which is slow to ask for each chunk. */
  #isInterrupted = false

  /** `run` is aborted by the interruption. Without `wait` nothing is drained. */
  constructor(run: AbortSignal, wait: Patience['wait'] | undefined) {
    this.#run = run
    this.#wait = wait
    this.#isInterrupted = run.aborted
    if (run.aborted) this.#cut()
    else run.addEventListener('abort', this.#onInterrupted, { once: true })
  }

  /** Closes the connection, for the reason of the run's signal. */
  get connection(): AbortSignal {
    return this.#connection.signal
  }

  /** Runs what may be drained. It must stop asking for more when the run is interrupted. */
  async retrieving<T>(work: () => Promise<T>): Promise<T> {
    const retrieval = new AbortController()
    this.#retrieval = retrieval
    try {
      return await work()
    } finally {
      this.#retrieval = undefined
      retrieval.abort()
      if (this.#run.aborted) this.#cut()
    }
  }

  /** So many octets of messages came in. */
  received(octets: number): void {
    if (!this.#isInterrupted) return
    this.#octetsLeft -= octets
    if (this.#octetsLeft < 0) this.#cut()
  }

  /** The session is over. */
  release(): void {
    this.#run.removeEventListener('abort', this.#onInterrupted)
  }

  #interrupted(): void {
    this.#isInterrupted = true
    if (this.#retrieval === undefined || this.#wait === undefined) {
      this.#cut()
      return
    }
    this.#wait(DRAIN_MS, this.#retrieval.signal).then(
      () => this.#cut(),
      // The retrieval ended before.
      () => undefined,
    )
  }

  #cut(): void {
    this.#connection.abort(this.#run.reason)
  }
}
