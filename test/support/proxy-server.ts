/**
 * Tiny proxies for tests: SOCKS 5 (RFC 1928, RFC 1929) and HTTP CONNECT. They connect whatever they are asked for to
 * the one destination that the test gives, and record what they were asked.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface ProxyServer extends AsyncDisposable {
  readonly host: '127.0.0.1'
  readonly port: number
  /** As `host:port`, as the client wrote them. */
  readonly asked: readonly string[]
  /** As `user:password`, for each connection that gave them. */
  readonly credentials: readonly string[]
  /** All octets that clients sent, by connection. */
  readonly heard: readonly Buffer[][]
}

export interface ProxyBehaviour {
  /** The port on 127.0.0.1 to which every wish leads. */
  readonly destination: number
  /** `user:password` that it wants; undefined: none. */
  readonly wants?: string | undefined
  /** Says this instead of what it should; SOCKS: the reply to the request, HTTP: the whole head. */
  readonly reply?: string | undefined
  /** Goes behind the reply in the same write, as if the server had been that quick. */
  readonly excess?: string | undefined
  /** Says nothing more after it accepted, or after its reply, and does not close either. */
  readonly hangsAfter?: 'accepting' | 'reply' | undefined
}

export function socksProxy(behaviour: ProxyBehaviour): Promise<ProxyServer> {
  return listen(behaviour, socks)
}

export function httpProxy(behaviour: ProxyBehaviour): Promise<ProxyServer> {
  return listen(behaviour, http)
}

interface Client {
  readonly socket: Socket
  readonly asked: string[]
  readonly credentials: string[]
  /** The next octets, as many as are asked for. */
  octets(count: number): Promise<Buffer>
  /** Octets up to and with these. */
  upTo(end: string): Promise<Buffer>
}

const SOCKS_GRANTED = '\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00'

async function socks(client: Client, behaviour: ProxyBehaviour): Promise<boolean> {
  const { socket } = client
  const [, count = 0] = await client.octets(2)
  const methods = await client.octets(count)
  const method = behaviour.wants === undefined ? 0 : 2
  if (!methods.includes(method)) {
    socket.end('\x05\xff', 'latin1')
    return false
  }
  socket.write(Buffer.from([5, method]))
  if (behaviour.wants !== undefined) {
    await client.octets(1)
    const user = await field(client)
    const given = `${user}:${await field(client)}`
    client.credentials.push(given)
    const isRight = given === behaviour.wants
    socket.write(Buffer.from([1, isRight ? 0 : 1]))
    if (!isRight) return false
  }
  const [, , , type] = await client.octets(4)
  const host = type === 3 ? await field(client) : await address(client, type === 1 ? 4 : 16)
  client.asked.push(`${host}:${(await client.octets(2)).readUInt16BE()}`)
  const reply = behaviour.reply ?? SOCKS_GRANTED
  socket.write(reply + (behaviour.excess ?? ''), 'latin1')
  return reply[1] === '\x00'
}

async function field(client: Client): Promise<string> {
  const [length = 0] = await client.octets(1)
  return (await client.octets(length)).toString('utf8')
}

async function address(client: Client, octets: number): Promise<string> {
  return `[${(await client.octets(octets)).toString('hex')}]`
}

async function http(client: Client, behaviour: ProxyBehaviour): Promise<boolean> {
  const head = (await client.upTo('\r\n\r\n')).toString('latin1')
  client.asked.push(/^CONNECT (\S+) HTTP\/1\.1\r\n/.exec(head)?.[1] ?? 'nothing')
  const basic = /\r\nProxy-Authorization: Basic (\S+)\r\n/.exec(head)?.[1]
  const given = basic && Buffer.from(basic, 'base64').toString('utf8')
  if (given) client.credentials.push(given)
  const isWelcome = behaviour.wants === undefined || behaviour.wants === given
  const usual = isWelcome
    ? 'HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n'
    : 'HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n'
  const reply = behaviour.reply ?? usual
  client.socket.write(reply + (behaviour.excess ?? ''), 'latin1')
  return /^HTTP\/1\.\d 2/.test(reply)
}

async function listen(
  behaviour: ProxyBehaviour,
  agree: (client: Client, behaviour: ProxyBehaviour) => Promise<boolean>,
): Promise<ProxyServer> {
  const sockets = new Set<Socket>()
  const asked: string[] = []
  const credentials: string[] = []
  const heard: Buffer[][] = []
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
  }
  const server = createServer((socket) => {
    keep(socket)
    const octets: Buffer[] = []
    heard.push(octets)
    const reader = readerOf(socket, octets)
    if (behaviour.hangsAfter === 'accepting') return
    agree({ socket, asked, credentials, ...reader }, behaviour)
      .then((isAgreed) => {
        if (behaviour.hangsAfter === 'reply') return
        if (!isAgreed) {
          socket.end()
          return
        }
        const onward = connect(behaviour.destination, '127.0.0.1')
        keep(onward)
        onward.on('close', () => socket.destroy())
        socket.on('close', () => onward.destroy())
        reader.pipe(onward)
        onward.pipe(socket)
      })
      .catch(() => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    asked,
    credentials,
    heard,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function readerOf(socket: Socket, heard: Buffer[]) {
  let unread: Buffer = Buffer.alloc(0)
  let wake = (): void => {}
  let isOver = false
  socket.on('data', (chunk: Buffer) => {
    heard.push(chunk)
    unread = Buffer.concat([unread, chunk])
    wake()
  })
  socket.on('close', () => {
    isOver = true
    wake()
  })
  const take = async (wanted: () => number): Promise<Buffer> => {
    for (;;) {
      const count = wanted()
      if (count >= 0 && unread.length >= count) {
        const taken = unread.subarray(0, count)
        unread = unread.subarray(count)
        return taken
      }
      if (isOver) throw new Error('the client has gone')
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return {
    octets: (count: number) => take(() => count),
    upTo: (end: string) =>
      take(() => {
        const at = unread.indexOf(end)
        return at === -1 ? -1 : at + end.length
      }),
    pipe(onward: Socket) {
      onward.write(unread)
      socket.on('data', (chunk: Buffer) => onward.write(chunk))
    },
  }
}
