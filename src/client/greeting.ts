import { type ConnectOptions, connect, inspectTls } from '../net/connect.ts'
import type { Connection, TlsInspection } from '../net/connection.ts'
import { NetworkError } from '../net/errors.ts'
import { type Capabilities, NO_CAPABILITIES, parseCapabilities } from '../pop3/capabilities.ts'
import { CommandError, ProtocolError, SessionError } from '../pop3/errors.ts'
import { octetString } from '../pop3/octets.ts'
import { commandRefusal } from './refusal.ts'
import { TIMEOUTS, type Timeouts } from './timeouts.ts'
import { type Trace, Wire } from './wire.ts'

/** How a server is reached: all that is settled before anybody logs in. */
export interface ServerOptions
  extends Pick<
    ConnectOptions,
    | 'host'
    | 'port'
    | 'tls'
    | 'ca'
    | 'pin'
    | 'clientCertificate'
    | 'proxy'
    | 'environment'
    | 'lookup'
  > {
  readonly timeouts?: Partial<Timeouts> | undefined
  readonly trace?: Trace | undefined
}

/** A connection in the authorization state, protected as its owner asked for. */
export interface Greeted {
  readonly wire: Wire
  readonly connection: Connection
  /** The text of the greeting; undefined after STLS, since it was learned in clear text. */
  readonly greeting: string | undefined
  /** The greeting's line, whoever wrote it; for people to read only. */
  readonly firstGreeting: string
}

/**
 * Connects, waits for the greeting and, with `stls`, turns TLS on: STLS goes out at once, without CAPA, because nothing
 * that is said in clear text may be used. One deadline covers it all. The signal closes the connection, also later.
 * `secrets` are masked from the first line on: a server knows them from the last time. `heard` gets the greeting's line
 * as it comes, also where STLS fails after it.
 *
 * Throws NetworkError (NET_POLICY if the server refuses STLS), ProtocolError (POP3_NOT_POP3; POP3_OUT_OF_STEP if
 * anything stands behind the reply to STLS), SessionError (POP3_GREETING_REFUSED), or the signal's reason.
 */
export async function greet(
  options: ServerOptions,
  signal: AbortSignal,
  secrets: readonly string[] = [],
  heard: (greeting: string) => void = () => undefined,
): Promise<Greeted> {
  const opened = await openServer(options, signal, secrets)
  heard(opened.firstGreeting)
  if (options.tls !== 'stls') return opened
  try {
    await askForTls(opened.wire)
    await opened.wire.startTls()
    return { ...opened, greeting: undefined }
  } catch (error) {
    opened.wire.close(error)
    throw error
  }
}

/**
 * Looks at the certificates of the server, whatever they are, and closes; before the handshake nothing is sent but STLS
 * where TLS begins with it. Throws as `greet`, but not for the certificate's sake.
 */
export async function inspectServer(
  options: ServerOptions & { readonly tls: 'implicit' | 'stls' },
  signal: AbortSignal,
): Promise<TlsInspection> {
  const { tls } = options
  if (tls === 'implicit') return inspectTls({ ...connectOptions(options, signal), tls })
  const { wire, connection } = await openServer(options, signal)
  try {
    await askForTls(wire)
    return await connection.inspectTls()
  } catch (error) {
    wire.close(error)
    throw error
  }
}

/**
 * CAPA; nothing announced if it is refused. Throws SessionError (POP3_TEMPORARY) if the refusal is about the maildrop, not
 * the command.
 */
export async function readCapabilities(wire: Wire, timeouts: Timeouts): Promise<Capabilities> {
  const lines: string[] = []
  wire.send([{ keyword: 'CAPA' }])
  const limits = { first: timeouts.command, data: timeouts.data }
  // They are kept in the archive: a server that says the password there is not to be quoted either.
  const reply = await wire.lines(limits, (line) => lines.push(wire.masked(octetString(line))))
  if (reply.ok) return parseCapabilities(lines)
  const refusal = commandRefusal('CAPA', reply)
  if (refusal instanceof SessionError) throw refusal
  return NO_CAPABILITIES
}

/** Whether the server closed or hung at CAPA, as old ones do at commands that they do not know. */
export function isClosedByCapa(error: unknown): boolean {
  if (error instanceof ProtocolError) return false
  return error instanceof NetworkError && ['NET_CLOSED', 'NET_TIMEOUT'].includes(error.code)
}

async function openServer(
  options: ServerOptions,
  signal: AbortSignal,
  secrets: readonly string[] = [],
): Promise<Greeted & { readonly greeting: string }> {
  const connection = await connect(connectOptions(options, signal))
  const wire = new Wire(connection, options.trace)
  for (const secret of secrets) wire.conceal(secret)
  try {
    const event = await wire.event()
    if (event.type !== 'greeting') {
      throw new ProtocolError('POP3_OUT_OF_STEP', 'the server did not begin with a greeting')
    }
    return { wire, connection, greeting: event.text, firstGreeting: event.line }
  } catch (error) {
    wire.close(error)
    throw isSilence(error) && options.tls !== 'implicit' ? silent(options, error) : error
  }
}

function isSilence(error: unknown): boolean {
  return error instanceof NetworkError && error.code === 'NET_TIMEOUT'
}

/** A server that waits for TLS says nothing to one who waits for a greeting. */
function silent({ port }: ServerOptions, cause: unknown): NetworkError {
  const sentence = `the server said nothing at port ${port}, where TLS may be wanted at once: pops://, or tls = "implicit"`
  return new NetworkError('NET_TIMEOUT', sentence, cause)
}

function connectOptions(options: ServerOptions, signal: AbortSignal): ConnectOptions {
  const { host, port, tls, ca, pin, clientCertificate, proxy, environment, lookup } = options
  return {
    ...{ host, port, tls, ca, pin, clientCertificate, proxy, environment, lookup, signal },
    timeoutMs: options.timeouts?.attempt ?? TIMEOUTS.attempt,
  }
}

/** STLS (RFC 2595 section 4). Without it nothing more is sent: whoever removes it from a session gets no password. */
async function askForTls(wire: Wire): Promise<void> {
  const reply = await wire.ask({ keyword: 'STLS' })
  if (reply.ok) return
  throw new NetworkError(
    'NET_POLICY',
    'the server refuses STLS, and without TLS nothing is sent; most servers have TLS at once on port 995 (pops://)',
    new CommandError('STLS', reply.line, reply.responseCode),
  )
}
