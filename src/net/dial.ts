/** Gets a TCP socket to the server, directly or through a proxy. */
import { connect as connectTcp, type LookupFunction, type Socket } from 'node:net'
import { asciiHost } from './certificate-name.ts'
import { NetworkError, networkError } from './errors.ts'
import { authority, type Destination, type ProxyServer, proxyName } from './proxy.ts'

export interface DialOptions extends Destination {
  readonly proxy?: ProxyServer | undefined
  /** Default: that of the system, by `dns.lookup`. With a proxy: of the proxy's own name. */
  readonly lookup?: LookupFunction | undefined
}

/**
 * How long one address of a name may take before the next one is tried, IPv6 and IPv4 in turn. RFC 8305 section 5 says
 * 250, but there the earlier attempts go on; Node gives them up, and a satellite's way is longer than that.
 */
const NEXT_ADDRESS_MS = 1_000

/**
 * The socket does not flow yet; nothing of what the server says is lost. Throws NetworkError (NET_DNS, NET_REFUSED,
 * NET_TIMEOUT, NET_CLOSED, NET_ARGUMENT), one for all addresses; or the signal's reason, which closes the socket.
 */
export async function dial(options: DialOptions, signal: AbortSignal): Promise<Socket> {
  const { proxy, lookup } = options
  const destination = { host: asciiHost(options.host), port: options.port }
  requireHost(destination.host)
  if (!proxy) return dialTcp(destination, { lookup, where: authority(options), signal })
  requireHost(proxy.host)
  const where = proxyName(proxy)
  try {
    const socket = await dialTcp(proxy, { lookup, where, signal })
    await passed(socket, proxy, { destination, signal })
    return socket
  } catch (error) {
    throw isTimeout(error) ? lateProxy(where, error) : error
  }
}

/** A line break in a host would end the line of a CONNECT request; so would a letter whose last octet is one. */
function requireHost(host: string): void {
  if (host !== '' && !/[^\x21-\x7e]|[/@]/.test(host)) return
  throw new NetworkError('NET_ARGUMENT', `${JSON.stringify(host)} is no host name`)
}

interface Attempt {
  readonly lookup: LookupFunction | undefined
  readonly where: string
  readonly signal: AbortSignal
}

function dialTcp({ host, port }: Destination, attempt: Attempt): Promise<Socket> {
  const { lookup, where, signal } = attempt
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const socket = connectTcp({
      host,
      port,
      noDelay: true,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
      ...(lookup ? { lookup } : {}),
    })
    const settle = (act: () => void): void => {
      signal.removeEventListener('abort', abort)
      socket.off('connect', connected)
      socket.off('error', failed)
      act()
    }
    const connected = (): void => settle(() => resolve(socket))
    const failed = (error: Error): void => settle(() => reject(networkError(error, where)))
    const abort = (): void => {
      socket.destroy()
      settle(() => reject(signal.reason))
    }
    signal.addEventListener('abort', abort)
    socket.on('connect', connected)
    socket.on('error', failed)
    // Whoever has the socket listens too; an error while nobody has it must not end the process.
    socket.on('error', () => {})
  })
}

async function passed(
  socket: Socket,
  proxy: ProxyServer,
  { destination, signal }: { readonly destination: Destination; readonly signal: AbortSignal },
): Promise<void> {
  const abort = (): void => {
    socket.destroy()
  }
  signal.addEventListener('abort', abort)
  try {
    if (signal.aborted) abort()
    await passProxy(socket, proxy, destination)
    signal.throwIfAborted()
  } catch (error) {
    socket.destroy()
    throw signal.aborted ? signal.reason : error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/**
 * Asks a proxy, connected on `socket`, for a connection to the destination. Settles with the socket paused; what the
 * server has said already is the next that it reads. Throws NetworkError whose message names the proxy. Ends early if
 * the socket is destroyed.
 */
async function passProxy(
  socket: Socket,
  proxy: ProxyServer,
  destination: Destination,
): Promise<void> {
  if (proxy.type === 'socks5') {
    const { passSocks } = await import('./socks-proxy.ts')
    return passSocks(socket, proxy, destination)
  }
  const { passHttp } = await import('./http-proxy.ts')
  return passHttp(socket, proxy, destination)
}

function isTimeout(error: unknown): boolean {
  return error instanceof NetworkError && error.code === 'NET_TIMEOUT'
}

function lateProxy(where: string, cause: unknown): NetworkError {
  return new NetworkError(
    'NET_TIMEOUT',
    `${where}: it did not connect to the server in time`,
    cause,
  )
}
