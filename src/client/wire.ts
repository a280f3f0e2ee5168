import type { Connection } from '../net/connection.ts'
import { NetworkError } from '../net/errors.ts'
import { type Command, holdsSecret, redactCommand } from '../pop3/command.ts'
import { Pop3Error, ProtocolError, SessionError } from '../pop3/errors.ts'
import { concatOctets, octetString } from '../pop3/octets.ts'
import { Protocol, type ProtocolEvent } from '../pop3/protocol.ts'
import { Concealment } from './concealment.ts'
import { MinimumRate } from './minimum-rate.ts'

export type StatusEvent = Extract<ProtocolEvent, { type: 'status' }>

/** Hears each line of the session, `C: ` or `S: ` before it, secrets masked and bodies as counts. Untrusted text. */
export type Trace = (line: string) => void

/** Ms to wait for the status line, and for each chunk behind it. */
interface ResponseTimeouts {
  readonly first: number
  readonly data: number
}

/** A connection that speaks POP3: commands go out, events come in. The only place that writes secrets. */
export class Wire {
  readonly #connection: Connection
  #protocol = new Protocol()
  readonly #trace: Trace | undefined
  readonly #concealment = new Concealment()
  readonly #rate = new MinimumRate()
  readonly #clock: () => number
  #heard = 0
  #roundTripMs: number | undefined
  /** The last event, if it was an -ERR: why the server will have closed. */
  #refusal: StatusEvent | undefined
  #isFaultTraced = false

  /** `clock`: ms, from anywhere; by it the server is measured, and nothing is waited for. */
  constructor(
    connection: Connection,
    trace: Trace | undefined,
    clock: () => number = () => performance.now(),
  ) {
    this.#connection = connection
    this.#clock = clock
    this.#trace = trace && ((line) => trace(this.#concealment.text(line)))
  }

  /** From now on the server's words are handed on without this secret. */
  conceal(secret: string): void {
    this.#concealment.add(secret)
  }

  /** Text of the server without what is concealed. */
  masked(text: string): string {
    return this.#concealment.text(text)
  }

  /** Events so far: whether the server has said anything since. */
  get heard(): number {
    return this.#heard
  }

  /** The shortest time, in ms, that a command sent alone took to be answered in this session; undefined before the first. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs
  }

  /** The clock by which it measures the server, in ms. */
  now(): number {
    return this.#clock()
  }

  get outstanding(): number {
    return this.#protocol.outstanding
  }

  /** A multi-line response has begun and not ended. */
  get isMidResponse(): boolean {
    return this.#protocol.isMidResponse
  }

  /**
   * Writes all commands at once. Throws ProtocolError or SessionError if octets came that no command asked for, and
   * NetworkError (NET_POLICY) if a secret would cross an unprotected connection.
   */
  send(commands: readonly Command[]): void {
    if (this.#protocol.outstanding === 0) this.#expectSilence()
    for (const command of commands) {
      if (holdsSecret(command)) this.#guardSecret()
      this.#trace?.(`C: ${redactCommand(command)}`)
    }
    this.#connection.write(concatOctets(commands.map((command) => this.#protocol.send(command))))
  }

  /**
   * Writes a line in answer to a SASL challenge: base64, nothing, or `*` to cancel. Throws like `send`, and ProtocolError
   * (POP3_OUT_OF_STEP) if no AUTH is under way.
   */
  answer(base64: string): void {
    this.#guardSecret()
    this.#trace?.(base64 === '' || base64 === '*' ? `C: ${base64}` : 'C: ***')
    this.#connection.write(this.#protocol.answer(base64))
  }

  /**
   * The TLS handshake behind the server's +OK to STLS. Nothing that came before is remembered, and octets that came
   * behind the reply end the attempt. Throws ProtocolError (POP3_OUT_OF_STEP) or NetworkError.
   */
  async startTls(): Promise<void> {
    this.#expectSilence()
    await this.#connection.startTls()
    this.#protocol = Protocol.behindTls()
    this.#refusal = undefined
  }

  /** The next event that what was received so far yields; else undefined: then ask for `more`. */
  next(): ProtocolEvent | undefined {
    const event = this.#concealed(() => this.#protocol.next())
    if (event) {
      this.#heard += 1
      this.#refusal = event.type === 'status' && !event.ok ? event : undefined
      if (this.#trace) this.#traceEvent(event, this.#trace)
    }
    return event
  }

  /**
   * Waits for octets, `timeoutMs` at most; undefined: until the deadline of the attempt. Throws NetworkError, or
   * SessionError (POP3_TEMPORARY) if the last that the server said before closing was an -ERR. A multi-line response below
   * the minimum rate is NET_TIMEOUT too.
   */
  async more(timeoutMs?: number): Promise<void> {
    const chunk = this.#connection.take() ?? (await this.#measured(timeoutMs))
    if (chunk) return this.#protocol.receive(chunk)
    this.#concealed(() => {
      this.#protocol.end()
      return undefined
    })
    throw this.#closed()
  }

  /**
   * The next event, waited for: `timeoutMs` in all, however few octets come at a time; undefined: until the deadline of the
   * attempt.
   */
  async event(timeoutMs?: number): Promise<ProtocolEvent> {
    let due: number | undefined
    for (;;) {
      const event = this.next()
      if (event) return event
      if (timeoutMs === undefined) {
        await this.more()
      } else {
        due ??= performance.now() + timeoutMs
        // What has come already is taken, also if it is late.
        await this.more(Math.max(1, due - performance.now()))
      }
    }
  }

