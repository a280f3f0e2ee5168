/**
 * A maildrop in memory whose replies come in a stream, as on a wire: one that is lost or doubled hands each message over
 * in its neighbour's place until a STAT shows it. Message numbers live for one session, and only QUIT deletes.
 */
import { parseCapabilities } from '../../src/pop3/capabilities.ts'
import { CommandError } from '../../src/pop3/errors.ts'
import type { ListedMessage } from '../../src/pop3/listing.ts'
import type {
  Maildrop,
  MaildropSession,
  MessageReceiver,
  QuitOutcome,
} from '../../src/sync/ports/maildrop.ts'
import { type FakeMessage, Fuse } from './fake-maildrop.ts'
import { listingOf } from './listing-of.ts'
import { failure } from './moody-maildrop.ts'

/** What goes wrong in one session; numbers count its RETRs, or its TOPs, from 1, 0 is never. */
export interface Faults {
  readonly refused: number
  /**
   * The reply to this RETR does not come, comes twice, or changes places with the next of another size. One of them: a reply
   * too few and one too many make good for each other, and nothing tells.
   */
  readonly mixed: Mixed
  /** The same of its TOPs. */
  readonly mixedTop: Mixed
  /** The connection breaks in the middle of this body. */
  readonly broken: number
  readonly quit: 'done' | 'refused' | 'lost-after' | 'lost-before'
}

export interface Mixed {
  readonly reply: 'lost' | 'doubled' | 'swapped'
  readonly at: number
}

const NEVER: Mixed = { reply: 'lost', at: 0 }

const NO_FAULTS: Faults = {
  ...{ refused: 0, mixed: NEVER, mixedTop: NEVER, broken: 0 },
  quit: 'done',
}

/** STAT stands behind so many RETRs or TOPs; an archive that commits more often has some between that no STAT has followed. */
const CHECK_ROWS = 5

type Reply = FakeMessage | 'refused' | 'STAT'

export class FaultyMaildrop implements Maildrop {
  /** What a session shows. */
  messages: readonly FakeMessage[] = []
  /** Of the sessions to come, in turn; those behind have none. */
  faults: readonly Faults[] = []
  fuse = new Fuse()
  hasTop = true
  /** Equal unique-ids are told apart by suffixes, counted anew in each session, as Dovecot can. */
  hasSuffixes = false
  /** Hear what is asked, before it has an effect. */
  onRetrieve: (message: FakeMessage) => void = () => {}
  onDelete: (message: FakeMessage) => void = () => {}
  /** Hears what QUIT removed. */
  onRemoved: (messages: ReadonlySet<FakeMessage>) => void = () => {}

  async open(_signal: AbortSignal, options: { readonly pipelining: boolean }) {
    this.fuse.step()
    const [faults = NO_FAULTS, ...later] = this.faults
    this.faults = later
    return new FaultySession(this, faults, options.pipelining)
  }

  removed(messages: ReadonlySet<FakeMessage>): void {
    this.messages = this.messages.filter((message) => !messages.has(message))
    this.onRemoved(messages)
  }
}

class FaultySession implements MaildropSession {
  readonly capabilities = parseCapabilities(['TOP', 'UIDL', 'PIPELINING'])
  readonly pipelined: boolean
  readonly #drop: FaultyMaildrop
  readonly #faults: Faults
  readonly #shown: readonly FakeMessage[]
  readonly #doomed = new Set<FakeMessage>()
  #replies: Reply[] = []
  #retrievals = 0
  #headers = 0
  #bodies = 0

  constructor(drop: FaultyMaildrop, faults: Faults, pipelined: boolean) {
    this.#drop = drop
    this.#faults = faults
    this.#shown = [...drop.messages]
    this.pipelined = pipelined
  }

