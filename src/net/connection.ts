import type { Socket } from 'node:net'
import { Deadline } from './deadline.ts'
import { NetworkError, networkError } from './errors.ts'

/** Chunks held for a reader that is busy. Behind them the socket is paused; a chunk has at most 64 KiB. */
const HELD_CHUNKS = 16

interface Waiting {
  readonly timeoutMs: number | undefined
  resolve(chunk: Uint8Array | undefined): void
  reject(reason: unknown): void
}

/**
 * A socket to pull octets from. Nothing is read ahead beyond a few chunks; reading never waits for writing. The first
 * reason to close wins, and every later call fails with it.
 */
export class Connection {
  readonly #socket: Socket
  readonly #where: string
  readonly #isTrusted: () => boolean
  readonly #deadline = new Deadline(() => this.#timedOut())
  readonly #held: Uint8Array[] = []
  readonly #releaseSignal: () => void
  #waiting: Waiting | undefined
  #ended = false
  #failure: unknown

  /** Listens to the socket at once, also while it still connects. `where` names it in errors. */
  constructor(socket: Socket, { where, isTrusted, signal }: ConnectionFacts) {
    this.#socket = socket
    this.#where = where
    this.#isTrusted = isTrusted
    const abort = (): void => this.close(signal?.reason ?? new Error('aborted'))
    signal?.addEventListener('abort', abort)
    this.#releaseSignal = () => signal?.removeEventListener('abort', abort)
    socket.setNoDelay(true)
    socket.on('data', (chunk: Uint8Array) => this.#received(chunk))
    socket.on('end', () => this.#end())
    socket.on('close', () => {
      this.#deadline.clear()
      this.#releaseSignal()
      this.#end()
    })
    socket.on('error', (error) => this.#fail(networkError(error, where)))
  }

  /** Whether a secret may be written: TLS with a verified certificate or pin, or the loopback interface. */
  get isTrusted(): boolean {
    return this.#failure === undefined && this.#isTrusted()
  }

  /** The reason why it is closed, as later calls will throw it; undefined while it is open or ended in good form. */
  get failure(): unknown {
    return this.#failure
  }

  /** Hands octets to the kernel; never waits. What cannot be sent shows at the next read. */
  write(octets: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure
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
      if (timeoutMs !== undefined) this.#deadline.arm(timeoutMs)
    })
  }

  /** One deadline for everything up to the first `read` that brings its own. */
  limitAttempt(timeoutMs: number): void {
    this.#deadline.arm(timeoutMs)
  }

  /**
   * Without a reason: sends what is written, then ends in good form. With one: at once, and reads that wait fail with
   * it. Safe to call twice.
   */
  close(reason?: unknown): void {
    this.#deadline.clear()
    this.#releaseSignal()
    if (reason === undefined) {
      this.#failure ??= new NetworkError('NET_CLOSED', `${this.#where}: closed by popkeep`)
      this.#wakeWithFailure()
      this.#socket.resume()
      this.#socket.destroySoon()
    } else {
      this.#held.length = 0
      this.#fail(reason)
    }
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
    if (waiting?.timeoutMs !== undefined) this.#deadline.disarm()
    return waiting
  }

  #timedOut(): void {
    this.#fail(new NetworkError('NET_TIMEOUT', `${this.#where}: the server did not answer in time`))
  }
}

export interface ConnectionFacts {
  readonly where: string
  readonly isTrusted: () => boolean
  readonly signal?: AbortSignal | undefined
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
