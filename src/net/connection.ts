import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import type { TlsFacts } from './certificate.ts'
import { type ChannelBinding, channelBindingOf } from './channel-binding.ts'
import { Deadline } from './deadline.ts'
import { NetworkError, networkError } from './errors.ts'
import { beginHandshake, type Secured } from './handshake.ts'
import type { Trust } from './trust.ts'

/** Chunks held for a reader that is busy. Behind them the socket is paused; a chunk has at most 64 KiB. */
const HELD_CHUNKS = 16

interface Waiting {
  readonly timeoutMs: number | undefined
  resolve(chunk: Uint8Array | undefined): void
  reject(reason: unknown): void
}

/** Who is at the other end of the TCP connection, and what TLS showed of them. */
export interface Peer {
  /** Of the proxy, if there is one. */
  readonly address: string
  readonly port: number
  readonly proxied: boolean
  readonly tls: TlsFacts | undefined
}

/** What `inspectTls` saw. */
export interface TlsInspection {
  readonly peer: Peer
  /** Why a connection would not be trusted, as `connect` would say it; undefined: it would be. */
  readonly problem: NetworkError | undefined
}

export interface ConnectionFacts {
  /** Names the server in errors. */
  readonly where: string
  readonly proxied: boolean
  /** Undefined: clear text, because the owner said so. */
  readonly trust: Trust | undefined
  readonly isStls: boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * A socket to pull octets from. Nothing is read ahead beyond a few chunks; reading never waits for writing. The first
 * reason to close wins, and every later call fails with it.
 */
export class Connection {
  #socket: Socket
  readonly #facts: ConnectionFacts
  readonly #peer: Omit<Peer, 'tls'>
  readonly #deadline = new Deadline(() => this.#timedOut())
  readonly #held: Uint8Array[] = []
  readonly #releaseSignal: () => void
  #stopListening: () => void = () => {}
  #waiting: Waiting | undefined
  #handshake: 'none' | 'running' | 'done' = 'none'
  #secured: Secured | undefined
  /** When the attempt to connect must be over, by the clock of `performance`. */
  #attemptDue = Number.POSITIVE_INFINITY
  #ended = false
  #failure: unknown

  /** Takes over a connected socket. With implicit TLS nothing is read before `startTls`. */
  constructor(socket: Socket, facts: ConnectionFacts) {
    const { signal, trust, isStls, proxied } = facts
    this.#socket = socket
    this.#facts = facts
    const { remoteAddress = '', remotePort = 0 } = socket
    this.#peer = { address: remoteAddress, port: remotePort, proxied }
    const abort = (): void => this.close(signal?.reason ?? new Error('aborted'))
    signal?.addEventListener('abort', abort)
    this.#releaseSignal = () => signal?.removeEventListener('abort', abort)
    if (!trust || isStls) this.#listen()
  }