  async stat() {
    this.#drop.fuse.step()
    return { messages: this.#shown.length, octets: undefined }
  }

  async listing() {
    this.#drop.fuse.step()
    const times = new Map<string | undefined, number>()
    const rows = this.#shown.map(({ uniqueId, octets }, index) => {
      const time = (times.get(uniqueId) ?? 0) + 1
      times.set(uniqueId, time)
      const isSuffixed = this.#drop.hasSuffixes && time > 1
      return {
        ...{ messageNumber: index + 1, octets: octets.length },
        uniqueId: isSuffixed ? `${uniqueId}-${time}` : uniqueId,
      }
    })
    return {
      rows: listingOf(rows),
      hasUniqueIds: this.#shown.every(({ uniqueId }) => uniqueId !== undefined),
    }
  }

  async last() {
    this.#drop.fuse.step()
    return undefined
  }

  async headers(
    rows: Iterable<ListedMessage>,
    receive: (row: ListedMessage, header: Uint8Array | undefined) => void,
  ) {
    if (!this.#drop.hasTop) {
      this.#drop.fuse.step()
      return false
    }
    await this.#run(rows, {
      ask: (row) => this.#askTop(row),
      hear: (row) => {
        const reply = this.#reply()
        const octets = reply === 'refused' ? undefined : Buffer.from(reply.octets)
        receive(row, octets?.subarray(0, octets.indexOf('\r\n\r\n') + 2))
      },
      inStep: () => {},
    })
    return true
  }

  async retrieve(rows: Iterable<ListedMessage>, receiver: MessageReceiver) {
    await this.#run(rows, {
      ask: (row) => this.#askRetr(row),
      hear: (row) => this.#hearRetr(row, receiver),
      inStep: () => receiver.inStep(),
    })
  }

  async #run(
    rows: Iterable<ListedMessage>,
    exchange: {
      ask(row: ListedMessage): void
      hear(row: ListedMessage): Promise<void> | void
      inStep(): void
    },
  ): Promise<void> {
    const all = [...rows]
    for (let start = 0; start < all.length; start += CHECK_ROWS) {
      const part = all.slice(start, start + CHECK_ROWS)
      if (this.pipelined) for (const row of part) exchange.ask(row)
      for (const row of part) {
        if (!this.pipelined) exchange.ask(row)
        await exchange.hear(row)
      }
      this.#drop.fuse.step()
      this.#replies.push('STAT')
      if (this.#replies.shift() !== 'STAT') throw failure('POP3_OUT_OF_STEP')
      exchange.inStep()
    }
  }

  async delete(rows: readonly ListedMessage[]) {
    for (const row of rows) {
      this.#drop.fuse.step()
      const message = this.#message(row)
      this.#drop.onDelete(message)
      this.#doomed.add(message)
    }
    return rows
  }

  async quit(): Promise<QuitOutcome> {
    const { quit } = this.#faults
    try {
      this.#drop.fuse.step()
    } catch {
      return 'lost'
    }
    if (quit === 'lost-before') return 'lost'
    if (quit === 'refused') return 'refused'
    this.#drop.removed(this.#doomed)
    return quit === 'lost-after' || this.#drop.fuse.isBurnt ? 'lost' : 'done'
  }

  close(): void {}

  #message({ messageNumber }: ListedMessage): FakeMessage {
    const message = this.#shown[messageNumber - 1]
    if (!message) throw new Error(`no message ${messageNumber}`)
    return message
  }

  #askRetr(row: ListedMessage): void {
    this.#drop.fuse.step()
    const message = this.#message(row)
    this.#drop.onRetrieve(message)
    const { refused, mixed } = this.#faults
    this.#retrievals += 1
    const turn = this.#retrievals
    this.#answer(turn === refused ? 'refused' : message, turn, mixed)
  }

  #askTop(row: ListedMessage): void {
    this.#drop.fuse.step()
    this.#headers += 1
    this.#answer(this.#message(row), this.#headers, this.#faults.mixedTop)
  }

  /** A command has reached the server: its replies reach the stream. */
  #answer(reply: Reply, turn: number, mixed: Mixed): void {
    const [before] = this.#replies.slice(-1)
    if (mixed.reply === 'swapped' && turn === mixed.at + 1 && isOfOtherSize(before, reply)) {
      this.#replies.splice(-1, 1, reply, before)
      return
    }
    const times = turn === mixed.at ? { lost: 0, doubled: 2, swapped: 1 }[mixed.reply] : 1
    for (let time = 0; time < times; time += 1) this.#replies.push(reply)
  }

  /** What comes in place of the reply to RETR or TOP. */
  #reply(): FakeMessage | 'refused' {
    const reply = this.#replies.shift()
    if (reply === undefined) throw failure(this.pipelined ? 'POP3_OUT_OF_STEP' : 'NET_TIMEOUT')
    if (reply === 'STAT') throw failure('POP3_OUT_OF_STEP')
    return reply
  }

  async #hearRetr(row: ListedMessage, receiver: MessageReceiver): Promise<void> {
    const reply = this.#reply()
    if (reply === 'refused') {
      receiver.refused(row, new CommandError('RETR', '-ERR poison', undefined))
      return
    }
    const sink = receiver.begin(row)
    const { octets } = reply
    const half = octets.length >> 1
    this.#bodies += 1
    try {
      await sink.write(octets.subarray(0, half))
      this.#drop.fuse.step()
      if (this.#bodies === this.#faults.broken) throw failure('NET_CLOSED')
      await sink.write(octets.subarray(half))
      this.#drop.fuse.step()
    } catch (error) {
      sink.abandon()
      throw error
    }
    await sink.end()
  }
}

function isOfOtherSize(before: Reply | undefined, reply: Reply): before is FakeMessage {
  if (typeof before !== 'object' || typeof reply !== 'object') return false
  return before.octets.length !== reply.octets.length
}
