/**
 * Acts when nothing was asked of a session for a while, and again after each such while. Servers end idle sessions, some of
 * them after a minute, and a proof of the archive may take longer than that.
 */
export class Idleness {
  readonly #afterMs: number
  readonly #act: () => Promise<void>
  #timer: NodeJS.Timeout | undefined
  #acting: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined

  /** `act` is never begun while work is under way. If it fails, the next work does so for the same reason. */
  constructor(afterMs: number, act: () => Promise<void>) {
    this.#afterMs = afterMs
    this.#act = act
    this.#begin()
  }

  /** Does the work once an act that is under way has ended. One work at a time; behind one that failed nobody acts. */
  async interrupt<T>(work: () => Promise<T>): Promise<T> {
    this.end()
    await this.#acting
    if (this.#failure) throw this.#failure.error
    const result = await work()
    this.#begin()
    return result
  }

  /** No more acts. */
  end(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #begin(): void {
    // A session that nobody closes is no reason for a process to stay.
    this.#timer = setTimeout(() => {
      this.#acting = this.#act().then(
        () => {
          if (this.#timer !== undefined) this.#begin()
        },
        (error: unknown) => {
          this.#failure = { error }
        },
      )
    }, this.#afterMs).unref()
  }
}
