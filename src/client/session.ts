import { type Capabilities, completeCapabilities, NO_CAPABILITIES } from '../pop3/capabilities.ts'
import {
  type CommandError,
  ProtocolError,
  SessionError,
  UnsureDeletionError,
} from '../pop3/errors.ts'
import {
  type DropListing,
  type ListedMessage,
  parseDropListing,
  readScanRows,
} from '../pop3/listing.ts'
import { octetsOf } from '../pop3/octets.ts'
import { isOnlyDeleted } from './drop-change.ts'
import { Idleness } from './idleness.ts'
import { type Listings, readListings } from './listings.ts'
import { type BodySink, type Check, type Exchange, runPipeline } from './pipeline.ts'
import { commandRefusal, LoginError } from './refusal.ts'
import { endsSession } from './refusal-words.ts'
import type { Timeouts } from './timeouts.ts'
import { TopCollector } from './top-collector.ts'
import { ONE_AT_A_TIME, PIPELINED, type WindowLimits } from './window.ts'
import type { StatusEvent, Wire } from './wire.ts'

/** Decides where the octets of each retrieved message go. */
export interface Receiver {
  begin(row: ListedMessage): BodySink
  refused(row: ListedMessage, error: CommandError): void
  /** What was answered so far belongs to the rows that it was handed over for: a reply of another form was in its place. */
  inStep(): void
}

export interface SessionFacts {
  /** Announced before login; undefined where the server was not asked. */
  readonly before: Capabilities | undefined
  /** Announced after login. */
  readonly after: Capabilities | undefined
  /** By which the login succeeded: `USER`, `APOP` or a SASL name. */
  readonly mechanism: string
  readonly pipelined: boolean
  /** At most so many commands outstanding, and messages between two proofs that the session is in step. */
  readonly window?: number | undefined
  readonly timeouts: Timeouts
}

/**
 * A POP3 session in the transaction state (RFC 1939 section 5). One call at a time. After any error but CommandError
 * (POP3_REFUSED) the connection cannot go on: close it. Between two calls NOOP keeps it alive.
 */
export class Session {
  /** What was announced before and after login; the latter counts where they differ. */
  readonly capabilities: Capabilities
  readonly pipelined: boolean
  readonly facts: SessionFacts
  readonly #wire: Wire
  readonly #timeouts: Timeouts
  readonly #idleness: Idleness
  #limits: WindowLimits
  /** What STAT must say: as at first, less what was deleted since. Undefined before the first STAT. */
  #expected: DropListing | undefined
  /** The reply to the first STAT, as it came. */
  #statLine: string | undefined
  /** Where STAT holds no count: a message whose row LIST must show again, with its octets. */
  #witness: ListedMessage | undefined
  #isCounted = true
  /** STAT's octets are the sum of LIST's, so they tell what was deleted. */
  #isSummed = false
  #deletes = 0

  constructor(wire: Wire, facts: SessionFacts) {
    const { before, after, pipelined, window, timeouts } = facts
    this.facts = facts
    this.capabilities = after
      ? completeCapabilities(after, before ?? NO_CAPABILITIES)
      : NO_CAPABILITIES
    this.pipelined = pipelined
    this.#wire = wire
    this.#timeouts = timeouts
    this.#limits = limitsOf(pipelined ? PIPELINED : ONE_AT_A_TIME, window)
    this.#idleness = new Idleness(timeouts.idle, () => this.#stayAlive())
  }

  /**
   * STAT; where its reply holds no count, the count of LIST. Throws CommandError (POP3_REFUSED) or SessionError
   * (POP3_TEMPORARY); LoginError (LOGIN_REFUSED) if it is the first after a login by token: Microsoft says +OK to a
   * token of another user, and refuses all that follows.
   */
  stat(): Promise<DropListing> {
    return this.#idleness.interrupt(() => this.#stat())
  }

