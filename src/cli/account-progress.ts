import type { SyncEvent } from '../sync/ports/events.ts'
import { cut, humanOctets, padded, shortened } from './columns.ts'
import { safe } from './safe.ts'
import { waitingWords } from './waiting-words.ts'

/** Rate and time left are taken over this much of the recent past. */
const WINDOW_MS = 5000
/** On a terminal of the usual 80 columns all figures of some thousand messages find room beside these. */
const NARROW = { name: 12, bar: 8 }
const WIDE = { name: 20, bar: 20 }
const WIDE_COLUMNS = 100

/** The rate is missed least, and the drawing next. */
const FORMS = [
  ['drawing', 'counts', 'octets', 'rate', 'left'],
  ['drawing', 'counts', 'octets', 'left'],
  ['counts', 'octets', 'left'],
  ['counts', 'left'],
] as const

type Part = (typeof FORMS)[number][number]

/** How far one account's sync is: takes its events, gives the line to draw. Clock passed in, ms. */
export class AccountProgress {
  readonly #name: string
  #phase: 'waiting' | 'connecting' | 'listing' | 'retrieving' | 'deleting' | 'pausing' = 'waiting'
  #rows = 0
  #totalRows = 0
  #messages = 0
  #totalMessages = 0
  #octets = 0
  #totalOctets = 0
  #deletes = 0
  #pause: Extract<SyncEvent, { type: 'waiting' }> | undefined
  #samples: { readonly at: number; readonly octets: number }[] = []

  constructor(name: string) {
    this.#name = safe(name)
  }

  take(event: SyncEvent, now: number): void {
    switch (event.type) {
      case 'connecting':
        this.#phase = 'connecting'
        break
      case 'listing':
        this.#phase = 'listing'
        this.#rows = event.rows
        this.#totalRows = event.total
        break
      case 'plan':
        this.#phase = 'retrieving'
        // A run may have several sessions.
        this.#totalMessages = this.#messages + event.retrieve
        this.#totalOctets = this.#octets + event.octets
        this.#samples = [{ at: now, octets: this.#octets }]
        break
      case 'receiving':
        this.#octets += event.octets
        this.#sample(now)
        break
      case 'stored':
      case 'refused':
        this.#messages += 1
        break
      case 'deleting':
        this.#phase = 'deleting'
        this.#deletes = event.messages
        break
      case 'waiting':
        this.#phase = 'pausing'
        this.#pause = event
        break
      case 'deleted':
      case 'notice':
        break
    }
  }

  /** One line of at most `width` columns. */
  line(width: number, now: number): string {
    const { name: nameWidth, bar } = width < WIDE_COLUMNS ? NARROW : WIDE
    const name = padded(shortened(this.#name, nameWidth), nameWidth)
    return cut(`${name}  ${this.#state(now, width - nameWidth - 2, bar)}`, width).trimEnd()
  }

  #state(now: number, width: number, bar: number): string {
    switch (this.#phase) {
      case 'waiting':
      case 'connecting':
        return this.#phase
      case 'listing':
        return `listing ${number(this.#rows)} of ${number(this.#totalRows)}`
      case 'deleting':
        return `deleting ${number(this.#deletes)} on the server`
      case 'pausing':
        return this.#pausing(now)
      case 'retrieving':
        return this.#retrieving(now, width, bar)
    }
  }

  #pausing(now: number): string {
    if (this.#pause === undefined) return 'waiting'
    const { until, reason } = this.#pause
    const words = waitingWords(until, reason)
    if (until === undefined) return words
    return `${words}  ${clock(Math.max(0, Date.parse(until) - now) / 1000)} left`
  }

  #retrieving(now: number, width: number, bar: number): string {
    const total = Math.max(this.#totalOctets, this.#octets)
    // What came short is retrieved once more.
    const messages = Math.max(this.#totalMessages, this.#messages)
    if (messages === 0) return 'nothing new'
    const rate = this.#rate(now)
    const parts: Record<Part, string> = {
      drawing: drawBar(total === 0 ? 1 : this.#octets / total, bar),
      counts: `${number(this.#messages)}/${number(messages)}`,
      octets: `${humanOctets(this.#octets)} of ${humanOctets(total)}`,
      rate: rate > 0 ? `${humanOctets(Math.round(rate))}/s` : '',
      left: rate > 0 ? `${clock((total - this.#octets) / rate)} left` : '',
    }
    return formFor({ messages, total }, width, bar)
      .map((part) => parts[part])
      .filter((text) => text !== '')
      .join('  ')
  }

  #sample(now: number): void {
    const last = this.#samples.at(-1)
    if (last && now - last.at < 200) return
    this.#samples.push({ at: now, octets: this.#octets })
    while ((this.#samples[1]?.at ?? now) < now - WINDOW_MS) this.#samples.shift()
  }

  /** Octets a second over the window. */
  #rate(now: number): number {
    const first = this.#samples[0]
    if (!first || now - first.at < 500) return 0
    return ((this.#octets - first.octets) * 1000) / (now - first.at)
  }
}

/** By the widest that it may become: what is shown from time to time alone is hard to read. */
function formFor(
  { messages, total }: { readonly messages: number; readonly total: number },
  width: number,
  bar: number,
): readonly Part[] {
  const widest: Record<Part, number> = {
    drawing: bar,
    counts: 2 * number(messages).length + 1,
    octets: '999.9 kB of '.length + humanOctets(total).length,
    rate: '999.9 kB/s'.length,
    left: '0:00 left'.length,
  }
  const widthOf = (form: readonly Part[]) => form.reduce((sum, part) => sum + widest[part] + 2, -2)
  return FORMS.find((form) => widthOf(form) <= width) ?? ['counts']
}

function drawBar(share: number, width: number): string {
  const full = Math.min(width, Math.floor(share * width))
  return '█'.repeat(full) + '░'.repeat(width - full)
}

/** Seconds as `m:ss`, or `h:mm:ss`. */
function clock(seconds: number): string {
  const whole = Math.min(Math.ceil(seconds), 359_999)
  const parts = [Math.floor(whole / 60) % 60, whole % 60]
  const hours = Math.floor(whole / 3600)
  const [minutes, rest] = parts.map((part) => String(part).padStart(2, '0'))
  return hours > 0 ? `${hours}:${minutes}:${rest}` : `${parts[0]}:${rest}`
}

function number(count: number): string {
  return count.toLocaleString('en-US')
}
