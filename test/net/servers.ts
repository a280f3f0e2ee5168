import { type AddressInfo, createServer, type LookupFunction, type Socket } from 'node:net'
import { TLSSocket, type TLSSocketOptions } from 'node:tls'
import { type ConnectOptions, connect } from '../../src/net/connect.ts'
import type { Connection } from '../../src/net/connection.ts'
import type { NetworkError } from '../../src/net/errors.ts'

/** Every name leads to this machine. */
export const lookupHere: LookupFunction = (_host, { all }, done) => {
  if (all) done(null, [{ address: '127.0.0.1', family: 4 }])
  else done(null, '127.0.0.1', 4)
}

/** To the server as `pop.example.com`. */
export const optionsFor = (port: number, more: Partial<ConnectOptions> = {}): ConnectOptions => ({
  host: 'pop.example.com',
  port,
  tls: 'implicit',
  timeoutMs: 10_000,
  lookup: lookupHere,
  environment: {},
  ...more,
})

/** The error of an attempt that must fail. */
export async function failure(attempt: Promise<unknown>): Promise<NetworkError> {
  try {
    await attempt
  } catch (error) {
    return error as NetworkError
  }
  throw new Error('it did not fail')
}

export const latin1 = (octets: Uint8Array | undefined): string | undefined =>
  octets && Buffer.from(octets).toString('latin1')

/** One accepted connection, before and after it is upgraded to TLS. */
export class RawPeer {
  readonly socket: Socket
  /** What came in clear text, or as TLS records nobody read. */
  readonly heard: Buffer[] = []
  #wake: () => void = () => {}
  #isOver = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', this.#take)
    socket.on('error', () => {})
    socket.on('end', this.#end)
    socket.on('close', this.#end)
  }

  get text(): string {
    return Buffer.concat(this.heard).toString('latin1')
  }

  /** Waits until the octets heard so far, as text, match; fails when the connection ends before. */
  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.text)) {
      if (this.#isOver) throw new Error(`ended before ${pattern}: ${JSON.stringify(this.text)}`)
      await this.#next()
    }
  }

  async ended(): Promise<void> {
    while (!this.#isOver) await this.#next()
  }

  /** The server's side of the handshake; what is heard from now on is what came through TLS. */
  upgrade(options: TLSSocketOptions): Promise<{ readonly peer: RawPeer; readonly tls: TLSSocket }> {
    this.socket.off('data', this.#take)
    const tls = new TLSSocket(this.socket, { isServer: true, ...options })
    const peer = new RawPeer(tls)
    return new Promise((resolve, reject) => {
      tls.once('secure', () => resolve({ peer, tls }))
      tls.once('error', reject)
      tls.once('close', () => reject(new Error('closed during the handshake')))
    })
  }

  readonly #take = (octets: Buffer): void => {
    this.heard.push(octets)
    this.#wake()
  }

  readonly #end = (): void => {
    this.#isOver = true
    this.#wake()
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

export interface RawServer extends AsyncDisposable {
  readonly port: number
  readonly peers: readonly RawPeer[]
  /** Settles when the play for each connection has; rejects as the first that failed. */
  played(): Promise<void>
}

/** A server on 127.0.0.1 and a free port that plays the same to each connection. */
export async function rawServer(play: (peer: RawPeer) => Promise<void>): Promise<RawServer> {
  const peers: RawPeer[] = []
  const plays: Promise<void>[] = []
  const server = createServer((socket) => {
    const peer = new RawPeer(socket)
    peers.push(peer)
    const playing = play(peer)
    playing.catch(() => {})
    plays.push(playing)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    peers,
    async played() {
      await Promise.all(plays)
    },
    async [Symbol.asyncDispose]() {
      for (const { socket } of peers) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A server that answers `STLS`, then does what the test says. */
export function stlsServer(
  reply: string,
  then: (peer: RawPeer) => Promise<void>,
): Promise<RawServer> {
  return rawServer(async (peer) => {
    peer.socket.write('+OK ready\r\n')
    await peer.until(/STLS\r\n$/)
    peer.socket.write(reply, 'latin1')
    await then(peer)
  })
}

/** A client that has read the greeting and exactly `+OK\r\n` in reply to STLS. */
export async function afterStls(
  port: number,
  more: Partial<ConnectOptions> = {},
): Promise<Connection> {
  const connection = await connect(optionsFor(port, { tls: 'stls', ...more }))
  await connection.read()
  connection.write(Buffer.from('STLS\r\n'))
  await connection.read()
  return connection
}