  async #stat(): Promise<DropListing> {
    const reply = await this.#wire.ask({ keyword: 'STAT' }, this.#timeouts.listing)
    if (!reply.ok) throw this.#statRefusal(reply)
    const drop = parseDropListing(reply.text)
    if (drop) {
      this.#expected ??= drop
      this.#statLine ??= reply.line
      return drop
    }
    const { rows } = await this.#listing()
    this.#isCounted = false
    this.#witness = rows.all.find(({ octets, isRepeated }) => octets !== undefined && !isRepeated)
    return { messages: rows.length, octets: undefined }
  }

  /**
   * UIDL and LIST, joined by message number. `onRows` hears how many rows came so far, once a chunk. Throws SessionError
   * (POP3_TEMPORARY) if UIDL is refused though announced.
   */
  listing(onRows: (rows: number) => void = () => {}): Promise<Listings> {
    return this.#idleness.interrupt(async () => {
      const listings = await this.#listing(onRows)
      const octets = listings.rows.totalOctets
      this.#isSummed = octets !== undefined && octets === this.#expected?.octets
      return listings
    })
  }

  #listing(onRows: (rows: number) => void = () => {}): Promise<Listings> {
    return readListings(this.#wire, {
      pipelined: this.pipelined,
      announced: this.capabilities.has('UIDL'),
      timeouts: this.#timeouts,
      onRows,
    })
  }

  /** LAST (RFC 1460); undefined where the server refuses it or names no number. */
  async last(): Promise<number | undefined> {
    const { ok, text } = await this.#idleness.interrupt(() =>
      this.#wire.ask({ keyword: 'LAST' }, this.#timeouts.command),
    )
    const number = /^\d{1,10}(?!\S)/.exec(text)?.[0]
    return ok && number !== undefined ? Number(number) : undefined
  }

  /**
   * TOP n 0 for each row. The first goes alone: if it is refused and CAPA did not name TOP, the answer is false and
   * `receive` was not called. Behind `stat`, proven in step like `retrieve`, in the same places: what `receive` heard may be
   * the header of another row until this resolves, and is to be forgotten if it throws.
   */
  headers(
    rows: Iterable<ListedMessage>,
    receive: (row: ListedMessage, header: Uint8Array | undefined) => void,
  ): Promise<boolean> {
    return this.#idleness.interrupt(() => this.#headers(rows, receive))
  }

  async #headers(
    rows: Iterable<ListedMessage>,
    receive: (row: ListedMessage, header: Uint8Array | undefined) => void,
  ): Promise<boolean> {
    const iterator = rows[Symbol.iterator]()
    const first = iterator.next()
    if (first.done) return true
    let isAccepted = true
    const exchange: Exchange = {
      command: ({ messageNumber }) => ({ keyword: 'TOP', messageNumber, lines: 0 }),
      expectedOctets: () => undefined,
      accepted: (row, reply) => {
        if (this.#isMovedUp(reply)) throw outOfStep(reply)
        return new TopCollector((header) => receive(row, header))
      },
      refused: (row) => {
        if (row === first.value) isAccepted = false
        else receive(row, undefined)
      },
      check: this.#check(),
    }
    await this.#run([first.value], exchange)
    if (!isAccepted) {
      if (!this.capabilities.has('TOP')) return false
      receive(first.value, undefined)
    }
    await this.#run({ [Symbol.iterator]: () => iterator }, exchange)
    return true
  }

  /**
   * RETR for each row, in that order. `receiver.begin` is called when the server says +OK, and its sink takes the body;
   * a promise that the sink returns is the only thing that stops the reading. If this throws, the body under way was
   * abandoned and the connection is closed; those that ended before are whole, and those before the last `inStep` are
   * surely what was asked for. Behind `stat`, its reply is asked for again now and then, and behind the last row: throws
   * ProtocolError (POP3_OUT_OF_STEP) if it differs. Where it holds no count, LIST of one message must show its row again.
   */
  retrieve(rows: Iterable<ListedMessage>, receiver: Receiver): Promise<void> {
    const exchange: Exchange = {
      command: ({ messageNumber, octets }) => ({
        keyword: 'RETR',
        messageNumber,
        listedOctets: octets,
      }),
      expectedOctets: ({ octets }) => octets,
      accepted: (row, reply) => {
        // A reply is missing, and those behind it have moved up: told at once, not when its body does not come.
        if (this.#isMovedUp(reply)) throw outOfStep(reply)
        return receiver.begin(row)
      },
      refused: (row, error) => receiver.refused(row, error),
      check: this.#check(() => receiver.inStep()),
    }
    return this.#idleness.interrupt(() => this.#run(rows, exchange))
  }

  /**
   * DELE for each row, behind a STAT that must agree with the first one of the session: all +OK look alike, and only
   * STAT's reply tells a session that went out of step. Returns the rows that the server accepted. Throws ProtocolError
   * (POP3_OUT_OF_STEP), before any DELE, if they differ; and where the reply to a DELE names another message. Now and then
   * and behind the last DELE, STAT must say what these left: else the maildrop changed meanwhile, DELE may have meant other
   * messages, and the same error keeps QUIT from being sent.
   */
  async delete(rows: readonly ListedMessage[]): Promise<readonly ListedMessage[]> {
    if (rows.length === 0) return []
    return await this.#idleness.interrupt(() => this.#delete(rows))
  }

  async #delete(rows: readonly ListedMessage[]): Promise<readonly ListedMessage[]> {
    const before = this.#requireInStep(
      await this.#wire.ask({ keyword: 'STAT' }, this.#timeouts.listing),
    )
    const accepted: ListedMessage[] = []
    this.#deletes += 1
    const exchange: Exchange = {
      command: ({ messageNumber }) => ({ keyword: 'DELE', messageNumber }),
      expectedOctets: () => 64,
      accepted: (row, reply) => {
        const named = deletedNumber(reply)
        if (named !== undefined && named !== row.messageNumber) throw outOfStep(reply)
        accepted.push(row)
        return undefined
      },
      refused: () => {},
      check: {
        command: { keyword: 'STAT' },
        answered: (reply) => {
          this.#expected = this.#requireOnlyDeleted(reply, before, accepted)
        },
      },
    }
    await this.#run(rows, exchange, { ...this.#timeouts, retrieve: this.#timeouts.command })
    return accepted
  }

  #requireOnlyDeleted(
    reply: StatusEvent,
    before: DropListing,
    deleted: readonly ListedMessage[],
  ): DropListing {
    const drop = reply.ok ? parseDropListing(reply.text) : undefined
    if (drop && isOnlyDeleted(before, drop, { deleted, isSummed: this.#isSummed })) return drop
    const left = before.messages - deleted.length
    return this.#endOutOfStep(reply, unsureDeletion(reply, `${left} of ${before.messages}`))
  }

  /** QUIT, alone; then the connection is closed. Behind DELE it waits longer: some servers rewrite the maildrop first. */
  async quit(): Promise<'done' | 'refused' | 'lost'> {
    const { quit, update } = this.#timeouts
    try {
      const limit = this.#deletes > 0 ? update : quit
      const { ok } = await this.#idleness.interrupt(() =>
        this.#wire.ask({ keyword: 'QUIT' }, limit),
      )
      return ok ? 'done' : 'refused'
    } catch {
      // No reply, whatever the cause: the next listing shows what became of the deletions.
      return 'lost'
    } finally {
      this.close()
    }
  }

  /** Closes without QUIT: nothing is deleted (RFC 1939 section 6). */
  close(): void {
    this.#idleness.end()
    this.#wire.close()
  }

  async #stayAlive(): Promise<void> {
    await this.#wire.ask({ keyword: 'NOOP' }, this.#timeouts.command)
  }

  #statRefusal(reply: StatusEvent): Error {
    const refusal = commandRefusal('STAT', reply)
    const { mechanism } = this.facts
    const isByToken = mechanism === 'XOAUTH2' || mechanism === 'OAUTHBEARER'
    if (!isByToken || this.#expected || refusal instanceof SessionError) return refusal
    const reason = 'it took the token, but opens no maildrop with it; whose token is it?'
    return new LoginError('LOGIN_REFUSED', { reply, mechanism, reason })
  }

  async #run(
    rows: Iterable<ListedMessage>,
    exchange: Exchange,
    timeouts: Timeouts = this.#timeouts,
  ): Promise<void> {
    const options = { limits: this.#limits, timeouts }
    this.#limits = await runPipeline(this.#wire, rows, exchange, options)
  }

  /** It is STAT's, with more messages than one: of one, some server might say its number and size in reply to RETR. */
  #isMovedUp({ line }: StatusEvent): boolean {
    const { messages = 0, octets } = this.#expected ?? {}
    return this.pipelined && messages > 1 && octets !== undefined && line === this.#statLine
  }

  /** By which the replies are proven to be those of their commands; undefined before `stat`. */
  #check(inStep: () => void = () => {}): Check | undefined {
    if (this.#isCounted && !this.#expected) return undefined
    const witness = this.#expected ? undefined : this.#witness
    return {
      command: witness
        ? { keyword: 'LIST', messageNumber: witness.messageNumber }
        : { keyword: 'STAT' },
      answered: (reply) => {
        if (!witness) this.#requireInStep(reply)
        else if (!isRowOf(witness, reply)) this.#endOutOfStep(reply)
        inStep()
      },
    }
  }

  /** Where STAT holds no count, nothing agrees with it. */
  #requireInStep(reply: StatusEvent): DropListing {
    const drop = reply.ok ? parseDropListing(reply.text) : undefined
    const { messages, octets } = this.#expected ?? drop ?? {}
    const isSameSize = octets === undefined || drop?.octets === octets
    if (drop && drop.messages === messages && isSameSize) return drop
    return this.#endOutOfStep(reply)
  }

  #endOutOfStep(reply: StatusEvent, error: Error = outOfStep(reply)): never {
    const known = sessionEnd(reply) ?? error
    this.#wire.close(known)
    throw known
  }
}

