/**
 * The client's side of POP3 without I/O: octets in, events out.
 *
 * Push octets by `receive`, then pull events by `next` until it returns undefined. Back-pressure is not pulling. No
 * event is lost or repeated wherever the octets are cut. Replies belong to commands in the order sent, which is all the
 * protocol offers (RFC 2449 section 6.6): octets that come while no command waits end the session.
 */
import {
  type Command,
  commandName,
  encodeAnswer,
  encodeCommand,
  invitesChallenge,
  responseShape,
} from './command.ts'
import { BodyDecoder } from './dot-stuffing.ts'
import { ProtocolError, SessionError } from './errors.ts'
import {
  CAPABILITY_LINE_OCTETS,
  CAPABILITY_LINES,
  CONTINUATION_OCTETS,
  LISTING_ROW_OCTETS,
  LISTING_ROWS,
  STATUS_LINE_OCTETS,
  TOP_OCTETS,
} from './limits.ts'
import { LineBuffer } from './line-buffer.ts'
import { DOT } from './octets.ts'
import { parseStatusLine, type StatusLine } from './reply.ts'
import type { ResponseCode } from './response-code.ts'

export type ProtocolEvent =
  /** The greeting said +OK. `text` follows the status indicator. */
  | { readonly type: 'greeting'; readonly text: string; readonly line: string }
  /** The reply's first line. A multi-line response goes on with `line` or `body` events and ends with `end`. */
  | {
      readonly type: 'status'
      readonly command: Command
      readonly ok: boolean
      readonly responseCode: ResponseCode | undefined
      readonly text: string
      readonly line: string
    }
  /** A SASL challenge: the server waits for a line of `encodeAnswer`. */
  | {
      readonly type: 'continuation'
      readonly command: Command
      readonly text: string
      readonly line: string
    }
  /** A line of CAPA, byte-stuffing undone. The view dies with the next `receive`. */
  | { readonly type: 'line'; readonly command: Command; readonly line: Uint8Array }
  /**
   * Whole lines of LIST or UIDL, as many as have come, with their ends and byte-stuffing (listing.ts reads them); the end of the
   * last may be missing. The view dies with the next `receive`.
   */
  | { readonly type: 'rows'; readonly command: Command; readonly octets: Uint8Array }
  /** Octets of RETR or TOP, byte-stuffing undone. The view dies with the next `receive`. */
  | { readonly type: 'body'; readonly command: Command; readonly octets: Uint8Array }
  /** The termination octet came. `octets` counts the data of a body; 0 for lines. */
  | { readonly type: 'end'; readonly command: Command; readonly octets: number }

type Phase =
  | { readonly type: 'greeting' }
  | { readonly type: 'status' }
  | {
      readonly type: 'lines'
      readonly command: Command
      rows: number
      /** The command is none that we know: what follows +OK is lines, or the reply to the next command. */
      readonly isOpen: boolean
    }
  | { readonly type: 'rows'; readonly command: Command; rows: number }
  | { readonly type: 'body'; readonly command: Command; readonly decoder: BodyDecoder }
  /** STLS was accepted: what comes next is TLS, or an attack. */
  | { readonly type: 'handshake' }

const STATUS: Phase = { type: 'status' }

/** Pairs replies with commands. Holds no socket and no clock. */
export class Protocol {
  readonly #input = new LineBuffer()
  readonly #outstanding: Command[] = []
  #phase: Phase = { type: 'greeting' }
  /** The AUTH that the last reply ended with +OK. */
  #accepted: Command | undefined
  #failure: unknown

  /** The state behind STLS (RFC 2595 section 4): no greeting comes, and nothing is known of what was before. */
  static behindTls(): Protocol {
    const protocol = new Protocol()
    protocol.#phase = STATUS
    return protocol
  }

  /** Commands sent and not answered in full; with one whose reply may go on until the next one's begins. */
  get outstanding(): number {
    return this.#outstanding.length
  }

  /** A message body, or a listing, has begun and not ended. */
  get isMidResponse(): boolean {
    const { type } = this.#phase
    return type === 'lines' || type === 'rows' || type === 'body'
  }

