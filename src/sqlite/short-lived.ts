/**
 * Drivers hand out each BLOB in a buffer of its own. A loop over large ones lets them lie, since V8 counts them little:
 * reading a message of 400 MB was seen to cost 100 MB. A collection of young objects now and then, some milliseconds
 * each, frees them at once.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Octets that may lie about. */
const LITTER_OCTETS = 16 * 1024 * 1024

type Collect = (options: { readonly type: 'minor' }) => void

let collect: Collect | undefined
let litter = 0

/** To be told of each large buffer that nobody holds any more. */
export function dropped(octets: number): void {
  litter += octets
  if (litter < LITTER_OCTETS) return
  litter = 0
  collect ??= exposedCollector()
  collect({ type: 'minor' })
}

/** Node shows its collector to contexts that are made after the flag is set. */
function exposedCollector(): Collect {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as Collect
}