/** `most`: what a session that broke has left of the window. */
function limitsOf(limits: WindowLimits, most = Number.POSITIVE_INFINITY): WindowLimits {
  const { commands, mostCommands, uncheckedRows } = limits
  return {
    ...limits,
    commands: Math.min(most, commands),
    mostCommands: Math.min(most, mostCommands),
    uncheckedRows: Math.min(most, uncheckedRows),
  }
}

/** Whether the reply to LIST n is the row of this message: `+OK n octets`, no `+OK octets octets` of RETR. */
function isRowOf({ messageNumber, octets }: ListedMessage, reply: StatusEvent): boolean {
  let isSame = false
  if (!reply.ok) return isSame
  readScanRows(octetsOf(reply.text), (number, size) => {
    isSame = number === messageNumber && size === octets
  })
  return isSame
}

/** Undefined unless a check met the words by which a server ends the session: they were on their way when it was sent. */
function sessionEnd(reply: StatusEvent): SessionError | undefined {
  if (reply.ok) return undefined
  const { line: serverText, responseCode } = reply
  if (endsSession(serverText)) {
    return new SessionError('POP3_TEMPORARY', 'the server ended the session', {
      serverText,
      responseCode,
    })
  }
  const refusal = commandRefusal(reply.command.keyword, reply)
  return refusal instanceof SessionError ? refusal : undefined
}

