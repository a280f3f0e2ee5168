/** What one session's retrievals say of how its server counts, and the messages that came short of its listing. */
import type { RetrievedRow } from './plan.ts'
import { isShort, type Measure, mayBeShort, modelOf, SAMPLE, type SizeModel } from './size-model.ts'

/** A message that came short, so it seemed when it ended. */
export interface ShortRow extends RetrievedRow {
  /** Undefined: it came short in a former run. */
  readonly gauge?: Gauge | undefined
  /** Hears which message the row is, once that is judged. */
  readonly onJudged: (row: RetrievedRow) => void
}

/** Counts the octets of one message as they come in. */
export class Gauge {
  readonly #listed: number | undefined
  readonly #countsLines: boolean
  #came = 0
  #lineEnds = 0

  /** Line ends cost a look at each octet. */
  constructor(listed: number | undefined, countsLines: boolean) {
    this.#listed = listed
    this.#countsLines = countsLines
  }

  write(octets: Uint8Array): void {
    this.#came += octets.length
    if (this.#countsLines) this.#lineEnds += lineFeedsIn(octets)
  }

  /** Undefined where the server lists no octets, or 0. */
  get measure(): Measure | undefined {
    if (!this.#listed) return undefined
    const lineEnds = this.#countsLines ? this.#lineEnds : undefined
    return { listed: this.#listed, came: this.#came, lineEnds }
  }
}

/** What one session has seen of listed and received octets, and the messages that wait for a judgement by it. */
export class SizeRecord {
  readonly #known: SizeModel | undefined
  readonly #sample: Measure[] = []
  #model: SizeModel | undefined
  #shorts: ShortRow[] = []

  /** `known`: what former sessions have shown. */
  constructor(known: SizeModel | undefined) {
    this.#known = known
    this.#model = known
  }

  /** Undefined while nobody can tell. */
  get model(): SizeModel | undefined {
    return this.#model
  }

  /** More messages are wanted to tell how the server counts. */
  get isOpen(): boolean {
    return this.#sample.length < SAMPLE
  }

  /** Of a message with these listed octets. Line ends are counted only where they matter. */
  gauge(listed: number | undefined): Gauge {
    return new Gauge(listed, listed !== undefined && (this.isOpen || this.#model === 'lf'))
  }

  /** Takes a message into the sample, if that is not full. */
  add(measure: Measure): void {
    if (!this.isOpen) return
    this.#sample.push(measure)
    this.#model = modelOf(this.#sample, this.#known)
  }

  /**
   * A message ended: whether it comes short, as far as can be said now. It goes into the sample. What former sessions have
   * shown excuses nothing before this one has shown as much: the server may count in another way by now.
   */
  seemsShort({ measure }: Gauge): boolean {
    if (measure === undefined) return false
    this.add(measure)
    return this.isOpen ? mayBeShort(measure) : isShort(this.#model, measure)
  }

  /** Whether it is short by the server's model. */
  isShort({ measure }: Gauge): boolean {
    return measure !== undefined && isShort(this.#model, measure)
  }

  /** One that seemed short was stored. */
  keep(row: ShortRow): void {
    this.#shorts.push(row)
  }

  get hasShort(): boolean {
    return this.#shorts.length > 0
  }

  /** Those kept so far, by what the server's model says of them now; they are forgotten here. */
  take(): { readonly short: readonly ShortRow[]; readonly whole: readonly ShortRow[] } {
    const short: ShortRow[] = []
    const whole: ShortRow[] = []
    for (const row of this.#shorts) {
      if (row.gauge === undefined || this.isShort(row.gauge)) short.push(row)
      else whole.push(row)
    }
    this.#shorts = []
    return { short, whole }
  }
}

const LF = 0x0a

function lineFeedsIn(octets: Uint8Array): number {
  let count = 0
  for (let at = 0; at < octets.length; at += 1) if (octets[at] === LF) count += 1
  return count
}
