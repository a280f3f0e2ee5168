import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { SocksClient } from 'socks'
import { NetworkError } from './errors.ts'
import { authority, type Destination, type ProxyServer, proxyName } from './proxy.ts'

/** Its length crosses the wire in one octet (RFC 1928 section 5, RFC 1929 section 2). */
const FIELD_OCTETS = 255

/** The limit that counts is that of the attempt, which destroys the socket; this one only has to come later. */
const LATER_MS = 60 * 60 * 1000

/** SOCKS 5 (RFC 1928), with user and password (RFC 1929) if there are any. As `dial` needs it. */
export async function passSocks(
  socket: Socket,
  proxy: ProxyServer,
  destination: Destination,
): Promise<void> {
  const { host, port, user, secret } = proxy
  for (const field of [destination.host, user, secret]) {
    if (field === undefined || Buffer.byteLength(field) <= FIELD_OCTETS) continue
    const limit = `host, user and password have at most ${FIELD_OCTETS} octets each`
    throw new NetworkError('NET_ARGUMENT', `${proxyName(proxy)}: ${limit}`)
  }
  try {
    await SocksClient.createConnection({
      command: 'connect',
      proxy: { type: 5, host, port, ...(user ? { userId: user, password: secret ?? '' } : {}) },
      destination,
      existing_socket: socket,
      timeout: LATER_MS,
    })
  } catch (error) {
    throw refusal(error, proxy, destination)
  }
  await keepExcess(socket)
}

/**
 * The package hands on what came behind the proxy's reply as an event in the next turn, and then lets the socket flow:
 * both are caught, and put back for whoever reads next.
 */
async function keepExcess(socket: Socket): Promise<void> {
  const excess: Buffer[] = []
  const keep = (octets: Buffer): void => {
    excess.push(octets)
  }
  socket.on('data', keep)
  await nextTurn()
  socket.pause()
  socket.off('data', keep)
  if (excess.length > 0) socket.unshift(Buffer.concat(excess))
}

function refusal(error: unknown, proxy: ProxyServer, destination: Destination): NetworkError {
  const message = error instanceof Error ? error.message : String(error)
  const [code, sentence] = meaningOf(message, authority(destination))
  return new NetworkError(code, `${proxyName(proxy)}: ${sentence}`, error)
}

/** The package tells failures apart by their words only; its reply codes are those of RFC 1928 section 6. */
function meaningOf(
  message: string,
  where: string,
): readonly ['NET_REFUSED' | 'NET_CLOSED', string] {
  if (message.includes('Authentication failed')) {
    return ['NET_REFUSED', 'it refused the user or password for the proxy']
  }
  if (message.includes('no accepted authentication type')) {
    return ['NET_REFUSED', 'it wants another way to log in to it, such as user and password']
  }
  const reason = /rejected connection - (\w+)/.exec(message)?.[1]
  if (reason !== undefined) {
    return ['NET_REFUSED', `it could not connect to ${where} (${REPLIES[reason] ?? reason})`]
  }
  if (message === 'Socket closed') return ['NET_CLOSED', 'it closed the connection']
  if (/^Received invalid Socks5/.test(message)) {
    return ['NET_REFUSED', 'what answers there does not speak SOCKS5']
  }
  return ['NET_CLOSED', `the connection to it failed (${message})`]
}

const REPLIES: Readonly<Record<string, string>> = {
  Failure: 'general failure',
  NotAllowed: 'not allowed by its rules',
  NetworkUnreachable: 'network unreachable',
  HostUnreachable: 'host unreachable',
  ConnectionRefused: 'connection refused',
  TTLExpired: 'TTL expired',
  CommandNotSupported: 'it does not support connecting',
  AddressNotSupported: 'it does not support this kind of address',
}
