/**
 * A maildrop in memory behind the engine's port, and a fuse that burns it down at a chosen step.
 *
 * It keeps the protocol's promises and no more: message numbers live for one session, deletes happen at QUIT only.
 */

import { parseCapabilities } from '../../src/pop3/capabilities.ts'
import { CommandError } from '../../src/pop3/errors.ts'
import type { ListedMessage } from '../../src/pop3/listing.ts'
import type { Maildrop, MaildropSession, QuitOutcome } from '../../src/sync/ports/maildrop.ts'
import { listingOf } from './listing-of.ts'

export interface FakeMessage {
  readonly uniqueId: string | undefined
  readonly octets: Uint8Array
  /** As LIST has it, where that is not the number of its octets; null: nothing usable. */
  readonly listed?: number | null
  /** What RETR brings, the nth time that it is asked for; else all of it. */
  readonly handsOver?: (time: number) => Uint8Array
}

export interface FakeMaildropOptions {
  readonly hasUniqueIds?: boolean
  readonly hasTop?: boolean
  readonly last?: number
  /** How QUIT ends. `lost-after`: the server commits, its reply is lost. `lost-before`: it never heard QUIT. */
  readonly quit?: 'done' | 'refused' | 'lost-after' | 'lost-before'
  /** Equal unique-ids are told apart by suffixes, counted anew in each session, as Dovecot can. */
  readonly renamesEqual?: boolean
  /** Message numbers that RETR refuses. */
  readonly refuses?: ReadonlySet<number>
  /** Message numbers that DELE refuses. */
  readonly refusesDeletion?: ReadonlySet<number>
  /** DELE deletes, and QUIT has nothing left to do. */
  readonly deletesAtOnce?: boolean
  /** The connection is lost behind so many DELEs. */
  readonly breaksBehindDeletions?: number
}

/** Counts steps and throws at the chosen one, and at every later one: the process or the line is dead. */
export class Fuse {
  steps = 0
  readonly #burnsAt: number

  constructor(burnsAt = Number.POSITIVE_INFINITY) {
    this.#burnsAt = burnsAt
  }

  step(): void {
    this.steps += 1
    if (this.isBurnt) throw new BurntError()
  }

  get isBurnt(): boolean {
    return this.steps >= this.#burnsAt
  }
}

export class BurntError extends Error {
  readonly code = 'NET_CLOSED'
}

export class FakeMaildrop implements Maildrop {
  /** What is on the server now. */
  messages: FakeMessage[]
  /** Commands as they came, e.g. 'RETR 3'. */
  readonly commands: string[] = []
  /** Whether each opening permitted pipelining. */
  readonly offers: boolean[] = []
  /** Octets of every message that QUIT removed. */
  readonly removed: Uint8Array[] = []
  options: FakeMaildropOptions
  fuse = new Fuse()
  readonly #times = new Map<FakeMessage, number>()

  constructor(messages: FakeMessage[], options: FakeMaildropOptions = {}) {
    this.messages = messages
    this.options = options
  }

  async open(
    _signal?: AbortSignal,
    options?: Parameters<Maildrop['open']>[1],
  ): Promise<MaildropSession> {
    this.fuse.step()
    if (options) this.offers.push(options.pipelining)
    return new FakeSession(this, options?.pipelining ?? true)
  }

  handOver(message: FakeMessage): Uint8Array {
    const time = (this.#times.get(message) ?? 0) + 1
    this.#times.set(message, time)
    return message.handsOver?.(time) ?? message.octets
  }
}

class FakeSession implements MaildropSession {
  readonly capabilities = parseCapabilities(['TOP', 'UIDL'])
  readonly pipelined: boolean
  readonly #drop: FakeMaildrop
  readonly #snapshot: readonly FakeMessage[]
  readonly #doomed = new Set<FakeMessage>()

  constructor(drop: FakeMaildrop, pipelined: boolean) {
    this.pipelined = pipelined
    this.#drop = drop
    this.#snapshot = [...drop.messages]
  }

  #command(line: string): void {
    this.#drop.fuse.step()
    this.#drop.commands.push(line)
  }

