/**
 * Runs one command for each row of a sequence within the pipelining window.
 *
 * Deadlock cannot happen, because reading never waits for writing: bursts are smaller than any server's input buffer,
 * and nothing but a promise returned by a sink stops the reading.
 */
import { type Command, commandOctets } from '../pop3/command.ts'
import { CommandError, SessionError } from '../pop3/errors.ts'
import { CHECK_OCTETS, CONSECUTIVE_REFUSALS } from '../pop3/limits.ts'
import type { ListedMessage } from '../pop3/listing.ts'
import type { ProtocolEvent } from '../pop3/protocol.ts'
import type { Timeouts } from './timeouts.ts'
import { ONE_AT_A_TIME, Window, type WindowLimits } from './window.ts'
import type { StatusEvent, Wire } from './wire.ts'

/** Takes the octets of one response; each returned promise stops the reading until it resolves. */
export interface BodySink {
  /** The view is valid until the call returns, or until the promise that it returned settles. */
  write(octets: Uint8Array): Promise<void> | undefined
  end(): Promise<void> | undefined
  abandon(): void
}

/** What is asked for each row, and who hears the answer. Answers come in the order of the rows. */
export interface Exchange {
  command(row: ListedMessage): Command
  /** Octets of the response as far as known, for the window. */
  expectedOctets(row: ListedMessage): number | undefined
  /** +OK; a multi-line response goes to the sink. */
  accepted(row: ListedMessage, reply: StatusEvent): BodySink | undefined
  /** -ERR; the others go on. */
  refused(row: ListedMessage, error: CommandError): void
  /** If there, it is made between the rows now and then, and behind the last. */
  readonly check?: Check | undefined
}

/** Shows whether the replies are those of the commands: all +OK look alike, so one too few or too many shows only so. */
export interface Check {
  /** Its right reply is a line that none of the rows' commands can have. */
  readonly command: Command
  /** Hears the reply, whatever that is, and throws if it is not the right one. */
  answered(reply: StatusEvent): void
}

/**
 * Returns, when the last row is answered, the limits that proved fit for this server. Five -ERR in a row stop the
 * sending; if NOOP then succeeds, the rows go on one at a time, so that no server counts its way to closing on us.
 *
 * Any throw, whether from the connection, the sequence or a sink, abandons the body under way and closes the connection.
 */
export async function runPipeline(
  wire: Wire,
  rows: Iterable<ListedMessage>,
  exchange: Exchange,
  options: { readonly limits: WindowLimits; readonly timeouts: Timeouts },
): Promise<WindowLimits> {
  const pipeline = new Pipeline(wire, rows, exchange, options)
  try {
    return await pipeline.run()
  } catch (error) {
    pipeline.abandon()
    wire.close(error)
    throw error
  }
}

interface Pending {
  /** Undefined: a check. */
  readonly row: ListedMessage | undefined
  readonly command: Command
}

/** Octets of the reply to a check, for the window. */
const CHECK_REPLY_OCTETS = 64

class Pipeline {
  readonly #wire: Wire
  readonly #rows: Iterator<ListedMessage>
  readonly #exchange: Exchange
  readonly #timeouts: Timeouts
  readonly #outstanding: (ListedMessage | undefined)[] = []
  #window: Window
  /** Drawn from the rows, and not sent yet for lack of room. */
  #pending: Pending | undefined
  #sink: BodySink | undefined
  #refusals = 0
  /** Drawn since the last check. */
  #uncheckedRows = 0
  #uncheckedOctets = 0

  constructor(
    wire: Wire,
    rows: Iterable<ListedMessage>,
    exchange: Exchange,
    { limits, timeouts }: { readonly limits: WindowLimits; readonly timeouts: Timeouts },
  ) {
    this.#wire = wire
    this.#rows = rows[Symbol.iterator]()
    this.#exchange = exchange
    this.#timeouts = timeouts
    this.#window = new Window(limits, wire)
    this.#pending = this.#draw()
  }

