/** The ways to log in that are commands of their own (RFC 1939 section 7), not mechanisms of SASL. */
import { apopDigest } from '../sasl/apop.ts'
import type { Outcome } from './sasl-exchange.ts'
import type { Timeouts } from './timeouts.ts'
import type { Wire } from './wire.ts'

interface UserParts {
  readonly user: string
  readonly secret: string
  readonly timeouts: Timeouts
}

/** USER and PASS. -ERR to USER costs no password. */
export async function userPass(
  wire: Wire,
  { user, secret, timeouts }: UserParts,
): Promise<Outcome> {
  const named = await wire.ask({ keyword: 'USER', user }, timeouts.command)
  const reply = named.ok ? await wire.ask({ keyword: 'PASS', secret }, timeouts.login) : named
  if (reply.ok) return { type: 'accepted' }
  const hasExposed = named.ok
  return { type: 'refused', reply, isAtOnce: !hasExposed, hasExposed, serverError: undefined }
}

/** APOP with this timestamp of the greeting, angle brackets included. */
export async function apop(
  wire: Wire,
  { user, secret, stamp, timeouts }: UserParts & { readonly stamp: string },
): Promise<Outcome> {
  const digest = apopDigest(stamp, secret)
  wire.conceal(digest)
  const reply = await wire.ask({ keyword: 'APOP', user, digest }, timeouts.login)
  if (reply.ok) return { type: 'accepted' }
  return { type: 'refused', reply, isAtOnce: true, hasExposed: true, serverError: undefined }
}