  /**
   * The octets to write for `command`; its reply will follow those of the commands before it. Throws ArgumentError
   * (POP3_ARGUMENT), and ProtocolError (POP3_OUT_OF_STEP) if octets wait that no command asked for: they would be
   * taken for this one's reply.
   */
  send(command: Command): Uint8Array {
    if (this.#failure !== undefined) throw this.#failure
    const octets = encodeCommand(command)
    if (this.#phase.type === 'handshake') {
      throw new ProtocolError('POP3_OUT_OF_STEP', 'nothing may be sent before TLS has begun')
    }
    if (this.#outstanding.length === 0 && this.#phase.type === 'status' && !this.#input.isEmpty) {
      throw this.#fail(unsolicited(undefined, this.#input.rest))
    }
    this.#outstanding.push(command)
    this.#accepted = undefined
    return octets
  }

  /**
   * The octets of a line in answer to a challenge. Exchange 2003 says +OK where the `+` of a challenge belongs: if the
   * last reply was a +OK to AUTH, that command waits for its reply again. Throws like `send`, also if no AUTH is under
   * way.
   */
  answer(base64: string): Uint8Array {
    if (this.#failure !== undefined) throw this.#failure
    const octets = encodeAnswer(base64)
    if (!this.#input.isEmpty) throw this.#fail(unsolicited(undefined, this.#input.rest))
    if (this.#outstanding.length === 0 && this.#accepted) this.#outstanding.push(this.#accepted)
    const [command] = this.#outstanding
    if (!command || !invitesChallenge(command)) {
      throw new ProtocolError('POP3_OUT_OF_STEP', 'there is no challenge to answer')
    }
    this.#accepted = undefined
    return octets
  }

  /** Feeds octets from the server. They must stay unchanged until `next` has returned undefined. */
  receive(chunk: Uint8Array): void {
    this.#input.feed(chunk)
  }

  /**
   * The next event, or undefined when more octets are needed. Throws ProtocolError or SessionError (a refused
   * greeting, an unsolicited -ERR); after that the same again.
   */
  next(): ProtocolEvent | undefined {
    if (this.#failure !== undefined) throw this.#failure
    try {
      const phase = this.#phase
      if (phase.type === 'body') return this.#body(phase)
      if (phase.type === 'rows') return this.#rows(phase)
      if (phase.type === 'lines') return this.#line(phase)
      if (phase.type === 'handshake') return this.#requireSilence()
      return phase.type === 'status' ? this.#status() : this.#greeting()
    } catch (error) {
      throw this.#fail(error)
    }
  }

  /**
   * The server closed. Throws what its last octets, though no whole line, were: no POP3 greeting, or an unsolicited
   * text. Returns if they say nothing.
   */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#phase.type === 'lines' && this.#phase.isOpen) this.#settle()
    if (this.#input.isEmpty) return
    const { rest } = this.#input
    if (this.#phase.type === 'greeting') this.#cutGreeting(rest)
    if (this.#phase.type !== 'status' || this.#outstanding.length > 0) return
    throw this.#fail(unsolicited(parseStatusLine(new TextEncoder().encode(rest.trim())), rest))
  }

  #fail(error: unknown): unknown {
    this.#failure ??= error
    return error
  }

  #greeting(): ProtocolEvent | undefined {
    const octets = this.#input.line(STATUS_LINE_OCTETS)
    if (!octets) return undefined
    const greeting = parseStatusLine(octets)
    if (greeting?.type !== 'status') throw notPop3(greeting?.line ?? lossyText(octets))
    if (!greeting.ok) throw refusedGreeting(greeting)
    this.#phase = STATUS
    return { type: 'greeting', text: greeting.text, line: greeting.line }
  }

  /** -ERR needs no line end to be understood; of the beginning of a greeting there is nothing to say. */
  #cutGreeting(rest: string): void {
    const greeting = parseStatusLine(new TextEncoder().encode(rest))
    if (greeting?.type === 'status' && !greeting.ok) throw this.#fail(refusedGreeting(greeting))
    if (greeting?.type !== 'status' && !'+OK'.startsWith(rest) && !'-ERR'.startsWith(rest)) {
      throw this.#fail(notPop3(rest))
    }
  }

  #status(): ProtocolEvent | undefined {
    const [command] = this.#outstanding
    const isSasl = command !== undefined && invitesChallenge(command)
    const octets = this.#input.line(isSasl ? CONTINUATION_OCTETS : STATUS_LINE_OCTETS)
    return octets && this.#reply(octets)
  }

  #reply(octets: Uint8Array): ProtocolEvent {
    const [command] = this.#outstanding
    const isSasl = command !== undefined && invitesChallenge(command)
    const reply = parseStatusLine(octets)
    if (!command) throw unsolicited(reply, lossyText(octets))
    if (reply?.type === 'continuation' && isSasl) return { ...reply, command }
    if (reply?.type !== 'status') {
      throw new ProtocolError(
        'POP3_OUT_OF_STEP',
        `no status line in reply to ${commandName(command)}`,
        {
          serverText: lossyText(octets),
        },
      )
    }
    const shape = responseShape(command)
    if (reply.ok && shape !== 'single') this.#phase = this.#bodyPhase(command, shape)
    else this.#outstanding.shift()
    if (reply.ok && shape === 'single') this.#accept(command)
    const { ok, responseCode, text, line } = reply
    return { type: 'status', command, ok, responseCode, text, line }
  }

  /** What a +OK to a command without further lines leads to. */
  #accept(command: Command): void {
    if (invitesChallenge(command)) this.#accepted = command
    if (command.keyword !== 'STLS') return
    this.#phase = { type: 'handshake' }
    this.#requireSilence()
  }

  /** Octets injected here would be taken, behind TLS, for the server's own words (CVE-2020-14954, CVE-2021-22947). */
  #requireSilence(): undefined {
    if (this.#input.isEmpty) return
    throw new ProtocolError('POP3_OUT_OF_STEP', 'the server sent more than its reply to STLS', {
      serverText: this.#input.rest,
    })
  }

  #bodyPhase(command: Command, shape: 'lines' | 'open' | 'body'): Phase {
    const { keyword } = command
    if (keyword === 'LIST' || keyword === 'UIDL') return { type: 'rows', command, rows: 0 }
    if (shape !== 'body') return { type: 'lines', command, rows: 0, isOpen: shape === 'open' }
    const decoder = new BodyDecoder({
      bareLineEnds: this.#input.endedBare,
      listedOctets: keyword === 'RETR' ? command.listedOctets : undefined,
    })
    return { type: 'body', command, decoder }
  }

