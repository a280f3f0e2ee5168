/**
 * Octets on their way to the writer: copied into buffers that are transferred, since a message to another thread costs
 * far more than the octets in it.
 */
import type { MessageSummary } from '../message/summary.ts'
import { DIGESTS_OCTETS, type IntakeStep, packSummary } from './channel.ts'
import { GROUP_OCTETS } from './limits.ts'
import { dropped } from './short-lived.ts'

const BATCH_OCTETS = 256 * 1024
const BATCH_STEPS = 2048

/** What a message counts for beside its octets: its steps, its summary, and who waits for it. */
const MESSAGE_OCTETS = 512

/**
 * Octets that the writer has not taken in yet; beyond it, senders are asked to wait. As many as go into one commit, so that the
 * socket is read while that waits for its disk. Buffers stay for the next batch, and count in full for the memory of the process.
 */
const IN_FLIGHT_OCTETS = GROUP_OCTETS

/**
 * Batches in flight from which on only full ones are sent: a writer that waits for its disk takes nothing sooner for being
 * told sooner, and each batch, however little is in it, is a whole buffer.
 */
const UNFILLED_BATCHES = 2

export interface Batch {
  readonly buffer: ArrayBuffer
  /** What it counts for while the writer has not taken it in. */
  readonly octets: number
  readonly steps: readonly IntakeStep[]
}

export class OctetBatches {
  readonly #send: (batch: Batch) => void
  readonly #idle: ArrayBuffer[] = []
  readonly #waiting: (() => void)[] = []
  #buffer: Uint8Array | undefined
  #filled = 0
  /** Messages that end in the present batch. */
  #ends = 0
  #steps: IntakeStep[] = []
  #inFlight = 0
  #batches = 0
  #isScheduled = false
  #isStopped = false

  constructor(send: (batch: Batch) => void) {
    this.#send = send
  }

  add(step: IntakeStep): void {
    this.#steps.push(step)
    if (this.#steps.length >= BATCH_STEPS) this.flush()
    else this.#schedule()
  }

  /** Copies the octets. The promise asks to wait; it resolves when the writer has caught up. */
  write(intake: number, octets: Uint8Array): Promise<void> | undefined {
    if (this.#isStopped) return undefined
    for (let start = 0; start < octets.byteLength; ) {
      const buffer = this.#room()
      const part = octets.subarray(start, start + buffer.byteLength - this.#filled)
      buffer.set(part, this.#filled)
      this.#extend(intake, this.#filled + part.byteLength)
      start += part.byteLength
      if (this.#filled === buffer.byteLength) this.flush()
    }
    dropped(octets.byteLength)
    return this.#pause()
  }

  /** All octets of an intake were written; what they say of their message follows them. May ask to wait, as `write`. */
  end(intake: number, summary: MessageSummary, isShort: boolean): Promise<void> | undefined {
    if (this.#isStopped) return undefined
    if (this.#filled + DIGESTS_OCTETS > BATCH_OCTETS) this.flush()
    const packed = packSummary(summary, this.#room(), this.#filled)
    this.#filled += DIGESTS_OCTETS
    this.#ends += 1
    this.add(['end', intake, isShort, ...packed])
    return this.#pause()
  }

  /** Sends what was added so far. */
  flush(): void {
    if (this.#steps.length === 0) return
    const buffer = this.#buffer?.buffer as ArrayBuffer | undefined
    const octets = this.#counted()
    const batch = { buffer: buffer ?? new ArrayBuffer(0), octets, steps: this.#steps }
    this.#inFlight += octets
    this.#batches += 1
    this.#buffer = undefined
    this.#filled = 0
    this.#ends = 0
    this.#steps = []
    this.#send(batch)
  }

  /** The writer has taken a batch in. */
  taken(buffer: ArrayBuffer, octets: number): void {
    this.#inFlight -= octets
    this.#batches -= 1
    if (buffer.byteLength === BATCH_OCTETS) this.#idle.push(buffer)
    if (this.#inFlight <= IN_FLIGHT_OCTETS / 2) this.#release()
    if (this.#batches < UNFILLED_BATCHES) this.flush()
  }

  /** Nobody will take anything any more: whoever waits goes on, to hear of it elsewhere, and what comes is dropped. */
  stop(): void {
    this.#isStopped = true
    this.#release()
  }

  #counted(): number {
    return this.#filled + this.#ends * MESSAGE_OCTETS
  }

  #pause(): Promise<void> | undefined {
    if (this.#inFlight + this.#counted() <= IN_FLIGHT_OCTETS) return undefined
    this.flush()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #room(): Uint8Array {
    this.#buffer ??= new Uint8Array(this.#idle.pop() ?? new ArrayBuffer(BATCH_OCTETS))
    return this.#buffer
  }

  #extend(intake: number, end: number): void {
    const start = this.#filled
    this.#filled = end
    const last = this.#steps.at(-1)
    if (last?.[0] === 'octets' && last[1] === intake) last[3] = end
    else this.add(['octets', intake, start, end])
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      if (this.#batches < UNFILLED_BATCHES) this.flush()
    })
  }
}
