import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { Connection } from './connection.ts'
import { NetworkError } from './errors.ts'
import { isLoopback, matchesPin, refuseUncheckedTls } from './trust.ts'

export interface ConnectOptions {
  readonly host: string
  readonly port: number
  /** `none` is clear text, permitted to loopback hosts only. */
  readonly tls: 'implicit' | 'none'
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string | undefined
  /** SHA-256 of the server's public key, 64 lower-case hex digits. Replaces the checks of chain and name. */
  readonly pin?: string | undefined
  /** For name lookup, TCP, TLS and all reads up to the first that has its own limit, together. */
  readonly timeoutMs: number
  /** Closes the connection, at any time in its life. */
  readonly signal?: AbortSignal | undefined
  /** Default: that of the process. */
  readonly environment?: NodeJS.ProcessEnv | undefined
}

/**
 * Opens a connection; with TLS, its certificate or pin is verified before the promise settles, and nothing was sent but
 * the handshake. Throws NetworkError (any NET_ code), or the signal's reason.
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const { host, port, tls, pin, signal, timeoutMs } = options
  signal?.throwIfAborted()
  const where = isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
  if (tls === 'implicit') {
    refuseUncheckedTls(options.environment ?? process.env)
    const socket = tlsSocket(options)
    // Asked once: Node 20 hands out the peer's certificate a single time.
    let isPinned = false
    const isTrusted = (): boolean => (pin === undefined ? socket.authorized : isPinned)
    const connection = new Connection(socket, { where, isTrusted, signal })
    return opened(connection, socket, 'secureConnect', timeoutMs, () => {
      isPinned = pin !== undefined && matchesPin(socket, pin)
      if (isTrusted()) return
      throw new NetworkError('NET_TLS', `${where}: the server's key is not the pinned one`)
    })
  }
  if (!isLoopback(host)) {
    throw new NetworkError(
      'NET_POLICY',
      `${where}: clear text is allowed only to this machine (loopback) in this version; use TLS`,
    )
  }
  const socket = connectTcp({ host, port })
  const isTrusted = (): boolean => isLoopback(socket.remoteAddress ?? '')
  const connection = new Connection(socket, { where, isTrusted, signal })
  return opened(connection, socket, 'connect', timeoutMs, () => {
    if (isTrusted()) return
    throw new NetworkError('NET_POLICY', `${where}: the name leads to another machine; use TLS`)
  })
}

function tlsSocket({ host, port, ca, pin }: ConnectOptions): TLSSocket {
  return connectTls({
    host,
    port,
    // RFC 6186 section 4; Gmail shows a self-signed certificate to a client that names no host.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: pin === undefined,
  })
}

function opened(
  connection: Connection,
  socket: Socket,
  event: 'connect' | 'secureConnect',
  timeoutMs: number,
  verify: () => void,
): Promise<Connection> {
  connection.limitAttempt(timeoutMs)
  return new Promise((resolve, reject) => {
    socket.once(event, () => {
      try {
        verify()
        resolve(connection)
      } catch (error) {
        connection.close(error)
      }
    })
    // Every failure ends in 'close', and the connection knows the first reason.
    socket.once('close', () => {
      reject(connection.failure ?? new NetworkError('NET_CLOSED', 'closed before it was open'))
    })
  })
}
