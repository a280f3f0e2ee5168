/** Starts writer's threads, one of them before it is asked for: it takes as long to load as the rest of the program. */
import { Worker } from 'node:worker_threads'
import type { FromWriter } from './channel.ts'
import { inlineLess } from './compiling.ts'
import { keepHeapsSmall, withYoungWhole } from './short-lived.ts'
import type { WriterConnection } from './writer-client.ts'

/**
 * The writer's garbage is short-lived and its heap small; V8's default of 48 MB for young objects would only let it lie
 * about.
 */
const YOUNG_GENERATION_MB = 8

interface Thread {
  readonly worker: Worker
  readonly connection: WriterConnection
}

/** Nobody's as yet. */
let ahead: Thread | undefined

/** The thread of the built program that was started ahead, once; else a new one. */
export function startWriterThread(): WriterConnection {
  const { worker, connection } = ahead ?? start()
  ahead = undefined
  worker.ref()
  return connection
}

/** Starts the thread that is asked for next. It keeps no process alive, and opens nothing before it is told to. */
export function startWriterAhead(): void {
  try {
    ahead ??= start()
  } catch {
    // The system permits no thread now. Who needs one starts it again, and hears why there is none.
    return
  }
  ahead.worker.unref()
}

function start(): Thread {
  // Options of the main program, such as --eval or --inspect, are not meant for the thread.
  const worker = withYoungWhole(
    () =>
      new Worker(new URL('./writer-thread.js', import.meta.url), {
        execArgv: [],
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
      }),
  )
  // Not before: the thread's own heap takes the first setting back when it is made.
  worker.once('online', () => {
    keepHeapsSmall()
    inlineLess()
  })
  let end: { readonly reason: unknown } | undefined
  let hearEnd = (_reason: unknown): void => undefined
  const ended = (reason: unknown): void => {
    end ??= { reason }
    hearEnd(end.reason)
  }
  worker.on('error', ended)
  worker.on('messageerror', ended)
  worker.on('exit', (code) => ended(code === 0 ? undefined : new Error(`it left with ${code}`)))
  const connection: WriterConnection = {
    send: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    receive: (hear) => {
      worker.on('message', (message: FromWriter) => hear(message))
    },
    ended: (hear) => {
      hearEnd = hear
      if (end !== undefined) hear(end.reason)
    },
    close: async () => {
      await worker.terminate()
    },
  }
  return { worker, connection }
}
