import { connect } from '../net/connect.ts'
import { NetworkError } from '../net/errors.ts'
import {
  type Capabilities,
  completeCapabilities,
  NO_CAPABILITIES,
  parseCapabilities,
} from '../pop3/capabilities.ts'
import { encodeCommand } from '../pop3/command.ts'
import { ProtocolError, SessionError } from '../pop3/errors.ts'
import { octetString } from '../pop3/octets.ts'
import { login, type Mechanism } from './login.ts'
import { commandRefusal } from './refusal.ts'
import { Session } from './session.ts'
import { TIMEOUTS, type Timeouts } from './timeouts.ts'
import { type Trace, Wire } from './wire.ts'

export interface MaildropOptions {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly secret: string
  /** `none` is permitted to loopback hosts only. */
  readonly tls: 'implicit' | 'none'
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string | undefined
  /** SHA-256 of the server's public key; replaces the checks of chain and name. */
  readonly pin?: string | undefined
  /** Undefined: PLAIN where announced, else USER and PASS. */
  readonly auth?: Mechanism | undefined
  readonly timeouts?: Partial<Timeouts> | undefined
  readonly trace?: Trace | undefined
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
  const { secret } = options
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

/** Connects and waits for the greeting, all within one deadline. */
async function greeted({ options, timeouts, signal }: Attempt): Promise<Wire> {
  const { host, port, tls, ca, pin } = options
  const connection = await connect({
    host,
    port,
    tls,
    ca,
    pin,
    signal,
    timeoutMs: timeouts.attempt,
  })
  const wire = new Wire(connection, options.trace)
  try {
    await wire.event()
    return wire
  } catch (error) {
    wire.close(error)
    throw error
  }
}

/** Logs in and asks for the capabilities again, which may differ then: Gmail announces PIPELINING only after login. */
async function openWith(
  wire: Wire,
  before: Capabilities | undefined,
  { options, secret, timeouts }: Attempt,
): Promise<Session> {
  try {
    const credentials = { user: options.user, secret }
    await login(wire, credentials, before ?? NO_CAPABILITIES, { auth: options.auth, timeouts })
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

/** CAPA; nothing announced if it is refused. Throws SessionError if the refusal is about the maildrop, not the command. */
async function readCapabilities(wire: Wire, timeouts: Timeouts): Promise<Capabilities> {
  const lines: string[] = []
  wire.send([{ keyword: 'CAPA' }])
  const limits = { first: timeouts.command, data: timeouts.data }
  const reply = await wire.lines(limits, (line) => lines.push(octetString(line)))
  if (reply.ok) return parseCapabilities(lines)
  const refusal = commandRefusal('CAPA', reply)
  if (refusal instanceof SessionError) throw refusal
  return NO_CAPABILITIES
}

function isClosedByCapa(error: unknown): boolean {
  if (error instanceof ProtocolError) return false
  return error instanceof NetworkError && ['NET_CLOSED', 'NET_TIMEOUT'].includes(error.code)
}
