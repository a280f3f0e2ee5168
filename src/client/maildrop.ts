import { type Capabilities, completeCapabilities, NO_CAPABILITIES } from '../pop3/capabilities.ts'
import { encodeCommand } from '../pop3/command.ts'
import { ArgumentError } from '../pop3/errors.ts'
import type { Credential } from './credential.ts'
import { greet, isClosedByCapa, readCapabilities, type ServerOptions } from './greeting.ts'
import { login } from './login.ts'
import { Session } from './session.ts'
import { TIMEOUTS, type Timeouts } from './timeouts.ts'
import type { Wire } from './wire.ts'

export interface MaildropOptions extends ServerOptions {
  readonly user: string
  readonly credential: Credential
  /** One of SUPPORTED_MECHANISMS, which is then the only one. Undefined: the best that the server announces. */
  readonly auth?: string | undefined
  /** False: one command at a time, whatever the server announces. */
  readonly pipelining: boolean
}

/** A maildrop at a server. Nothing happens before `open`. */
export function createMaildrop(options: MaildropOptions): {
  /**
   * Connects, logs in and reads the capabilities. The signal closes the session, also after this has settled. Throws
   * ArgumentError before it connects; then NetworkError, ProtocolError, SessionError, LoginError, or the signal's reason.
   */
  open(signal: AbortSignal): Promise<Session>
} {
  return { open: (signal) => open(options, signal) }
}

interface Attempt {
  readonly options: MaildropOptions
  readonly secret: string
  readonly timeouts: Timeouts
  readonly signal: AbortSignal
}

async function open(options: MaildropOptions, signal: AbortSignal): Promise<Session> {
  if (options.credential.type !== 'password') throw new ArgumentError('no password')
  const { secret } = options.credential
  // Refuses line breaks and NUL while nothing is connected yet.
  encodeCommand({ keyword: 'USER', user: options.user })
  encodeCommand({ keyword: 'PASS', secret })
  const attempt = { options, secret, signal, timeouts: { ...TIMEOUTS, ...options.timeouts } }
  const wire = await greeted(attempt)
  let announced: Capabilities | undefined
  try {
    announced = await readCapabilities(wire, attempt.timeouts)
  } catch (error) {
    wire.close(error)
    if (!isClosedByCapa(error)) throw error
    // Old servers close, or hang, on commands that they do not know.
    return openWith(await greeted(attempt), undefined, attempt)
  }
  return openWith(wire, announced, attempt)
}

async function greeted({ options, signal }: Attempt): Promise<Wire> {
  return (await greet(options, signal)).wire
}

/** Logs in and asks for the capabilities again, which may differ then: Gmail announces PIPELINING only after login. */
async function openWith(
  wire: Wire,
  before: Capabilities | undefined,
  { options, secret, timeouts }: Attempt,
): Promise<Session> {
  try {
    const credentials = { user: options.user, secret }
    await login(wire, credentials, before ?? NO_CAPABILITIES, {
      auth: options.auth === 'USER' ? 'user' : options.auth === 'PLAIN' ? 'plain' : undefined,
      timeouts,
    })
    const after = before && (await readCapabilities(wire, timeouts))
    return new Session(wire, {
      capabilities: after ? completeCapabilities(after, before) : NO_CAPABILITIES,
      pipelined: options.pipelining && after?.has('PIPELINING') === true,
      timeouts,
    })
  } catch (error) {
    wire.close(error)
    throw error
  }
}
