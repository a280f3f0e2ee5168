/** What a server's behaviour says about it, and what that means for the next session. Pure. */
import { codeOf } from './errors.ts'
import type { ServerFacts } from './ports.ts'

/** A pipelined session that failed is tried again after this time. */
const PIPELINING_RETRY_MS = 30 * 24 * 3600 * 1000

/** Whether a session may be pipelined, `now` in ms since the epoch. */
export function mayPipeline({ pipeliningFailedAt }: ServerFacts, now: number): boolean {
  if (pipeliningFailedAt === undefined) return true
  return now - Date.parse(pipeliningFailedAt) > PIPELINING_RETRY_MS
}

/**
 * Out of step, silent with commands outstanding, or closed at the first of several: the announcement was not true. Without
 * the second, a server that swallows commands would have the same messages retrieved again for ever.
 */
export function pipeliningFailed(
  error: unknown,
  { listed, retrieved }: { readonly listed: number; readonly retrieved: number },
): boolean {
  const code = codeOf(error)
  if (code === 'POP3_OUT_OF_STEP') return true
  // 0: the listings, two commands outstanding, did not come to their end.
  if (listed === 1) return false
  return code === 'NET_TIMEOUT' || (code === 'NET_CLOSED' && retrieved <= 1)
}
