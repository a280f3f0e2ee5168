import { setMaxListeners } from 'node:events'
import { InterruptedError } from './failure.ts'

/** How long the end of the process waits for work in progress, in ms; the work has bounds of its own that are no longer. */
const SHIELD_MS = 5_000

/** Work whose result comes only once, such as a refresh token: also a second signal lets it end, but not for long. */
export class Shield {
  readonly #quit: (exit: number) => void
  #running = 0
  #exit: number | undefined

  constructor(quit: (exit: number) => void) {
    this.#quit = quit
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    this.#running++
    try {
      return await work()
    } finally {
      this.#running--
      if (this.#running === 0 && this.#exit !== undefined) this.#quit(this.#exit)
    }
  }

  /** Ends the process: at once where no work is in progress. */
  quit(exit: number): void {
    if (this.#running === 0) {
      this.#quit(exit)
    } else if (this.#exit === undefined) {
      this.#exit = exit
      setTimeout(() => this.#quit(exit), SHIELD_MS).unref()
    }
  }
}

/** Where signals come from: `process`, or an emitter of a test. */
export interface SignalSource {
  on(name: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
  off(name: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
}

/**
 * Runs `work` so that the first SIGINT or SIGTERM aborts its signal, with an InterruptedError as the reason, and the
 * second one ends the program at once by `quit`. Work that commits as it goes loses nothing either way.
 */
export async function interruptibly<T>(
  source: SignalSource,
  quit: (exit: number) => void,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  // As many accounts hear it as the owner has; Node warns of eleven listeners as of a leak.
  setMaxListeners(0, controller.signal)
  const take = (exit: 130 | 143) => () => {
    if (controller.signal.aborted) quit(exit)
    else controller.abort(new InterruptedError(exit))
  }
  const onInterrupt = take(130)
  const onTerminate = take(143)
  source.on('SIGINT', onInterrupt)
  source.on('SIGTERM', onTerminate)
  try {
    return await work(controller.signal)
  } finally {
    source.off('SIGINT', onInterrupt)
    source.off('SIGTERM', onTerminate)
  }
}