  /** Sends a command whose reply is a status line, and waits for it; without limit, until the deadline of the attempt. */
  async ask(command: Command, timeoutMs?: number): Promise<StatusEvent> {
    const sentAt = this.#clock()
    this.send([command])
    const event = await this.event(timeoutMs)
    this.#roundTripMs = Math.min(
      this.#clock() - sentAt,
      this.#roundTripMs ?? Number.POSITIVE_INFINITY,
    )
    if (event.type === 'status') return event
    throw new ProtocolError('POP3_OUT_OF_STEP', `no status line in reply to ${command.keyword}`)
  }

  /**
   * Waits for the multi-line response to a command already sent. Hands each line over as octets that die on return. Returns its
   * status line, -ERR or +OK.
   */
  lines(timeouts: ResponseTimeouts, onLine: (line: Uint8Array) => void): Promise<StatusEvent> {
    return this.#response(timeouts, (event) => {
      if (event.type === 'line') onLine(event.line)
    })
  }

  /**
   * Like `lines` for LIST or UIDL: hands over many lines at a time, as they came. `onPause` is called whenever the server must be
   * waited for.
   */
  rows(
    timeouts: ResponseTimeouts,
    onRows: (lines: Uint8Array) => void,
    onPause?: () => void,
  ): Promise<StatusEvent> {
    return this.#response(
      timeouts,
      (event) => {
        if (event.type === 'rows') onRows(event.octets)
      },
      onPause,
    )
  }

  async #response(
    timeouts: ResponseTimeouts,
    hear: (event: ProtocolEvent) => void,
    onPause?: () => void,
  ): Promise<StatusEvent> {
    const status = await this.event(timeouts.first)
    if (status.type !== 'status') throw new ProtocolError('POP3_OUT_OF_STEP', 'no status line')
    if (!status.ok) return status
    for (;;) {
      const event = this.next()
      if (event && event.type !== 'end') {
        hear(event)
        continue
      }
      onPause?.()
      if (event) return status
      await this.more(timeouts.data)
    }
  }

  /** Ends the connection in good form, or at once with a reason. Safe to call twice. */
  close(reason?: unknown): void {
    this.#connection.close(reason)
  }

  #concealed(act: () => ProtocolEvent | undefined): ProtocolEvent | undefined {
    try {
      const event = act()
      return event && this.#concealment.event(event)
    } catch (error) {
      const concealed = this.#concealment.error(error)
      this.#traceFault(concealed)
      throw concealed
    }
  }

  /** What made it one, once: a greeting that refuses, a line that no command asked for. */
  #traceFault(error: unknown): void {
    if (this.#isFaultTraced || !(error instanceof Pop3Error) || error.serverText === undefined)
      return
    this.#isFaultTraced = true
    for (const line of error.serverText.split(/\r?\n/)) this.#trace?.(`S: ${line}`)
  }

  async #measured(timeoutMs: number | undefined): Promise<Uint8Array | undefined> {
    const { isMidResponse } = this
    const begunAt = this.#clock()
    const chunk = await this.#read(timeoutMs)
    const isFastEnough =
      !isMidResponse || !chunk || this.#rate.allows(chunk.length, this.#clock() - begunAt)
    if (isFastEnough) return chunk
    throw new NetworkError('NET_TIMEOUT', 'the server sends less than 1 KiB a minute')
  }

  async #read(timeoutMs: number | undefined): Promise<Uint8Array | undefined> {
    try {
      return await this.#connection.read(timeoutMs)
    } catch (error) {
      if (!(error instanceof NetworkError) || error.code !== 'NET_CLOSED') throw error
      throw this.#refusal ? this.#closed(error) : error
    }
  }

  #closed(cause?: unknown): Error {
    const { outstanding } = this.#protocol
    if (this.#refusal) {
      const { line: serverText, responseCode } = this.#refusal
      const words = { serverText, responseCode, cause }
      return new SessionError('POP3_TEMPORARY', 'the server ended the session', words)
    }
    const unanswered = outstanding > 0 ? ` before it had answered ${outstanding} commands` : ''
    return new NetworkError('NET_CLOSED', `the server closed the connection${unanswered}`, cause)
  }

  #expectSilence(): void {
    // What came in one segment with the last reply: an -ERR there is a server that ends the session.
    this.next()
    for (let chunk = this.#connection.take(); chunk; chunk = this.#connection.take()) {
      this.#protocol.receive(chunk)
      this.next()
    }
  }

  /** RFC 2595 section 6: credentials cross protected connections only. */
  #guardSecret(): void {
    if (this.#connection.isTrusted) return
    throw new NetworkError('NET_POLICY', 'the connection is not protected: no password is sent')
  }

  #traceEvent(event: ProtocolEvent, trace: Trace): void {
    if (event.type === 'line') trace(`S: ${octetString(event.line)}`)
    else if (event.type === 'rows') for (const row of textLines(event.octets)) trace(`S: ${row}`)
    else if (event.type === 'end') trace(event.octets > 0 ? `S: (${event.octets} octets)` : 'S: .')
    else if (event.type !== 'body') trace(`S: ${event.line}`)
  }
}

/** Byte-stuffing undone. */
function textLines(octets: Uint8Array): readonly string[] {
  const text = octetString(octets).replace(/\r?\n$/, '')
  return text.split(/\r?\n/).map((line) => line.replace(/^\./, ''))
}
