/**
 * A moment until which something must have happened. Moving it costs a look at the clock, not a timer: a running timer
 * is left as it is and finds out, when it fires, how much time is left. The only timer of a client's session.
 */
export class Deadline {
  readonly #onPassed: () => void
  #due = Number.POSITIVE_INFINITY
  #firesAt = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined

  constructor(onPassed: () => void) {
    this.#onPassed = onPassed
  }

  /** From now on it is `ms` milliseconds away, whatever it was before. */
  arm(ms: number): void {
    this.#due = performance.now() + ms
    if (this.#due < this.#firesAt) this.#start(ms)
  }

  /** It no longer passes, until armed again. The timer may stay; `clear` at the end. */
  disarm(): void {
    this.#due = Number.POSITIVE_INFINITY
  }

  /** Disarms and frees the timer, so that it does not keep the process. */
  clear(): void {
    this.disarm()
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#firesAt = Number.POSITIVE_INFINITY
  }

  #start(ms: number): void {
    clearTimeout(this.#timer)
    this.#firesAt = this.#due
    this.#timer = setTimeout(() => this.#fired(), ms)
  }

  #fired(): void {
    this.#timer = undefined
    this.#firesAt = Number.POSITIVE_INFINITY
    if (this.#due === Number.POSITIVE_INFINITY) return
    const left = this.#due - performance.now()
    // Timers may fire up to a millisecond early.
    if (left >= 1) this.#start(left)
    else this.#onPassed()
  }
}
