/**
 * A POP3 server on a loopback port.
 */
import type { AddressInfo, Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import type { TlsOptions } from 'node:tls'
import { createServer as createTlsServer } from 'node:tls'
import type { ServerContext } from './connection.ts'
import { serveConnection } from './connection.ts'
import { ServerError } from './errors.ts'
import { CONNECTIONS, IDLE_MS } from './limits.ts'
import type { MaildropAccount, MaildropSource } from './maildrop-source.ts'
import type { Personality } from './personality.ts'

export interface ListenOptions {
  /** Loopback only: passwords may cross in clear text, and nobody else has business here. */
  readonly host: '127.0.0.1' | '::1'
  /** 0 takes a free one. */
  readonly port: number
  readonly maildrops: readonly MaildropAccount[]
  readonly personality: Personality
  /** Implicit TLS (RFC 8314 section 3). Clear text if left out. */
  readonly tls?: TlsOptions
  /** Runs `expire` after `ms` unless the returned function is called before. `setTimeout` unless said. */
  readonly startTimer?: (ms: number, expire: () => void) => () => void
  /** Hears faults behind the protocol: a maildrop that did not open, read or commit, a connection not accepted. */
  readonly onFault: (fault: unknown) => void
}

export interface Pop3Server extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** Stops listening and cuts the connections, none of which enters the update state. Settles when all have ended. */
  close(): Promise<void>
}

/** Starts a server. Throws ServerError SERVER_NOT_LOOPBACK, or what the system says of the port (EADDRINUSE). */
export async function listen(options: ListenOptions): Promise<Pop3Server> {
  if (options.host !== '127.0.0.1' && options.host !== '::1') {
    throw new ServerError(`refusing to listen on ${String(options.host)}: loopback only`)
  }
  const { startTimer = startTimeout } = options
  const context: ServerContext = {
    maildrops: options.maildrops,
    personality: options.personality,
    locked: new Set<MaildropSource>(),
    startIdleTimer: (expire) => startTimer(IDLE_MS, expire),
    onFault: options.onFault,
  }
  const sockets = new Set<Socket>()
  const serving = new Set<Promise<void>>()

  // A client may end its side and still read the replies, as with `printf ... | nc`.
  const server: Server =
    options.tls === undefined
      ? createServer({ allowHalfOpen: true, noDelay: true })
      : createTlsServer({ allowHalfOpen: true, noDelay: true, ...options.tls })
  server.maxConnections = CONNECTIONS
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    const served = serveConnection(socket, context).finally(() => serving.delete(served))
    serving.add(served)
  })

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => {
      server.off('error', reject)
      // Accepting may fail, as for want of descriptors; those who are connected go on.
      server.on('error', options.onFault)
      resolve()
    })
  })
  const close = async (): Promise<void> => {
    const stopped = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    await Promise.all([stopped, ...serving])
  }
  return {
    host: options.host,
    port: (server.address() as AddressInfo).port,
    close,
    [Symbol.asyncDispose]: close,
  }
}

function startTimeout(ms: number, expire: () => void): () => void {
  const timer = setTimeout(expire, ms)
  return () => clearTimeout(timer)
}
