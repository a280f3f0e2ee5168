/**
 * Whether messages of a retrieval are surely those of the rows that they were retrieved for. All +OK look alike: a reply
 * too few or too many hands each message over in its neighbour's place until something shows it.
 */
import { OutOfStepError } from './errors.ts'

/** More messages than these without their listed size, and the server's sizes are estimates: they tell nothing. */
const MOST_MISFITS = 32

/** Keeps the misfits between two proofs, and no more of them than tell something. */
export class StepRecord {
  #listed: number[] = []
  #came: number[] = []
  #misfits = 0

  /** A message came to its end: its octets as listed, and as they came. */
  ended(listed: number | undefined, came: number): void {
    if (listed === came || this.#misfits > MOST_MISFITS) return
    this.#misfits += 1
    this.#listed.push(listed ?? -1)
    this.#came.push(came)
  }

  /**
   * STAT was answered as it must be. Throws OutOfStepError if messages before it came in each other's place: some servers
   * that announce PIPELINING answer in another order. Then all but a few have their listed octets, and those few have each
   * other's.
   */
  requireOrder(): void {
    const [listed, came] = [this.#listed, this.#came].map((octets) => octets.sort((a, b) => a - b))
    this.#listed = []
    this.#came = []
    if (!listed?.length || this.#misfits > MOST_MISFITS) return
    if (listed.some((octets, index) => octets !== came?.[index])) return
    const text = `the server handed over ${listed.length} messages in each other's place`
    throw new OutOfStepError(text)
  }
}
