/** What a server's behaviour says about it, and what that means for the next session. Pure. */
import { type Capabilities, parseCapabilities } from '../pop3/capabilities.ts'
import { UnsureDeletionError } from '../pop3/errors.ts'
import type { Compared } from './compare.ts'
import { isDueAtOnce } from './due.ts'
import { codeOf } from './errors.ts'
import type { Policy } from './policy.ts'
import type { ServerFacts } from './ports/ledger.ts'

/** A pipelined session that failed is tried again after this time. */
const PIPELINING_RETRY_MS = 30 * 24 * 3600 * 1000

/** The pause of a server that enforces one and names none: Gmail's. */
const USUAL_DELAY_SECONDS = 300

/** No server that was seen wants more; whoever says so must not stop a run for a day. */
const MOST_DELAY_SECONDS = 3600

/** Nobody else announces it: Gmail, also behind a tunnel, where the host's name does not tell. */
const GMAIL_CAPABILITY = 'X-GOOGLE-RICO'

/** Fewer messages that are gone from a listing say nothing. */
const LEAST_GONE = 10

/** Whether a session may be pipelined, `now` in ms since the epoch. */
export function mayPipeline({ pipeliningFailedAt }: ServerFacts, now: number): boolean {
  if (pipeliningFailedAt === undefined) return true
  // A time to come was written by a clock that was not set.
  return Math.abs(now - Date.parse(pipeliningFailedAt)) > PIPELINING_RETRY_MS
}

/** One session that broke. */
export interface BrokenSession {
  /** Rows of its listing; 0 if that did not come to its end. */
  readonly listed: number
  readonly retrieved: number
  /** STAT between the retrievals was answered as it must be: several commands at once work. */
  readonly isProven: boolean
}

/**
 * Whether the announcement of PIPELINING was not true: out of step, silent with commands outstanding, or closed at the
 * first of several. Without the second, a server that swallows commands would have the same messages retrieved again for
 * ever. A server that was seen to answer several commands is cut off by its network like any other. A maildrop that changes
 * while messages are deleted says nothing of its pipeline.
 */
export function pipeliningFailed(
  error: unknown,
  { listed, retrieved, isProven }: BrokenSession,
): boolean {
  const code = codeOf(error)
  if (error instanceof UnsureDeletionError) return false
  if (code === 'POP3_OUT_OF_STEP') return true
  if (listed === 1 || isProven) return false
  return code === 'NET_TIMEOUT' || (code === 'NET_CLOSED' && retrieved <= 1)
}

/**
 * Commands outstanding, and messages between two proofs, of the session after one that broke. Where it broke before any
 * proof, the next must come to one within what this one achieved: unproven messages are retrieved again.
 */
export function windowAfter(window: number, { retrieved, isProven }: BrokenSession): number {
  const half = Math.floor(window / 2)
  return Math.max(1, isProven ? half : Math.min(half, Math.floor(retrieved / 2)))
}

/** Seconds between two logins as announced (RFC 2449 section 6.5); 0 if none. */
export function announcedDelay(capabilities: Capabilities): number {
  const [seconds = ''] = capabilities.args('LOGIN-DELAY')
  return /^\d{1,9}$/.test(seconds) ? Number(seconds) : 0
}

/**
 * RFC 2449 section 6.7: the server may delete, at the end of the session, what was retrieved, and its owner wants it
 * kept, all or in part. A provider whose web pages decide announces it all the same.
 */
export function announcesExpiry(capabilities: Capabilities, policy: Policy): boolean {
  if (isDueAtOnce(policy) || policy.quit === false) return false
  if (policy.provider?.keepsBySetting || capabilities.has(GMAIL_CAPABILITY)) return false
  return capabilities.args('EXPIRE')[0] === '0'
}

/** The last login as it was written down, ms since the epoch; undefined if by a clock that was ahead: it bounds no pause. */
export function pastLogin(lastLoginAt: string | undefined, now: number): number | undefined {
  const at = lastLoginAt === undefined ? Number.NaN : Date.parse(lastLoginAt)
  return at <= now ? at : undefined
}

/** What a login that was refused for its time teaches; what it knows of the last login is in `facts`. */
export function enforcedDelay(
  facts: ServerFacts,
  { serverText, now }: { readonly serverText: string | undefined; readonly now: number },
): { readonly loginDelaySeconds: number; readonly lastLoginAt: string } {
  const announced = announcedDelay(parseCapabilities(facts.capabilities ?? []))
  const said = delayIn(serverText ?? '')
  const known = facts.loginDelaySeconds ?? 0
  const named = Math.max(announced, said, known) || USUAL_DELAY_SECONDS
  const last = pastLogin(facts.lastLoginAt, now)
  const isFromLast = last !== undefined && (now - last) / 1000 < named
  const wasWaitedFor = last !== undefined && !isFromLast
  // It was waited for and is not enough: refused logins seem to count, or it is longer than we know.
  const seconds = wasWaitedFor && known === named ? named * 2 : named
  return {
    loginDelaySeconds: Math.min(seconds, MOST_DELAY_SECONDS),
    lastLoginAt: new Date(isFromLast ? last : now).toISOString(),
  }
}

/** When the server will take the next login, ms since the epoch; undefined: at any time. */
export function nextLoginAt(
  { loginDelaySeconds = 0 }: ServerFacts,
  lastLogin: number | undefined,
  announcedSeconds: number,
): number | undefined {
  const seconds = Math.max(loginDelaySeconds, announcedSeconds)
  return lastLogin === undefined || seconds === 0 ? undefined : lastLogin + seconds * 1000
}

/** Whether a listing of this server is taken for a part of the maildrop: by its name, its words, or what it did before. */
export function isKnownToShowParts(
  { provider }: Policy,
  facts: ServerFacts,
  capabilities: Capabilities,
): boolean {
  return provider?.showsParts || facts.showsParts || capabilities.has(GMAIL_CAPABILITY)
}

/** Whether this server may hold back messages until those of this session were retrieved. */
export function mayShowParts(
  policy: Policy,
  facts: ServerFacts,
  capabilities: Capabilities,
  { receipts, known, fresh }: Pick<Compared, 'receipts' | 'known' | 'fresh'>,
): boolean {
  if (isKnownToShowParts(policy, facts, capabilities)) return true
  if (fresh.length === 0 || known.areAsBefore) return false
  const expected = receipts.inState('stored').filter(({ absent }) => !absent).length
  const seen = known.all.filter(
    ({ receipt: { state, absent } }) => state === 'stored' && !absent,
  ).length
  return expected - seen >= LEAST_GONE && seen * 10 <= expected
}

/**
 * What two sessions, one after the other, say about the server; undefined: nothing. `former`: unique-ids that the first
 * listed and did not delete.
 */
export function showsParts(
  former: ReadonlySet<string>,
  present: ReadonlySet<string>,
): boolean | undefined {
  if (former.size === 0) return undefined
  const stayed = [...former].filter((uniqueId) => present.has(uniqueId)).length
  if (stayed === former.size) return false
  const hasOthers = present.size > stayed
  return hasOthers && stayed * 2 < former.size ? true : undefined
}

/** A pause in a server's words, in seconds: "try again in 12 minutes", "wait 90 s"; 0 if it names none. */
function delayIn(text: string): number {
  const [, digits, unit = ''] = /\b(\d{1,5}) ?(s|sec|seconds?|min|minutes?)\b/i.exec(text) ?? []
  if (digits === undefined) return 0
  return Number(digits) * (/^m/i.test(unit) ? 60 : 1)
}
