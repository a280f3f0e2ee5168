/**
 * A TCP server for tests that says exactly what its script says, and records what it hears.
 *
 *     await using server = await scriptedServer([
 *       send('+OK ready\r\n'), expectLine(/^CAPA$/), chunk(1), send('-ERR no\r\n'), closed(),
 *     ])
 *
 * The nth connection plays the nth script; further connections play the last one. A script is a list of steps or an
 * async function; both see the same `ScriptedConnection`. It listens on 127.0.0.1 and a free port, and ends only the
 * sockets that it accepted.
 */
import type { AddressInfo, Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { TLSSocketOptions, TlsOptions } from 'node:tls'
import { createServer as createTlsServer, TLSSocket } from 'node:tls'

/** One act of a script. */
export type Step = (connection: ScriptedConnection) => Promise<void> | void

export type Script = readonly Step[] | ((connection: ScriptedConnection) => Promise<void>)

export interface ScriptedServer extends AsyncDisposable {
  readonly port: number
  readonly host: '127.0.0.1'
  /** In the order in which they were accepted. */
  readonly connections: readonly ScriptedConnection[]
  /** Settles when every script begun so far has ended; rejects with the first failure (an expectation not met). */
  played(): Promise<void>
  /** Destroys the sockets and stops listening. A script that still waits ends quietly; failures stay with `played`. */
  close(): Promise<void>
}

/** Starts a server in clear text. */
export function scriptedServer(
  ...scripts: readonly [Script, ...Script[]]
): Promise<ScriptedServer> {
  return listen(createServer({ noDelay: true }), 'connection', scripts)
}

/** The same behind implicit TLS: the first step runs after the handshake. */
export function scriptedTlsServer(
  tls: TlsOptions,
  ...scripts: readonly [Script, ...Script[]]
): Promise<ScriptedServer> {
  return listen(createTlsServer({ noDelay: true, ...tls }), 'secureConnection', scripts)
}

/** Writes octets; a string is taken as latin1, one octet for each UTF-16 unit. */
export const send =
  (octets: string | Uint8Array): Step =>
  (connection) =>
    connection.send(octets)

/** Waits for exactly these octets next. */
export const expectOctets =
  (octets: string | Uint8Array): Step =>
  (connection) =>
    connection.expectOctets(octets)

/** Waits for a whole line; its text without the line end must match. */
export const expectLine =
  (line: string | RegExp): Step =>
  async (connection) => {
    await connection.expectLine(line)
  }

/** From here on each send is cut into pieces of n octets, each flushed alone. 0 sends whole again. */
export const chunk =
  (octets: number): Step =>
  (connection) =>
    connection.chunk(octets)

/** Ends the connection by RST. */
export const reset = (): Step => (connection) => connection.reset()

/** The server's side of a TLS handshake on this connection, as behind STLS; further steps speak through it. */
export const startTls =
  (tls: TLSSocketOptions): Step =>
  (connection) =>
    connection.startTls(tls)

/** Half-closes: FIN after what was sent. */
export const fin = (): Step => (connection) => connection.fin()

/** Stops taking octets from the socket, so that the peer's writes come to a stand. */
export const stopReading = (): Step => (connection) => connection.stopReading()

/** Waits until told: for the promise, such as the `opened` of a gate. */
export const hold =
  (until: Promise<unknown>): Step =>
  async () => {
    await until
  }

/** Waits until the peer has ended or reset its side. */
export const closed = (): Step => (connection) => connection.closed()

/** Plays steps one after another, inside a script written as a function. */
export async function play(connection: ScriptedConnection, steps: readonly Step[]): Promise<void> {
  for (const step of steps) await step(connection)
}

export interface Gate {
  readonly opened: Promise<void>
  open(): void
}

/** Something to `hold` on until the test opens it. */
export function gate(): Gate {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}

const LF = 0x0a

/** One accepted connection, as a script sees it. */
export class ScriptedConnection {
  /** 0 for the first connection accepted. */
  readonly index: number
  #socket: Socket
  readonly #heard: Buffer[] = []
  #unread: Buffer = Buffer.alloc(0)
  #pieceOctets = 0
  #ended = false
  #wake: (() => void) | undefined

  constructor(index: number, socket: Socket) {
    this.index = index
    this.#socket = socket
    socket.on('data', this.#take)
    const end = (): void => {
      this.#ended = true
      this.#wake?.()
    }
    socket.on('end', end)
    socket.on('close', end)
    // A reset by the peer is one of the things under test; it shows as the end of the connection.
    socket.on('error', end)
  }

  readonly #take = (octets: Buffer): void => {
    this.#heard.push(octets)
    this.#unread = Buffer.concat([this.#unread, octets])
    this.#wake?.()
  }

  /** The peer has ended or reset its side. */
  get isEnded(): boolean {
    return this.#ended
  }

  /** All octets that came on this connection, from its beginning; behind `startTls` what was said through TLS. */
  get received(): Buffer {
    return Buffer.concat(this.#heard)
  }

  /** The same as text, one UTF-16 unit for each octet. */
  get receivedText(): string {
    return this.received.toString('latin1')
  }

  /** Settles when the octets are handed to the kernel, or when the connection is gone. */
  async send(octets: string | Uint8Array): Promise<void> {
    const whole = typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets
    const step = this.#pieceOctets === 0 ? whole.length : this.#pieceOctets
    for (let at = 0; at < whole.length; at += step) {
      const piece = whole.subarray(at, at + step)
      if (this.#socket.destroyed) return
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.#socket.off('close', done)
          resolve()
        }
        // A write that waits for a peer who never reads ends with the socket.
        this.#socket.once('close', done)
        this.#socket.write(piece, done)
      })
      // Lets a peer in this process read the piece before the next one joins it.
      if (this.#pieceOctets !== 0) await nextTurn()
    }
  }

  async expectOctets(octets: string | Uint8Array): Promise<void> {
    const wanted = typeof octets === 'string' ? Buffer.from(octets, 'latin1') : Buffer.from(octets)
    while (this.#unread.length < wanted.length) {
      if (this.#ended) {
        throw new Error(`connection closed before ${show(wanted)}; unread ${show(this.#unread)}`)
      }
      await this.#next()
    }
    const came = this.#unread.subarray(0, wanted.length)
    if (!came.equals(wanted)) throw new Error(`expected ${show(wanted)}, received ${show(came)}`)
    this.#unread = this.#unread.subarray(wanted.length)
  }

  /** Returns the line without its end. */
  async expectLine(line: string | RegExp): Promise<string> {
    const wanted = typeof line === 'string' ? JSON.stringify(line) : String(line)
    const came = await this.nextLine()
    if (came === undefined) {
      throw new Error(`connection closed before a line ${wanted}; unread ${show(this.#unread)}`)
    }
    const matches = typeof line === 'string' ? came === line : line.test(came)
    if (!matches) throw new Error(`expected a line ${wanted}, received ${JSON.stringify(came)}`)
    return came
  }

  /** The next line whatever it is, without its end; undefined when the peer has ended without one. */
  async nextLine(): Promise<string | undefined> {
    while (!this.#unread.includes(LF)) {
      if (this.#ended) return undefined
      await this.#next()
    }
    const end = this.#unread.indexOf(LF)
    const line = this.#unread.subarray(0, end).toString('latin1').replace(/\r$/, '')
    this.#unread = this.#unread.subarray(end + 1)
    return line
  }

  /** Rejects if the client does not go through with the handshake. */
  startTls(options: TLSSocketOptions): Promise<void> {
    const clear = this.#socket
    clear.off('data', this.#take)
    const socket = new TLSSocket(clear, { isServer: true, ...options })
    this.#socket = socket
    socket.on('data', this.#take)
    return new Promise((resolve, reject) => {
      socket.once('secure', resolve)
      socket.on('error', reject)
      socket.once('close', () => reject(new Error('closed during the handshake')))
    })
  }

  chunk(octets: number): void {
    this.#pieceOctets = octets
  }

  stopReading(): void {
    this.#socket.pause()
  }

  /** Takes octets again. */
  readOn(): void {
    this.#socket.resume()
  }

  /** Forgets what came and was not read, and says how many octets that was. */
  dropUnread(): number {
    const { length } = this.#unread
    this.#unread = Buffer.alloc(0)
    return length
  }

  /** What `tls-exporter` binds to (RFC 9266). */
  keyingMaterial(): Uint8Array {
    if (!(this.#socket instanceof TLSSocket)) throw new Error('the connection has no TLS')
    return this.#socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
  }

  /** RST; behind TLS, where Node has no reset, a close without close_notify. */
  reset(): void {
    if (this.#socket instanceof TLSSocket) this.#socket.destroy()
    else this.#socket.resetAndDestroy()
  }

  fin(): void {
    this.#socket.end()
  }

  async closed(): Promise<void> {
    while (!this.#ended) await this.#next()
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
    })
  }
}

async function listen(
  server: Server,
  event: 'connection' | 'secureConnection',
  scripts: readonly [Script, ...Script[]],
): Promise<ScriptedServer> {
  const connections: ScriptedConnection[] = []
  const sockets = new Set<Socket>()
  const scriptEnds: Promise<void>[] = []
  let closing = false

  // Raw sockets are tracked as well, so that close() also ends a handshake that never finishes.
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => sockets.delete(socket))
  })
  server.on(event, (socket: Socket) => {
    const connection = new ScriptedConnection(connections.length, socket)
    const script = scripts[Math.min(connection.index, scripts.length - 1)] ?? scripts[0]
    connections.push(connection)
    const run = typeof script === 'function' ? script(connection) : play(connection, script)
    const ended = run.catch((error: unknown) => {
      if (closing) return
      connection.reset()
      throw new Error(`scripted server, connection ${connection.index + 1}`, { cause: error })
    })
    // The failure is reported by played(); until it is asked for, it must not end the test process.
    ended.catch(() => {})
    scriptEnds.push(ended)
  })

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const close = async (): Promise<void> => {
    if (closing) return
    closing = true
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    connections,
    async played() {
      await Promise.all(scriptEnds)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function show(octets: Uint8Array): string {
  const text = Buffer.from(octets.subarray(0, 200)).toString('latin1')
  return JSON.stringify(text) + (octets.length > 200 ? ` (${octets.length} octets)` : '')
}
