import { Deadline } from '../net/deadline.ts'
import { NetworkError } from '../net/errors.ts'
import { ArgumentError, Pop3Error } from '../pop3/errors.ts'
import { octetsOf, readableText } from '../pop3/octets.ts'
import type { ProtocolEvent } from '../pop3/protocol.ts'
import { isTypedAuth, typedKeyword, typedSecret, typedShape } from '../pop3/typed.ts'
import type { Timeouts } from './timeouts.ts'
import type { StatusEvent, Wire } from './wire.ts'

/** What the server said: an event of the protocol, or octets that no command asked for, as text. */
export type Heard =
  | Exclude<ProtocolEvent, { type: 'rows' }>
  | { readonly type: 'unasked'; readonly line: string }

/** Hears all that comes, in order. The next octets are not read before its promise settles. Untrusted octets. */
export type Listener = (heard: Heard) => Promise<void>

/** The longest wait that a timer can have: while a person thinks, only the server ends the session. */
const PATIENCE_MS = 2 ** 31 - 1

/**
 * How long lines may keep us waiting behind +OK to a command whose reply we do not know. Lines that come later are
 * still heard in order; they only no longer hold back the next command.
 */
const OPEN_REPLY_MS = 500

/** A session whose commands a person types. Replies are handed on as they come; one command at a time. */
export class SessionByHand {
  readonly #wire: Wire
  readonly #timeouts: Timeouts
  readonly #listener: Listener
  readonly #deadline = new Deadline(() => this.#waitedEnough())
  #waiting: Waiting | undefined
  #isChallenged = false
  /** The reply so far may be all of it. */
  #isOpen = false
  /** QUIT was sent: the server may close without any fault. */
  #isLeaving = false
  #isOver = false
  #lastLine: string | undefined

  constructor(wire: Wire, timeouts: Timeouts, listener: Listener) {
    this.#wire = wire
    this.#timeouts = timeouts
    this.#listener = listener
  }

  /** The server waits for an answer to its SASL challenge, or for `*`, and for no command. */
  get isChallenged(): boolean {
    return this.#isChallenged
  }

  /** Nothing can be typed any more: QUIT was answered, or `close` called. */
  get isOver(): boolean {
    return this.#isOver
  }

  /**
   * Hears the server until the session is over. To be called once, before the first `type`. Resolves behind the reply
   * to QUIT. Throws what else ends it: NetworkError, ProtocolError, or SessionError where the server says why.
   */
  async listen(): Promise<void> {
    try {
      await this.#hearAll()
      this.#wire.close()
    } catch (error) {
      this.#wire.close(error)
      this.#waiting?.reject(error)
      throw error
    } finally {
      this.#deadline.clear()
    }
  }

  /**
   * Sends a line and waits until its reply, or the next challenge, was heard whole. Secret words go out over protected
   * connections only, and are masked where the server repeats them.
   *
   * Throws ArgumentError (POP3_ARGUMENT) for a line that cannot be sent, whereupon the session goes on; else what ended
   * the session.
   */
  async type(line: string): Promise<void> {
    if (this.#isChallenged) this.#answer(line)
    else this.#command(line)
    this.#deadline.arm(replyTimeout(line, this.#timeouts))
    this.#waiting = waiting()
    await this.#waiting.promise
  }

  /** Ends the session without a word, if it is not over. */
  close(): void {
    this.#isOver = true
    this.#wire.close()
  }

  #answer(line: string): void {
    for (const secret of secretsOfAnswer(line)) this.#wire.conceal(secret)
    this.#wire.answer(line)
    this.#isChallenged = false
  }

