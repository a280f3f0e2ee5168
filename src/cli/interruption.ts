import { InterruptedError } from './failure.ts'

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