/** The message that is deleted, where a server says so in one of the usual ways: Qpopper's, UW's, that of RFC 1939. */
function deletedNumber({ text }: StatusEvent): number | undefined {
  const [, number] = /^message #?(\d{1,9}) (?:has been |marked |is )?deleted\b/i.exec(text) ?? []
  return number === undefined ? undefined : Number(number)
}

/** `left`: how many messages STAT should have shown behind DELE. A reply of another form is none to STAT. */
function unsureDeletion(reply: StatusEvent, left: string): ProtocolError {
  const { line: serverText, responseCode } = reply
  const words = { serverText, responseCode }
  if (!reply.ok) {
    const text = 'the server refused STAT behind DELE, so nobody knows what was marked there'
    return new UnsureDeletionError(`${text}: QUIT was not sent`, words)
  }
  const text = `the maildrop changed while messages were deleted (${left} should be left), so QUIT was not sent`
  return parseDropListing(reply.text)
    ? new UnsureDeletionError(text, words)
    : new ProtocolError('POP3_OUT_OF_STEP', text, words)
}

function outOfStep({ line: serverText, responseCode }: StatusEvent): ProtocolError {
  const text = 'the replies are not those of the commands sent'
  return new ProtocolError('POP3_OUT_OF_STEP', text, { serverText, responseCode })
}
