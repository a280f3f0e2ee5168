/**
 * What works at a maildrop in fact, whatever was announced. Nothing is changed there: no DELE, no RSET, and no RETR, by
 * which some servers mark a message as read.
 */
import { type Capabilities, NO_CAPABILITIES } from '../pop3/capabilities.ts'
import { CommandError, ProtocolError } from '../pop3/errors.ts'
import {
  type DropListing,
  type ListedMessage,
  parseDropListing,
  readScanRows,
  readUniqueIdRows,
} from '../pop3/listing.ts'
import { octetString } from '../pop3/octets.ts'
import { type MaildropOptions, type Opened, openMaildrop } from './maildrop.ts'
import type { CapabilityAnswer } from './probe.ts'
import { commandRefusal } from './refusal.ts'
import { Session } from './session.ts'
import type { Timeouts } from './timeouts.ts'
import type { StatusEvent, Wire } from './wire.ts'

type ScanRow = Pick<ListedMessage, 'messageNumber' | 'octets'>

/** All that was learned until `failure`; undefined is what was not. Whatever the server said is untrusted text. */
export interface MaildropReport {
  /** By which the login succeeded. */
  readonly mechanism?: string
  /** After login. */
  readonly capabilities?: CapabilityAnswer
  /** By STAT. */
  readonly drop?: DropListing
  readonly sizes?: Sizes
  readonly uidl?: UidlTrial
  readonly top?: TopTrial
  readonly pipelining?: Trial
  /** What QUIT was answered; nothing was to be deleted. */
  readonly quit?: 'done' | 'refused' | 'lost'
  /** What kept us from the rest. */
  readonly failure?: unknown
}

/** By LIST. */
export interface Sizes {
  readonly messages: number
  /** Of all messages together. */
  readonly octets: number
  readonly smallest: number | undefined
  readonly largest: number | undefined
  /** Messages whose size LIST does not say. */
  readonly unsized: number
}

/** `refused`: -ERR, the session goes on. `broken`: it does not work, and has cost the session. */
export interface Trial {
  readonly isAnnounced: boolean
  readonly result: 'works' | 'refused' | 'broken' | 'not tried'
  /** What the server said, or what was wrong. */
  readonly words?: string | undefined
}

export interface UidlTrial extends Trial {
  readonly messages: number
  readonly distinct: number
  /** Messages that have none. */
  readonly missing: number
}

export interface TopTrial extends Trial {
  /** As listed, of the message that was tried. */
  readonly listedOctets?: number | undefined
  /** Of its header section, as it came. */
  readonly octets?: number
}

/** Logs in and tries one thing after the other; what may cost the session comes last. Never throws. */
export async function probeMaildrop(
  options: MaildropOptions,
  signal: AbortSignal,
): Promise<MaildropReport> {
  try {
    return await new Visit(await openMaildrop(options, signal), signal).run()
  } catch (failure) {
    return { failure }
  }
}

type Draft = { -readonly [Key in keyof MaildropReport]: MaildropReport[Key] }

class Visit {
  readonly #wire: Wire
  readonly #session: Session
  readonly #facts: Opened['facts']
  readonly #signal: AbortSignal
  readonly #report: Draft

  constructor({ wire, facts }: Opened, signal: AbortSignal) {
    this.#wire = wire
    this.#session = new Session(wire, facts)
    this.#facts = facts
    this.#signal = signal
    this.#report = { mechanism: facts.mechanism, capabilities: answerOf(facts.after) }
  }

  async run(): Promise<MaildropReport> {
    const report = this.#report
    try {
      report.drop = await this.#session.stat()
      const rows = await this.#list()
      report.sizes = sizesOf(rows)
      report.uidl = await this.#tryUidl(rows.length)
      report.top = await this.#tryTop(smallestOf(rows))
      report.pipelining = await this.#tryPipelining()
      if (report.pipelining.result !== 'broken') report.quit = await this.#session.quit()
    } catch (failure) {
      report.failure = failure
      // After any other error the connection cannot go on.
      if (failure instanceof CommandError) report.quit = await this.#session.quit()
    } finally {
      this.#wire.close()
    }
    return report
  }