  /** Like `#line`, for many at a time: a maildrop may have 100,000 of them. */
  #rows(phase: Extract<Phase, { type: 'rows' }>): ProtocolEvent | undefined {
    const { command } = phase
    const whole = this.#input.wholeLines(LISTING_ROW_OCTETS)
    const octets = whole ? whole.octets : this.#input.line(LISTING_ROW_OCTETS)
    if (!octets) return undefined
    if (octets.length === 1 && octets[0] === DOT) return this.#end(command, 0)
    phase.rows += whole ? whole.count : 1
    if (phase.rows > LISTING_ROWS) throw tooManyLines(command, LISTING_ROWS)
    return { type: 'rows', command, octets }
  }

  /** No mail is in these lines, so a lone dot ends them whatever the line ends are. */
  #line(phase: Extract<Phase, { type: 'lines' }>): ProtocolEvent | undefined {
    const { command } = phase
    const isCapa = command.keyword === 'CAPA'
    const line = this.#input.line(isCapa ? CAPABILITY_LINE_OCTETS : LISTING_ROW_OCTETS)
    if (!line) return undefined
    if (phase.isOpen && this.#isNextReply(line)) {
      this.#settle()
      return this.#reply(line)
    }
    const isStuffed = line[0] === DOT
    if (isStuffed && line.length === 1) return this.#end(command, 0)
    phase.rows += 1
    const limit = isCapa ? CAPABILITY_LINES : LISTING_ROWS
    if (phase.rows > limit) throw tooManyLines(command, limit)
    return { type: 'line', command, line: isStuffed ? line.subarray(1) : line }
  }

  /** Whether a line, where more of an open reply could be, begins the next one, or is an -ERR that ends the session. */
  #isNextReply(line: Uint8Array): boolean {
    const reply = parseStatusLine(line)
    const next = this.#outstanding[1]
    return reply?.type === 'status' || (reply && next ? invitesChallenge(next) : false)
  }

  /** The present reply is whole. */
  #settle(): void {
    this.#outstanding.shift()
    this.#phase = STATUS
  }

  #body({ command, decoder }: Extract<Phase, { type: 'body' }>): ProtocolEvent | undefined {
    decoder.feed(this.#input.unread)
    const octets = decoder.next()
    this.#input.skip(decoder.position)
    if (octets) {
      if (command.keyword === 'TOP' && decoder.octets > TOP_OCTETS) {
        throw new ProtocolError(
          'POP3_LIMIT',
          `the server answered TOP with more than ${TOP_OCTETS} octets`,
        )
      }
      return { type: 'body', command, octets }
    }
    return decoder.ended ? this.#end(command, decoder.octets) : undefined
  }

  #end(command: Command, octets: number): ProtocolEvent {
    this.#settle()
    return { type: 'end', command, octets }
  }
}

function tooManyLines(command: Command, limit: number): ProtocolError {
  const text = `the server answered ${commandName(command)} with more than ${limit} lines`
  return new ProtocolError('POP3_LIMIT', text)
}

function lossyText(octets: Uint8Array): string {
  return new TextDecoder().decode(octets.subarray(0, 512))
}

function refusedGreeting({
  line: serverText,
  responseCode,
}: StatusLine & { type: 'status' }): Error {
  const words = { serverText, responseCode }
  return new SessionError('POP3_GREETING_REFUSED', 'the server refused the connection', words)
}

function notPop3(serverText: string): ProtocolError {
  return new ProtocolError('POP3_NOT_POP3', 'the greeting is not that of a POP3 server', {
    serverText,
  })
}

/**
 * Octets that no command asked for. An -ERR is how servers end a session: Dovecot's `Disconnected for inactivity.`, or
 * `[SYS/TEMP]` where the maildrop could not be opened after the login had said +OK.
 */
function unsolicited(reply: StatusLine | undefined, serverText: string): Error {
  if (reply?.type === 'status' && !reply.ok) {
    return new SessionError('POP3_TEMPORARY', 'the server ended the session', {
      serverText: reply.line,
      responseCode: reply.responseCode,
    })
  }
  return new ProtocolError('POP3_OUT_OF_STEP', 'the server sent what no command asked for', {
    serverText,
  })
}
