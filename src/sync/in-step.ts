/**
 * Which messages of a retrieval are surely those of the rows that they were retrieved for. All +OK look alike: a reply
 * too few or too many hands each message over in its neighbour's place until something shows it.
 */
import type { ListedMessage } from '../pop3/listing.ts'
import { OutOfStepError } from './errors.ts'
import type { Stored } from './ports.ts'

/** More messages than these without their listed size, and the server's sizes are estimates: they tell nothing. */
const MOST_MISFITS = 32

interface Misfit {
  readonly listed: number
  readonly came: number
  readonly receipt: number
}

/** Keeps what came since the last proof, and a few misfits; not all rows. */
export class StepRecord {
  /** Answered since the last proof, with its receipt once stored. */
  readonly #unproven = new Map<ListedMessage, number | undefined>()
  readonly #misfits: Misfit[] = []
  #swapped: readonly Misfit[] = []

  /** The body of this row, or what is taken for it, begins. */
  answered(row: ListedMessage): void {
    this.#unproven.set(row, undefined)
  }

  stored(row: ListedMessage, { receipt, octets }: Stored): void {
    if (this.#unproven.has(row)) this.#unproven.set(row, receipt)
    if (row.octets === octets || this.#misfits.length > MOST_MISFITS) return
    this.#misfits.push({ listed: row.octets ?? -1, came: octets, receipt })
  }

  /** Proof came that all so far is what it was taken for. */
  inStep(): void {
    this.#unproven.clear()
  }

  /**
   * To be asked once all is stored. Some servers that announce PIPELINING answer in another order: then all messages but
   * a few have their listed octets, and those few have each other's.
   */
  swapped(): { readonly error: OutOfStepError } | undefined {
    const misfits = this.#misfits
    if (misfits.length === 0 || misfits.length > MOST_MISFITS) return undefined
    const listed = misfits.map((misfit) => misfit.listed).sort((a, b) => a - b)
    const came = misfits.map((misfit) => misfit.came).sort((a, b) => a - b)
    if (listed.some((octets, index) => octets !== came[index])) return undefined
    this.#swapped = misfits
    const text = `the server handed over ${misfits.length} messages in each other's place`
    return { error: new OutOfStepError(text) }
  }

  /** Receipts that may be those of other messages. */
  doubtful(): readonly number[] {
    const unproven = [...this.#unproven.values()].filter((receipt) => receipt !== undefined)
    return [...unproven, ...this.#swapped.map(({ receipt }) => receipt)]
  }
}
