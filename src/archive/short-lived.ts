/**
 * Octets come in buffers of their own, from the socket and from SQLite, and are dropped at once. V8 counts such buffers
 * little and lets them lie: behind a large message 100 MB of them were seen. A collection of young objects now and then,
 * some milliseconds each, frees them.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Worker } from 'node:worker_threads'

/** Octets that may lie about. */
const LITTER_OCTETS = 4 * 1024 * 1024

const HEAP_PATIENCE_MS = 10

type Collect = (options: { readonly type: 'minor' }) => void

let collect: Collect | undefined
let litter = 0

/** To be told of octets whose buffer nobody holds much longer. */
export function dropped(octets: number): void {
  litter += octets
  if (litter < LITTER_OCTETS) return
  litter = 0
  collect ??= exposedCollector()
  collect({ type: 'minor' })
}

/**
 * Starts a thread whose heap begins with 8 MB for young objects, or as much as it may have. Without it, `keepHeapsSmall` would
 * leave it a quarter of that, and have it collect four times as often. The setting is taken back as soon as the heap is made: V8
 * takes no code from a cache that was made under other settings, so all of Node's own modules would be compiled anew, here and in
 * the thread, which takes twice as long to start then.
 */
export function withYoungWhole(start: () => Worker): Worker {
  setFlagsFromString('--min-semi-space-size=4')
  try {
    const worker = start()
    awaitHeap(worker)
    return worker
  } finally {
    setFlagsFromString('--min-semi-space-size=0')
  }
}

/**
 * Sleeps until a thread is about to make its heap, half a ms as a rule, when it knows its limits, and then for as long as that takes.
 * One that takes much longer does without the setting.
 */
function awaitHeap(worker: Worker): void {
  const never = new Int32Array(new SharedArrayBuffer(4))
  const sleep = () => Atomics.wait(never, 0, 0, 1)
  for (let ms = 0; ms < HEAP_PATIENCE_MS; ms += 1) {
    sleep()
    if ((worker.resourceLimits?.maxOldGenerationSizeMb ?? 0) > 0) break
  }
  sleep()
}

/**
 * Keeps the heaps of this process near what they hold. V8 doubles the memory for young objects, up to 32 MB for the two halves of
 * the main thread, each time that as much has outlived collections, in all, as it holds: messages on their way always do, so every
 * long retrieval came there. It stays what start-up has made of it. And old objects may lie until there are some times as many as
 * were in use: half as many more is enough. Settings of the process; each heap that is made later takes the first of them back.
 */
export function keepHeapsSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--heap-growing-percent=50')
}

/** Node shows its collector to contexts that are made after the flag is set. Where it does not, memory is not worth a failure. */
function exposedCollector(): Collect {
  setFlagsFromString('--expose-gc')
  const collector: unknown = runInNewContext('globalThis.gc')
  return typeof collector === 'function' ? (collector as Collect) : () => undefined
}
