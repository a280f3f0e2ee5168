/**
 * Byte-stuffing and the termination octet of multi-line responses (RFC 1939 section 3).
 *
 * `CRLF . CRLF` always ends a body. The forms with a bare LF (`LF . CRLF`, `CRLF . LF`, `LF . LF`) come from servers that
 * end all their lines so, but also from a mail whose author wants the rest of it read as replies. They end a body only
 * if the status line of this response ended in a bare LF, or if the octets so far reach the listed size; else they are
 * data, a line whose dot was removed.
 */
import { CR, DOT, LF } from './octets.ts'

export interface BodyExpectation {
  /** The status line of this response ended in a bare LF: so may its termination octet. */
  readonly bareLineEnds: boolean
  /** Size by LIST; undefined if unknown. */
  readonly listedOctets: number | undefined
}

type State =
  /** Within a line. */
  | 'line'
  /** Before the first octet of a line. */
  | 'start'
  /** Behind a dot that begins a line. */
  | 'dot'
  /** Behind such a dot and CR. */
  | 'dot CR'

/**
 * Undoes byte-stuffing. Input may be cut anywhere, also inside CRLF or the termination; state is kept between chunks.
 * Returned views share memory with the chunk and die with it. CR, NUL, bare LF and 8-bit octets pass unchanged.
 */
export class BodyDecoder {
  #state: State = 'start'
  /** The line end before the present line start was CRLF. */
  #afterCrlf = true
  /** The last octet of data was CR. */
  #lastIsCr = false
  #octets = 0
  #ended = false
  #expectation: BodyExpectation
  /** Bare LFs so far, counted only if the first line of the body ended in one; undefined before that line's end. */
  #bareLineEnds: number | undefined
  #countsBare = false
  #chunk: Uint8Array = new Uint8Array(0)
  #at = 0

  constructor(expectation: BodyExpectation) {
    this.#expectation = expectation
    // The line before the first of the body is the status line.
    this.#afterCrlf = !expectation.bareLineEnds
  }

  /** The termination came; what follows `position` belongs to the next reply. */
  get ended(): boolean {
    return this.#ended
  }

  /** Octets of data so far. */
  get octets(): number {
    return this.#octets
  }

  /** Index in the present chunk of the first octet that was not used. */
  get position(): number {
    return this.#at
  }

  /** Takes the next chunk, from `from` on. The former one must have been used up. */
  feed(chunk: Uint8Array, from = 0): void {
    this.#chunk = chunk
    this.#at = from
  }

  /** The next octets of data, never empty; undefined when the chunk is used up or the body has ended. */
  next(): Uint8Array | undefined {
    while (!this.#ended && this.#at < this.#chunk.length) {
      const view = this.#step(this.#chunk[this.#at])
      if (view) return view
    }
    return undefined
  }

  #step(octet: number | undefined): Uint8Array | undefined {
    if (this.#state === 'dot') return this.#behindDot(octet)
    if (this.#state === 'dot CR') return this.#behindDotCr(octet)
    if (this.#state === 'start' && octet === DOT) {
      this.#state = 'dot'
      this.#at += 1
      return undefined
    }
    return this.#data()
  }

  #behindDot(octet: number | undefined): Uint8Array | undefined {
    if (octet === CR) {
      this.#state = 'dot CR'
      this.#at += 1
      return undefined
    }
    if (octet !== LF) {
      this.#state = 'line'
      return undefined
    }
    this.#at += 1
    return this.#lineOfDot(false)
  }

  #behindDotCr(octet: number | undefined): Uint8Array | undefined {
    if (octet === LF) {
      this.#at += 1
      return this.#lineOfDot(true)
    }
    // The CR may have been in the former chunk.
    this.#state = 'line'
    this.#lastIsCr = true
    this.#octets += 1
    return Uint8Array.of(CR)
  }

  /** A line that is nothing but a dot: the termination, or an empty line whose dot was stuffing. */
  #lineOfDot(endsInCrlf: boolean): Uint8Array | undefined {
    if ((this.#afterCrlf && endsInCrlf) || this.#mayEndBare()) {
      this.#ended = true
      return undefined
    }
    const line = endsInCrlf ? Uint8Array.of(CR, LF) : Uint8Array.of(LF)
    this.#account(line)
    this.#state = 'start'
    this.#afterCrlf = endsInCrlf
    return line
  }

  #mayEndBare(): boolean {
    const { bareLineEnds, listedOctets } = this.#expectation
    if (bareLineEnds) return true
    // Servers that list sizes counted with CRLF, and send LF, come out short by the number of lines.
    return listedOctets !== undefined && this.#octets + (this.#bareLineEnds ?? 0) >= listedOctets
  }

  /** Everything up to the next dot that begins a line, as one view. */
  #data(): Uint8Array {
    const chunk = this.#chunk
    const start = this.#at
    const stop = lineStartDot(chunk, start)
    const view = start === 0 && stop === chunk.length ? chunk : chunk.subarray(start, stop)
    const wasCr = this.#lastIsCr
    this.#account(view)
    this.#at = stop
    if (chunk[stop - 1] === LF) {
      this.#state = 'start'
      this.#afterCrlf = view.length > 1 ? chunk[stop - 2] === CR : wasCr
    } else {
      this.#state = 'line'
    }
    return view
  }

  #account(view: Uint8Array): void {
    if (this.#bareLineEnds === undefined) this.#learnLineEnds(view)
    if (this.#countsBare) this.#bareLineEnds = (this.#bareLineEnds ?? 0) + this.#bareIn(view)
    this.#octets += view.length
    this.#lastIsCr = view[view.length - 1] === CR
  }

  /** Only a body whose first line, which the server itself wrote, ends in a bare LF has its bare LFs counted. */
  #learnLineEnds(view: Uint8Array): void {
    const end = view.indexOf(LF)
    if (end < 0) return
    this.#bareLineEnds = 0
    this.#countsBare = end > 0 ? view[end - 1] !== CR : !this.#lastIsCr
  }

  #bareIn(view: Uint8Array): number {
    let bare = 0
    let before = this.#lastIsCr ? CR : 0
    for (const octet of view) {
      if (octet === LF && before !== CR) bare += 1
      before = octet
    }
    return bare
  }
}

/**
 * Index of the first dot behind an LF, from `start` + 1 on, or the length. Searching for dots beats searching for line
 * ends: text has fewer of them than lines would need searches, and base64 has none.
 */
function lineStartDot(chunk: Uint8Array, start: number): number {
  let dot = chunk.indexOf(DOT, start + 1)
  while (dot > 0 && chunk[dot - 1] !== LF) dot = chunk.indexOf(DOT, dot + 1)
  return dot < 0 ? chunk.length : dot
}
