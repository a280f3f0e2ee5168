/**
 * Whether messages of a retrieval are surely those of the rows that they were retrieved for. All +OK look alike: a reply
 * too few or too many hands each message over in its neighbour's place until something shows it.
 */
import { OutOfStepError } from './errors.ts'
import { fits, type Measure, type SizeModel } from './size-model.ts'

/** Ways of counting by which a server's listed sizes are others than those that come, and all alike. */
const OTHER_COUNTS: readonly SizeModel[] = ['+2', 'lf']

/** Keeps what did not come with its listed octets, from one proof to the next: no more than the window checks at a time. */
export class StepRecord {
  #misfits: Measure[] = []
  #refused: number[] = []

  /** A message came to its end. Undefined: the server lists no octets for it. */
  ended(measure: Measure | undefined): void {
    if (measure && measure.listed !== measure.came) this.#misfits.push(measure)
  }

  /** A row was answered by -ERR: its message may have come in another's place. Unless that shows, those beside it come once more. */
  refused(listed: number | undefined): void {
    if (listed) this.#refused.push(listed)
  }

  /**
   * STAT was answered as it must be, so replies are as many as commands. Throws OutOfStepError if messages before it came in each
   * other's place all the same: some servers that announce PIPELINING answer in another order, and a refusal that comes late, or
   * a reply too few and one too many, shift all between them. Then at least half of the messages that came without their listed
   * octets have those of another row; of a few wrong sizes, or of estimates, that cannot be expected.
   */
  requireOrder(): void {
    const [misfits, refused] = [this.#misfits, this.#refused]
    this.#misfits = []
    this.#refused = []
    if (misfits.length === 0) return
    if (OTHER_COUNTS.some((model) => misfits.every((measure) => fits(model, measure)))) return
    const listed = [...misfits.map((measure) => measure.listed), ...refused]
    const displaced = countCommon(
      misfits.map(({ came }) => came),
      listed,
    )
    if (displaced === 0 || displaced * 2 < misfits.length) return
    const text = `the server handed messages over in each other's place (${displaced} seen)`
    throw new OutOfStepError(text)
  }
}

/** How many numbers two lists have in common, each as often as in both. */
function countCommon(some: readonly number[], others: readonly number[]): number {
  const left = new Map<number, number>()
  for (const other of others) left.set(other, (left.get(other) ?? 0) + 1)
  return some.filter((one) => {
    const count = left.get(one) ?? 0
    left.set(one, count - 1)
    return count > 0
  }).length
}
