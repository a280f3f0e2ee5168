/** How much V8 compiles, beside the two threads that wait for its result and share two cores with it. */
import { setFlagsFromString } from 'node:v8'

/** Of what a function calls, in octets of bytecode, that is compiled into it; V8 takes 920. */
const INLINED_OCTETS = 200

/**
 * Has V8 compile less: a sync is over soon after its code is hot, and a sixth of its CPU went there. Of all that is
 * compiled from now on in this process. To be called when most code is loaded: V8 takes none from a cache that was made under
 * other settings. One that knows the setting no more says so on stderr, and a test hears it.
 */
export function inlineLess(): void {
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${INLINED_OCTETS}`)
}
