import type { Socket } from 'node:net'
import { NetworkError } from './errors.ts'
import { authority, type Destination, type ProxyServer, proxyName } from './proxy.ts'

/** Of the reply's status line and header fields; proxies send some hundred octets. */
const HEAD_OCTETS = 16 * 1024

const HEAD_END = '\r\n\r\n'

/** HTTP CONNECT (RFC 9110 section 9.3.6), with Basic credentials if there are any. As `dial` needs it. */
export async function passHttp(
  socket: Socket,
  proxy: ProxyServer,
  destination: Destination,
): Promise<void> {
  socket.write(request(proxy, destination), 'latin1')
  const head = await replyHead(socket, proxy)
  const status = /^HTTP\/1\.[01] (\d{3})(?: |\r\n)/.exec(head)?.[1]
  if (status?.startsWith('2')) return
  throw new NetworkError('NET_REFUSED', `${proxyName(proxy)}: ${meaningOf(status, destination)}`)
}

function request(proxy: ProxyServer, destination: Destination): string {
  const where = authority(destination)
  const { user, secret = '' } = proxy
  const lines = [`CONNECT ${where} HTTP/1.1`, `Host: ${where}`]
  if (user !== undefined) {
    const credentials = Buffer.from(`${user}:${secret}`).toString('base64')
    lines.push(`Proxy-Authorization: Basic ${credentials}`)
  }
  return `${lines.join('\r\n')}${HEAD_END}`
}

/** The status line and header fields. What came behind them is the server's, and stays to be read. */
function replyHead(socket: Socket, proxy: ProxyServer): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0)
    const settle = (act: () => void): void => {
      socket.pause()
      socket.off('data', take)
      socket.off('end', closed)
      socket.off('close', closed)
      act()
    }
    const fail = (code: 'NET_REFUSED' | 'NET_CLOSED', sentence: string): void =>
      settle(() => reject(new NetworkError(code, `${proxyName(proxy)}: ${sentence}`)))
    const closed = (): void => fail('NET_CLOSED', 'it closed the connection')
    const take = (octets: Buffer): void => {
      // At most 16 KiB and one chunk are copied again and again.
      received = Buffer.concat([received, octets])
      const end = received.indexOf(HEAD_END)
      if (end > HEAD_OCTETS || (end === -1 && received.length > HEAD_OCTETS)) {
        fail('NET_REFUSED', `its reply is longer than ${HEAD_OCTETS} octets`)
      } else if (end !== -1) {
        const rest = received.subarray(end + HEAD_END.length)
        settle(() => {
          if (rest.length > 0) socket.unshift(rest)
          resolve(received.toString('latin1', 0, end + HEAD_END.length))
        })
      }
    }
    socket.on('data', take)
    socket.on('end', closed)
    socket.on('close', closed)
    socket.resume()
  })
}

function meaningOf(status: string | undefined, destination: Destination): string {
  const where = authority(destination)
  if (status === undefined) return 'what answers there is no HTTP proxy'
  if (status === '407') return 'it wants a user and password for the proxy, or refused them (407)'
  if (status === '403' || status === '405') return `it does not allow ${where} (${status})`
  return `it could not connect to ${where} (${status})`
}