  /** Whether a secret may be written: TLS with a verified certificate or pin, or clear text because the owner said so. */
  get isTrusted(): boolean {
    if (this.#failure !== undefined) return false
    return this.#facts.trust === undefined || this.isEncrypted
  }

  /** Whether TLS is on. */
  get isEncrypted(): boolean {
    return this.#handshake === 'done'
  }

  get peer(): Peer {
    return { ...this.#peer, tls: this.#secured?.facts }
  }

  /** The reason why it is closed, as later calls will throw it; undefined while it is open or ended in good form. */
  get failure(): unknown {
    return this.#failure
  }

  /**
   * For SCRAM-...-PLUS: tls-exporter with TLS 1.3, tls-server-end-point with TLS 1.2; undefined without TLS, and where
   * the certificate has no hash for it.
   */
  channelBinding(): ChannelBinding | undefined {
    const socket = this.#socket
    if (!this.isTrusted || !(socket instanceof TLSSocket)) return undefined
    return channelBindingOf(socket, this.#secured?.certificate)
  }

  /**
   * Turns TLS on, once; with implicit TLS `connect` has done so. After STLS, call it when the reply has been taken: all
   * octets that came behind that are in clear text, from the server or from anybody, and end the connection (NO STARTTLS,
   * USENIX Security 2021; CVE-2021-22947 of curl). Throws NetworkError (NET_TLS, NET_NO_TLS, NET_CLOSED, NET_TIMEOUT by
   * the deadline of the attempt), or the signal's reason; then it is closed. Afterwards `isTrusted`.
   */
  async startTls(): Promise<void> {
    this.#secured = await this.#secure('verify')
    this.#listen()
  }

  /**
   * Instead of `startTls`: shows what the server has, whatever its certificate, and closes. Nothing is sent but the
   * handshake, and nothing can be read or written after it. Throws as `startTls`, but not for the certificate's sake.
   */
  async inspectTls(): Promise<TlsInspection> {
    const { facts, problem } = await this.#secure('inspect')
    this.close(new NetworkError('NET_CLOSED', `${this.#facts.where}: closed after a look`))
    return { peer: { ...this.#peer, tls: facts }, problem }
  }

  /** Hands octets to the kernel; never waits. What cannot be sent shows at the next read. */
  write(octets: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#handshake === 'running') throw new Error('nothing may be written during a handshake')
    this.#socket.write(octets)
  }

  /** The next chunk if it is there already. */
  take(): Uint8Array | undefined {
    const chunk = this.#held.shift()
    if (chunk && this.#held.length === 0 && this.#socket.isPaused()) this.#socket.resume()
    return chunk
  }

  /**
   * Waits for the next chunk; undefined once the other side has ended. `timeoutMs` bounds this wait; without it the
   * deadline of the attempt to connect stays in force. Throws NetworkError, or the reason given to `close`.
   */
  read(timeoutMs?: number): Promise<Uint8Array | undefined> {
    const chunk = this.take()
    if (chunk) return Promise.resolve(chunk)
    if (this.#failure !== undefined) return Promise.reject(asError(this.#failure))
    if (this.#ended) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      this.#waiting = { timeoutMs, resolve, reject }
      if (timeoutMs !== undefined) this.#deadline.arm(Math.min(timeoutMs, this.#attemptLeft()))
    })
  }

  /**
   * One deadline for everything up to the first `read` that brings its own. Before STLS has led to TLS it bounds also
   * those, and the handshake.
   */
  limitAttempt(timeoutMs: number): void {
    this.#attemptDue = performance.now() + timeoutMs
    this.#deadline.arm(timeoutMs)
  }

  /**
   * Without a reason: sends what is written, then ends in good form. With one: at once, and reads that wait fail with
   * it. Safe to call twice.
   */
  close(reason?: unknown): void {
    this.#deadline.clear()
    this.#releaseSignal()
    if (reason === undefined && this.#handshake !== 'running') {
      this.#failure ??= this.#closedHere()
      this.#wakeWithFailure()
      this.#socket.resume()
      this.#socket.destroySoon()
    } else {
      this.#held.length = 0
      this.#fail(reason ?? this.#closedHere())
    }
  }

  async #secure(purpose: 'verify' | 'inspect'): Promise<Secured> {
    const { trust, where, isStls } = this.#facts
    if (!trust || this.#handshake !== 'none' || this.#waiting) {
      throw new Error('TLS begins once, on a connection that is meant for it, while nobody reads')
    }
    this.#handshake = 'running'
    if (isStls) await this.#expectSilence()
    if (this.#failure !== undefined) throw this.#failure
    this.#stopListening()
    const options = { trust, where, purpose, isAfterStls: isStls }
    const { socket, secured } = beginHandshake(this.#socket, options)
    this.#socket = socket
    try {
      const result = await secured
      if (this.#failure === undefined) {
        this.#handshake = 'done'
        return result
      }
    } catch (error) {
      this.close(error)
    }
    throw this.#failure
  }

  /** Lets everything come in that has arrived at this machine, and ends the connection if that is anything. */
  async #expectSilence(): Promise<void> {
    // Sockets are read between two turns.
    await nextTurn()
    await nextTurn()
    if (this.#held.length > 0 || this.#socket.readableLength > 0) {
      const { where } = this.#facts
      const sentence = 'octets came behind the reply to STLS; somebody may be tampering with it'
      this.close(new NetworkError('NET_TLS', `${where}: ${sentence}`))
    } else if (this.#ended) {
      const sentence = 'the server closed the connection before TLS began'
      this.close(new NetworkError('NET_CLOSED', `${this.#facts.where}: ${sentence}`))
    }
  }

  #listen(): void {
    const socket = this.#socket
    const received = (chunk: Uint8Array): void => this.#received(chunk)
    const ended = (): void => this.#end()
    const failed = (error: Error): void => this.#fail(networkError(error, this.#facts.where))
    const closed = (): void => {
      this.#deadline.clear()
      this.#releaseSignal()
      this.#end()
    }
    socket.on('data', received).on('end', ended).on('close', closed).on('error', failed)
    this.#stopListening = () => {
      socket.pause()
      socket.off('data', received).off('end', ended).off('close', closed).off('error', failed)
    }
    // It may have failed since it was open, while nobody listened.
    if (socket.errored) failed(socket.errored)
    else if (socket.destroyed) closed()
    else socket.resume()
  }

  #received(chunk: Uint8Array): void {
    const waiting = this.#settle()
    if (waiting) {
      waiting.resolve(chunk)
    } else if (this.#failure === undefined) {
      this.#held.push(chunk)
      if (this.#held.length >= HELD_CHUNKS) this.#socket.pause()
    }
  }

  #end(): void {
    this.#ended = true
    this.#settle()?.resolve(undefined)
  }

  #fail(reason: unknown): void {
    this.#failure ??= reason
    this.#wakeWithFailure()
    this.#socket.destroy()
  }

  #wakeWithFailure(): void {
    this.#settle()?.reject(this.#failure)
  }

  #settle(): Waiting | undefined {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting?.timeoutMs === undefined) return waiting
    const left = this.#attemptLeft()
    if (left === Number.POSITIVE_INFINITY) this.#deadline.disarm()
    else this.#deadline.arm(left)
    return waiting
  }

  /** How long the attempt may still take where it bounds every read; it ends with the first read of a protected one. */
  #attemptLeft(): number {
    const isOver = !this.#facts.isStls || this.isEncrypted
    return isOver ? Number.POSITIVE_INFINITY : Math.max(0, this.#attemptDue - performance.now())
  }

  #timedOut(): void {
    const { where } = this.#facts
    this.#fail(new NetworkError('NET_TIMEOUT', `${where}: the server did not answer in time`))
  }

  #closedHere(): NetworkError {
    return new NetworkError('NET_CLOSED', `${this.#facts.where}: closed by popkeep`)
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