  async run(): Promise<WindowLimits> {
    this.#fill()
    while (this.#outstanding.length > 0) {
      const event = this.#wire.next()
      if (event) {
        const pause = this.#take(event)
        if (pause) await pause
        if (event.type === 'end') this.#sink = undefined
        if (this.#refusals >= CONSECUTIVE_REFUSALS) await this.#recover()
        this.#fill()
      } else {
        const { data, retrieve } = this.#timeouts
        await this.#wire.more(this.#wire.isMidResponse ? data : retrieve)
      }
    }
    return this.#window.limits
  }

  /** Gives up the body under way. */
  abandon(): void {
    this.#sink?.abandon()
    this.#sink = undefined
    this.#rows.return?.()
  }

  #take(event: ProtocolEvent): Promise<void> | undefined {
    if (event.type === 'body') return this.#sink?.write(event.octets)
    if (this.#outstanding.length === 0) return undefined
    const [row] = this.#outstanding
    if (event.type === 'end') {
      this.#answered()
      return this.#sink?.end()
    }
    if (event.type !== 'status') return undefined
    if (row === undefined) this.#exchange.check?.answered(event)
    else this.#takeStatus(row, event)
    // Of a multi-line response this was only the beginning.
    if (!this.#wire.isMidResponse) this.#answered()
    return undefined
  }

  #takeStatus(row: ListedMessage, event: StatusEvent): void {
    if (event.ok) {
      this.#refusals = 0
      this.#sink = this.#exchange.accepted(row, event)
    } else {
      this.#refusals += 1
      const { command, line, responseCode } = event
      this.#exchange.refused(row, new CommandError(command.keyword, line, responseCode))
    }
  }

  #answered(): void {
    this.#outstanding.shift()
    this.#window.answered()
  }

  #fill(): void {
    if (!this.#pending || this.#refusals >= CONSECUTIVE_REFUSALS || !this.#window.isLow) return
    const burst: Command[] = []
    this.#window.fill(() => {
      while (this.#pending) {
        const { row, command } = this.#pending
        const expected = row ? this.#exchange.expectedOctets(row) : CHECK_REPLY_OCTETS
        if (!this.#window.admit(commandOctets(command), expected)) break
        burst.push(command)
        this.#outstanding.push(row)
        this.#pending = this.#draw()
      }
    })
    if (burst.length > 0) this.#wire.send(burst)
  }

  #draw(): Pending | undefined {
    const { uncheckedRows } = this.#window.limits
    const { check } = this.#exchange
    const isDue = this.#uncheckedRows >= uncheckedRows || this.#uncheckedOctets >= CHECK_OCTETS
    if (check && isDue) return this.#drawCheck(check)
    const next = this.#rows.next()
    if (next.done) return check && this.#uncheckedRows > 0 ? this.#drawCheck(check) : undefined
    if (check) {
      this.#uncheckedRows += 1
      this.#uncheckedOctets += this.#exchange.expectedOctets(next.value) ?? 0
    }
    return { row: next.value, command: this.#exchange.command(next.value) }
  }

  #drawCheck({ command }: Check): Pending {
    this.#uncheckedRows = 0
    this.#uncheckedOctets = 0
    return { row: undefined, command }
  }

  /** Once all outstanding replies are in, asks whether the server still answers at all. */
  async #recover(): Promise<void> {
    if (this.#outstanding.length > 0 || !this.#pending) return
    const { ok, line, responseCode } = await this.#wire.ask(
      { keyword: 'NOOP' },
      this.#timeouts.command,
    )
    if (!ok) {
      throw new SessionError('POP3_TEMPORARY', 'the server refuses every command', {
        serverText: line,
        responseCode,
      })
    }
    this.#refusals = 0
    const { commands, mostCommands } = ONE_AT_A_TIME
    this.#window = new Window({ ...this.#window.limits, commands, mostCommands }, this.#wire)
  }
}
