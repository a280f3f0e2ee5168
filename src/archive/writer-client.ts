/** The main thread's side of the channel to a writer. */
import { ArchiveError, asArchiveError } from '../durable/errors.ts'
import { createMessageSummarizer, type MessageSummarizer } from '../message/summary.ts'
import {
  type FromWriter,
  type ToWriter,
  unpackError,
  unpackStored,
  type WriterPort,
} from './channel.ts'
import type { Stored } from './group-commit.ts'
import { OctetBatches } from './octet-batches.ts'
import type { ReceiptKey } from './receipts.ts'

/** A channel whose other end may die. */
export interface WriterConnection extends WriterPort<ToWriter, FromWriter> {
  /** Sets who hears that the other side is gone, with the reason if there is one. */
  ended(hear: (reason: unknown) => void): void
  /** Ends the other side. */
  close(): Promise<void>
}

/** Receives one message as it left the wire. See `MessageSink` of the sync ports. */
export interface OctetSink {
  write(octets: Uint8Array): Promise<void> | undefined
  end(options?: { readonly isShort: boolean }): Promise<void> | undefined
  abandon(): void
}

/** What became of a message, and the digest (hex) of what its sink received: the writer is not asked for that. */
export interface Received extends Stored {
  readonly digest: string
}

/** See `IntakeOutcome` of the sync ports. */
export interface SinkOutcome {
  stored(received: Received): void
  failed(error: unknown): void
}

/**
 * One message of those that go to the writer in batches. It is summarized on this side: the writer has more to do than the
 * thread that reads the socket, and what goes wrong between them cannot agree with its digest.
 */
class BatchedSink implements OctetSink {
  readonly #batches: OctetBatches
  readonly #intake: number
  readonly #outcome: SinkOutcome
  /** Let go at the end of the message: the sink is held until its commit. */
  #summarizer: MessageSummarizer | undefined = createMessageSummarizer()
  #digest = ''

  constructor(batches: OctetBatches, intake: number, outcome: SinkOutcome) {
    this.#batches = batches
    this.#intake = intake
    this.#outcome = outcome
  }

  write(octets: Uint8Array): Promise<void> | undefined {
    this.#summarizer?.write(octets)
    return this.#batches.write(this.#intake, octets)
  }

  end({ isShort } = { isShort: false }): Promise<void> | undefined {
    const summary = this.#summarizer?.end()
    this.#summarizer = undefined
    if (summary === undefined) return undefined
    this.#digest = Buffer.from(summary.digest).toString('hex')
    return this.#batches.end(this.#intake, summary, isShort)
  }

  abandon(): void {
    this.#batches.add(['abandon', this.#intake])
  }

  stored(stored: Stored): void {
    this.#outcome.stored({ ...stored, digest: this.#digest })
  }

  failed(error: unknown): void {
    this.#outcome.failed(error)
  }
}

interface Settlers {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

export class WriterClient {
  readonly #connection: WriterConnection
  readonly #batches: OctetBatches
  readonly #requests = new Map<number, Settlers>()
  readonly #intakes = new Map<number, BatchedSink>()
  #last = 0
  #end: { readonly error: unknown } | undefined

  constructor(connection: WriterConnection) {
    this.#connection = connection
    this.#batches = new OctetBatches((batch) => {
      if (!this.#end) connection.send({ type: 'batch', ...batch }, [batch.buffer])
    })
    connection.receive((message) => this.#hear(message))
    connection.ended((reason) => this.#lose(reason))
  }

  /** Asks the writer; what was written before is there before. Rejects if the writer has died. */
  request(method: string, account: string, ...parameters: readonly unknown[]): Promise<unknown> {
    this.#batches.flush()
    return new Promise((resolve, reject) => {
      if (this.#end) {
        reject(this.#end.error)
        return
      }
      const id = this.#next()
      this.#requests.set(id, { resolve, reject })
      this.#connection.send({ type: 'request', id, method, account, parameters })
    })
  }

  intake(
    account: string,
    { uniqueId, occurrence, octets }: ReceiptKey,
    { byCanonical }: { readonly byCanonical: boolean },
    outcome: SinkOutcome,
  ): OctetSink {
    const intake = this.#next()
    const sink = new BatchedSink(this.#batches, intake, outcome)
    if (this.#end) sink.failed(this.#end.error)
    else this.#intakes.set(intake, sink)
    this.#batches.add(['begin', intake, account, uniqueId, occurrence, octets, byCanonical])
    return sink
  }

  /** What ended since the last word belongs to its rows. */
  inStep(account: string): void {
    this.#batches.add(['inStep', account])
  }

  /** What ended since the last word may belong to other rows. */
  inDoubt(account: string): void {
    this.#batches.add(['inDoubt', account])
  }

  close(): Promise<void> {
    this.#lose(undefined)
    return this.#connection.close()
  }

  #next(): number {
    this.#last += 1
    return this.#last
  }

  #hear(message: FromWriter): void {
    switch (message.type) {
      case 'reply':
        take(this.#requests, message.id)?.resolve(message.value)
        return
      case 'failure':
        take(this.#requests, message.id)?.reject(unpackError(message.error))
        return
      case 'stored':
        for (const stored of message.stored) {
          take(this.#intakes, stored[0])?.stored(unpackStored(stored))
        }
        return
      case 'unstored':
        take(this.#intakes, message.intake)?.failed(unpackError(message.error))
        return
      case 'taken':
        this.#batches.taken(message.buffer, message.octets)
    }
  }

  /** Whatever was asked or sent and not answered may have happened or not: nothing of it counts. */
  #lose(reason: unknown): void {
    if (this.#end) return
    const error = endOf(reason)
    this.#end = { error }
    const requests = [...this.#requests.values()]
    const intakes = [...this.#intakes.values()]
    this.#requests.clear()
    this.#intakes.clear()
    for (const sink of intakes) sink.failed(error)
    for (const { reject } of requests) reject(error)
    this.#batches.stop()
  }
}

/** Where the thread could not even be loaded, the system said why. */
function endOf(reason: unknown): unknown {
  const error = asArchiveError(reason, "the archive's writer", 'write')
  if (error instanceof ArchiveError) return error
  const why = reason instanceof Error ? `: ${reason.message}` : ''
  return new ArchiveError('ARCHIVE_IO', `the archive's writer has ended${why}`, { cause: reason })
}

function take<T>(from: Map<number, T>, id: number): T | undefined {
  const found = from.get(id)
  from.delete(id)
  return found
}
