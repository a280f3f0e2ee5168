/**
 * Time that passes only when a test says so. Timers of half a second or more wait for `pass`; shorter ones, such as the group
 * commit's, run as ever. A wait by promise, such as a back-off between two sessions, is over at once, and its time has
 * passed then. Clocks show the real time and what was passed.
 */
import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'

/** Timers from here on are limits, and none of them is reached by a test that does not pass its time. */
const LEAST_MS = 500

class HeldTimer {
  /** Undefined: it does not run. */
  due: number | undefined
  readonly #act: () => void

  constructor(due: number, act: () => void) {
    this.due = due
    this.#act = act
  }

  fire(): void {
    this.due = undefined
    this.#act()
  }

  unref(): this {
    return this
  }
}

export class PassingTime {
  #passed = 0
  readonly #held = new Set<HeldTimer>()
  #restore: (() => void) | undefined

  /** Ms since the epoch. */
  readonly now = (): number => Date.now()

  /** Takes the place of this process's timers and clocks, until `remove`. */
  install(): void {
    const { setTimeout, clearTimeout } = globalThis
    const { setTimeout: wait } = timers
    const [clock, date] = [performance.now, Date.now]
    const held = this.#held
    globalThis.setTimeout = ((act: () => void, ms = 0) => {
      if (ms < LEAST_MS) return setTimeout(act, ms)
      const timer = new HeldTimer(performance.now() + ms, act)
      held.add(timer)
      return timer
    }) as typeof setTimeout
    globalThis.clearTimeout = ((timer: NodeJS.Timeout | HeldTimer | undefined) => {
      if (timer instanceof HeldTimer) held.delete(timer)
      else clearTimeout(timer)
    }) as typeof clearTimeout
    timers.setTimeout = (async (ms: number, value: unknown, options?: { signal?: AbortSignal }) => {
      if (ms < LEAST_MS) return await wait(ms, value, options)
      options?.signal?.throwIfAborted()
      await this.pass(ms)
      return value
    }) as typeof wait
    performance.now = () => clock.call(performance) + this.#passed
    Date.now = () => date() + Math.floor(this.#passed)
    syncBuiltinESMExports()
    this.#restore = () => {
      Object.assign(globalThis, { setTimeout, clearTimeout })
      timers.setTimeout = wait
      performance.now = clock
      Date.now = date
      syncBuiltinESMExports()
    }
  }

  remove(): void {
    this.#restore?.()
    this.#restore = undefined
    this.#held.clear()
  }

  /**
   * Lets so many ms pass: what is due fires, in order. Returns when whatever either side had sent before, or says because of
   * it, has arrived.
   */
  async pass(ms: number): Promise<void> {
    await settled()
    this.#passed += ms
    const now = performance.now()
    const due = [...this.#held].filter((timer) => (timer.due ?? now) <= now)
    for (const timer of due.toSorted((one, other) => (one.due ?? 0) - (other.due ?? 0))) {
      // What fired before may have cleared it.
      if (this.#held.delete(timer)) timer.fire()
    }
    await settled()
  }
}

/** Both ends of a loopback connection are in this process: octets arrive in the next turns of its loop. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) await timers.setImmediate()
}