  #command(line: string): void {
    if (typedKeyword(line) === 'STLS') {
      throw new ArgumentError(
        'TLS cannot begin within a session by hand: start it with --tls stls, or as pop://',
      )
    }
    const secret = typedSecret(line)
    if (secret !== undefined) {
      for (const words of isTypedAuth(line) ? secretsOfAnswer(secret) : [secret]) {
        this.#wire.conceal(words)
      }
    }
    this.#wire.send([{ keyword: 'TYPED', line }])
    this.#isOpen = false
    this.#isLeaving = typedKeyword(line) === 'QUIT'
  }

  async #hearAll(): Promise<void> {
    for (;;) {
      const event = await this.#next()
      if (event) await this.#hear(event)
      if (this.#isOver) return
    }
  }

  /** An event that is there already, else waits for octets. */
  async #next(): Promise<ProtocolEvent | undefined> {
    try {
      const event = this.#wire.next()
      if (!event) {
        await this.#wire.more(PATIENCE_MS)
        // What comes next may follow as late as any other part of the reply.
        if (this.#waiting) this.#deadline.arm(this.#partTimeout())
      }
      return event
    } catch (error) {
      if (await this.#isGoodbye(error)) this.#isOver = true
      else throw error
      return undefined
    }
  }

  async #hear(event: ProtocolEvent): Promise<void> {
    if ('line' in event && typeof event.line === 'string') this.#lastLine = event.line
    // The listener may be slower than the server: its time is not the server's.
    this.#deadline.disarm()
    // What a person types is a command of its own, listings too: they come line by line.
    if (event.type !== 'rows') await this.#listener(event)
    if (event.type === 'continuation') this.#isChallenged = true
    if (event.type === 'status') this.#status(event)
    if (this.#isOver || this.#isChallenged || this.#wire.outstanding === 0) this.#replied()
    else this.#deadline.arm(this.#partTimeout())
  }

  #status({ ok, command }: StatusEvent): void {
    const line = command.keyword === 'TYPED' ? command.line : ''
    this.#isOver = ok && typedKeyword(line) === 'QUIT'
    this.#isOpen = ok && typedShape(line) === 'open'
  }

  #partTimeout(): number {
    return this.#isOpen ? OPEN_REPLY_MS : this.#timeouts.data
  }

  #replied(): void {
    this.#deadline.disarm()
    this.#waiting?.resolve()
    this.#waiting = undefined
  }

  #waitedEnough(): void {
    if (this.#isOpen) this.#replied()
    else this.#wire.close(new NetworkError('NET_TIMEOUT', 'the server did not answer in time'))
  }

  /** Hands on what the server's last words were, and tells whether they end the session in good form. */
  async #isGoodbye(error: unknown): Promise<boolean> {
    if (!(error instanceof Error)) return false
    const line = error instanceof Pop3Error ? error.serverText : undefined
    if (line !== undefined && line !== this.#lastLine) {
      await this.#listener({ type: 'unasked', line })
    }
    const isEnd = 'code' in error && ['NET_CLOSED', 'POP3_TEMPORARY'].includes(String(error.code))
    return isEnd && this.#isLeaving && this.#wire.outstanding === 0
  }
}

/** Whoever typed, until the reply is whole. */
interface Waiting {
  readonly promise: Promise<void>
  resolve(): void
  reject(reason: unknown): void
}

function waiting(): Waiting {
  let resolve = (): void => {}
  let reject: (reason: unknown) => void = () => {}
  const promise = new Promise<void>((onResolved, onRejected) => {
    resolve = onResolved
    reject = onRejected
  })
  return { promise, resolve, reject }
}

function replyTimeout(line: string, timeouts: Timeouts): number {
  switch (typedKeyword(line)) {
    case 'STAT':
    case 'LIST':
    case 'UIDL':
      return timeouts.listing
    case 'RETR':
    case 'TOP':
      return timeouts.retrieve
    case 'QUIT':
      return timeouts.update
    case 'NOOP':
    case 'CAPA':
    case 'DELE':
    case 'RSET':
      return timeouts.command
    default:
      // Logins, their answers, and commands of which we know nothing.
      return timeouts.login
  }
}

/** An answer in base64, and what is the secret in it: the last field of PLAIN, all of LOGIN's, the token of OAuth. */
function secretsOfAnswer(answer: string): readonly string[] {
  try {
    const decoded = readableText(octetsOf(atob(answer.trim())))
    const token = /auth=Bearer ([^\x01]+)/.exec(decoded)?.[1]
    return [answer, token ?? decoded.split('\0').at(-1) ?? '']
  } catch {
    // No base64: the server will refuse it, and may say it back.
    return [answer]
  }
}