  #message({ messageNumber }: ListedMessage): FakeMessage {
    const message = this.#snapshot[messageNumber - 1]
    if (!message) throw new Error(`no message ${messageNumber}`)
    return message
  }

  async stat() {
    this.#command('STAT')
    return { messages: this.#snapshot.length, octets: undefined }
  }

  async listing(onRows?: (rows: number) => void) {
    this.#command('UIDL')
    const hasUniqueIds = this.#drop.options.hasUniqueIds !== false
    const uniqueIds = this.#uniqueIds()
    const rows = this.#snapshot.map(({ octets, listed = octets.length }, i) => ({
      messageNumber: i + 1,
      octets: listed ?? undefined,
      uniqueId: hasUniqueIds ? uniqueIds[i] : undefined,
    }))
    onRows?.(rows.length)
    return { rows: listingOf(rows), hasUniqueIds }
  }

  #uniqueIds(): readonly (string | undefined)[] {
    if (!this.#drop.options.renamesEqual) return this.#snapshot.map(({ uniqueId }) => uniqueId)
    const times = new Map<string | undefined, number>()
    return this.#snapshot.map(({ uniqueId }) => {
      const time = (times.get(uniqueId) ?? 0) + 1
      times.set(uniqueId, time)
      return time === 1 ? uniqueId : `${uniqueId}-${time}`
    })
  }

  async last() {
    this.#command('LAST')
    return this.#drop.options.last
  }

  async headers(
    rows: Iterable<ListedMessage>,
    receive: (row: ListedMessage, header: Uint8Array | undefined) => void,
  ) {
    for (const row of rows) {
      this.#command(`TOP ${row.messageNumber}`)
      if (this.#drop.options.hasTop === false) return false
      const { octets } = this.#message(row)
      const end = Buffer.from(octets).indexOf('\r\n\r\n')
      receive(row, end === -1 ? octets : octets.subarray(0, end + 2))
    }
    return true
  }

  async retrieve(
    rows: Iterable<ListedMessage>,
    receiver: Parameters<MaildropSession['retrieve']>[1],
  ) {
    let isAnswered = false
    for (const row of rows) {
      isAnswered = true
      this.#command(`RETR ${row.messageNumber}`)
      if (this.#drop.options.refuses?.has(row.messageNumber)) {
        receiver.refused(row, new CommandError('RETR', '-ERR poison', undefined))
        continue
      }
      const sink = receiver.begin(row)
      try {
        const octets = this.#drop.handOver(this.#message(row))
        const half = octets.length >> 1
        await sink.write(octets.subarray(0, half))
        this.#drop.fuse.step()
        await sink.write(octets.subarray(half))
        this.#drop.fuse.step()
      } catch (error) {
        sink.abandon()
        throw error
      }
      await sink.end()
    }
    if (isAnswered) receiver.inStep()
  }

  async delete(rows: readonly ListedMessage[]) {
    const { refusesDeletion, deletesAtOnce, breaksBehindDeletions } = this.#drop.options
    const accepted: ListedMessage[] = []
    for (const row of rows) {
      if (accepted.length === breaksBehindDeletions) throw new BurntError()
      this.#command(`DELE ${row.messageNumber}`)
      if (refusesDeletion?.has(row.messageNumber)) continue
      this.#doomed.add(this.#message(row))
      if (deletesAtOnce) this.#expunge()
      accepted.push(row)
    }
    return accepted
  }

  async quit(): Promise<QuitOutcome> {
    const { quit = 'done' } = this.#drop.options
    try {
      this.#command('QUIT')
    } catch {
      return 'lost'
    }
    if (quit === 'lost-before') return 'lost'
    if (quit === 'refused') return 'refused'
    this.#expunge()
    return quit === 'lost-after' || this.#drop.fuse.isBurnt ? 'lost' : 'done'
  }

  #expunge(): void {
    this.#drop.messages = this.#drop.messages.filter((m) => !this.#doomed.has(m))
    for (const { octets } of this.#doomed) this.#drop.removed.push(octets)
    this.#doomed.clear()
  }

  close(): void {}
}
