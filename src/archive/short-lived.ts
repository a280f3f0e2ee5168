/**
 * Octets come in buffers of their own, from the socket and from SQLite, and are dropped at once. V8 counts such buffers
 * little and lets them lie: behind a large message 100 MB of them were seen. A collection of young objects now and then,
 * some milliseconds each, frees them.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Octets that may lie about. */
const LITTER_OCTETS = 4 * 1024 * 1024

type Collect = (options: { readonly type: 'minor' }) => void

let collect: Collect | undefined
let litter = 0

/** To be told of octets whose buffer nobody holds any more. */
export function dropped(octets: number): void {
  litter += octets
  if (litter < LITTER_OCTETS) return
  litter = 0
  collect ??= exposedCollector()
  collect({ type: 'minor' })
}

/**
 * Keeps the memory for young objects as large as it is. V8 doubles it, up to 32 MB for the two halves of the main thread, each
 * time that as much has outlived collections, in all, as it holds: messages on their way always do, so every long retrieval came
 * there. What start-up has made of it, some 8 MB, is enough for them. A setting of the process, which each heap that is made later
 * takes back.
 */
export function keepYoungSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}

/** Node shows its collector to contexts that are made after the flag is set. */
function exposedCollector(): Collect {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as Collect
}