  /** Throws CommandError or SessionError if it is refused: no maildrop can do without. */
  async #list(): Promise<readonly ScanRow[]> {
    const rows = new Map<number, ScanRow>()
    const reply = await this.#listing('LIST', (lines) => {
      readScanRows(lines, (messageNumber, octets) => {
        rows.set(messageNumber, { messageNumber, octets })
      })
    })
    if (!reply.ok) throw commandRefusal('LIST', reply)
    return [...rows.values()]
  }

  async #tryUidl(messages: number): Promise<UidlTrial> {
    const isAnnounced = this.#session.capabilities.has('UIDL')
    const distinct = new Set<string>()
    let found = 0
    const reply = await this.#listing('UIDL', (lines) => {
      readUniqueIdRows(lines, (_, start, end) => {
        if (start === end) return
        found += 1
        distinct.add(octetString(lines, start, end))
      })
    })
    const result = reply.ok ? 'works' : 'refused'
    const words = reply.ok ? undefined : reply.line
    const missing = Math.max(0, messages - found)
    return { isAnnounced, result, words, messages: found, distinct: distinct.size, missing }
  }

  /** Of one small message: some old servers send all of it, whatever is asked for. */
  async #tryTop(row: ScanRow | undefined): Promise<TopTrial> {
    const isAnnounced = this.#session.capabilities.has('TOP')
    if (!row) return { isAnnounced, result: 'not tried', words: 'there is no message' }
    const { retrieve, data } = this.#facts.timeouts
    this.#wire.send([{ keyword: 'TOP', messageNumber: row.messageNumber, lines: 0 }])
    let event = await this.#wire.event(retrieve)
    if (event.type === 'status' && !event.ok) {
      return { isAnnounced, result: 'refused', words: event.line }
    }
    while (event.type !== 'end') event = await this.#wire.event(data)
    const { octets } = event
    return { isAnnounced, result: 'works', listedOctets: row.octets, octets }
  }

  /** Three commands in one write, then one alone: the replies must be those of the commands, in their order. */
  async #tryPipelining(): Promise<Trial> {
    const { after, timeouts } = this.#facts
    if (!after?.has('PIPELINING')) return { isAnnounced: false, result: 'not tried' }
    try {
      const problem = await this.#pipeline(timeouts)
      if (problem === undefined) return { isAnnounced: true, result: 'works' }
      return { isAnnounced: true, result: 'broken', words: problem }
    } catch (error) {
      this.#signal.throwIfAborted()
      const words = error instanceof Error ? error.message : String(error)
      return { isAnnounced: true, result: 'broken', words }
    }
  }

  /** Returns what is wrong with the replies. */
  async #pipeline({ listing, command }: Timeouts): Promise<string | undefined> {
    this.#wire.send([{ keyword: 'STAT' }, { keyword: 'NOOP' }, { keyword: 'STAT' }])
    const first = await this.#status(listing)
    const second = await this.#status(command)
    const third = await this.#status(listing)
    const last = await this.#wire.ask({ keyword: 'STAT' }, listing)
    if ([first, second, third, last].some(({ ok }) => !ok))
      return 'one of three commands is refused'
    const drops = [first, third, last].map(({ text }) => parseDropListing(text))
    const isSame = drops.every((drop) => drop?.messages === drops[0]?.messages)
    return isSame && second.text !== first.text ? undefined : 'the replies are out of step'
  }

  async #status(timeoutMs: number): Promise<StatusEvent> {
    const event = await this.#wire.event(timeoutMs)
    if (event.type === 'status') return event
    throw new ProtocolError('POP3_OUT_OF_STEP', 'no status line in reply to STAT')
  }

  #listing(keyword: 'LIST' | 'UIDL', onRows: (lines: Uint8Array) => void): Promise<StatusEvent> {
    const { listing, data } = this.#facts.timeouts
    this.#wire.send([{ keyword }])
    return this.#wire.rows({ first: listing, data }, onRows)
  }
}

function answerOf(after: Capabilities | undefined): CapabilityAnswer {
  if (!after) return { answer: 'closed' }
  if (after === NO_CAPABILITIES) return { answer: 'refused' }
  return { answer: 'listed', capabilities: after }
}

function sizesOf(rows: readonly ScanRow[]): Sizes {
  let [total, unsized] = [0, 0]
  let smallest: number | undefined
  let largest: number | undefined
  for (const { octets } of rows) {
    if (octets === undefined) {
      unsized += 1
      continue
    }
    total += octets
    smallest = Math.min(octets, smallest ?? octets)
    largest = Math.max(octets, largest ?? octets)
  }
  return { messages: rows.length, octets: total, smallest, largest, unsized }
}

function smallestOf(rows: readonly ScanRow[]): ScanRow | undefined {
  const sizeOf = ({ octets }: ScanRow): number => octets ?? Number.POSITIVE_INFINITY
  const [first, ...rest] = rows
  return rest.reduce((least, row) => (least && sizeOf(row) < sizeOf(least) ? row : least), first)
}
