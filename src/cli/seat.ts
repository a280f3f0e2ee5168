import { limitFunction } from 'p-limit'

/** A queue for places. */
export type Limit = (work: () => Promise<void>) => Promise<void>

/** For so many places. */
export function limitOf(places: number): Limit {
  return limitFunction((work: () => Promise<void>) => work(), { concurrency: places })
}

/**
 * One account's place among those in work: first at its host, then among all, so that who waits for a host keeps no place
 * from others. It is given back while the account only waits.
 */
export class Seat {
  readonly #limits: readonly Limit[]
  #leave: (() => void)[] = []

  constructor(limits: readonly Limit[]) {
    this.#limits = limits
  }

  async take(): Promise<void> {
    for (const limit of this.#limits) {
      const leave = await new Promise<() => void>((resolve) => {
        void limit(() => new Promise<void>((left) => resolve(left)))
      })
      this.#leave.push(leave)
    }
  }

  /** Safe to call twice. */
  give(): void {
    for (const leave of this.#leave.splice(0).reverse()) leave()
  }

  /** Others may sit here until `wait` has resolved; if it rejects, the place stays given. */
  async without(wait: () => Promise<void>): Promise<void> {
    this.give()
    await wait()
    await this.take()
  }
}
