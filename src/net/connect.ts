import type { LookupFunction } from 'node:net'
import { Connection, type TlsInspection } from './connection.ts'
import { Deadline } from './deadline.ts'
import { dial } from './dial.ts'
import { NetworkError } from './errors.ts'
import { authority, type ProxyServer } from './proxy.ts'
import { type Trust, type TrustOptions, trustOf } from './trust.ts'

export interface ConnectOptions extends TrustOptions {
  readonly port: number
  /**
   * `implicit`: TLS at once. `stls`: clear text until `Connection.startTls`, and nothing secret before. `none`: clear text
   * to the end, because the owner said so.
   */
  readonly tls: 'implicit' | 'stls' | 'none'
  readonly proxy?: ProxyServer | undefined
  /** For name lookup, proxy, TCP, TLS and all reads up to the first that has its own limit, together. */
  readonly timeoutMs: number
  /** Closes the connection, at any time in its life. */
  readonly signal?: AbortSignal | undefined
  /** Default: that of the process. */
  readonly environment?: NodeJS.ProcessEnv | undefined
  /** Default: `dns.lookup`. */
  readonly lookup?: LookupFunction | undefined
}

/**
 * Opens a connection; with implicit TLS, its certificate or pin is verified before the promise settles, and nothing was
 * sent but the handshake. Throws NetworkError (any NET_ code), or the signal's reason.
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const { tls, environment = process.env } = options
  options.signal?.throwIfAborted()
  const trust = tls === 'none' ? undefined : trustOf(options, environment)
  const connection = await opened(options, trust)
  if (tls === 'implicit') await connection.startTls()
  return connection
}

/**
 * Looks at the certificates of a server with implicit TLS, whatever they are, and closes: sends nothing but the
 * handshake, trusts nothing. (After STLS: `Connection.inspectTls`.) Throws NetworkError, but not for the certificate's sake.
 */
export async function inspectTls(
  options: ConnectOptions & { readonly tls: 'implicit' },
): Promise<TlsInspection> {
  options.signal?.throwIfAborted()
  const trust = trustOf(options, options.environment ?? process.env)
  const connection = await opened(options, trust)
  return connection.inspectTls()
}

/** In clear text as yet, its attempt running. */
async function opened(options: ConnectOptions, trust: Trust | undefined): Promise<Connection> {
  const { signal, timeoutMs, tls, proxy } = options
  const where = authority(options)
  const due = performance.now() + timeoutMs
  const attempt = new AbortController()
  const late = (): void =>
    attempt.abort(new NetworkError('NET_TIMEOUT', `${where}: no connection in time`))
  const deadline = new Deadline(late)
  const abort = (): void => attempt.abort(signal?.reason)
  signal?.addEventListener('abort', abort)
  deadline.arm(timeoutMs)
  try {
    const socket = await dial(options, attempt.signal)
    const facts = { where, proxied: proxy !== undefined, trust, isStls: tls === 'stls', signal }
    const connection = new Connection(socket, facts)
    if (attempt.signal.aborted) connection.close(attempt.signal.reason)
    attempt.signal.throwIfAborted()
    connection.limitAttempt(Math.max(0, due - performance.now()))
    return connection
  } finally {
    deadline.clear()
    signal?.removeEventListener('abort', abort)
  }
}
