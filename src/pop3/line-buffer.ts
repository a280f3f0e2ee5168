import { ProtocolError } from './errors.ts'
import { CR, concatOctets, DOT, LF, readableText } from './octets.ts'

/** Cuts lines out of chunks. A line that is not complete yet is held, each of its octets copied once. */
export class LineBuffer {
  #chunk: Uint8Array = new Uint8Array(0)
  #at = 0
  #held: Uint8Array[] = []
  #heldOctets = 0
  /** The last line ended in LF without CR. */
  #endedBare = false

  get endedBare(): boolean {
    return this.#endedBare
  }

  /** No octet waits, whether part of a line or not looked at yet. */
  get isEmpty(): boolean {
    return this.#heldOctets === 0 && this.#at === this.#chunk.length
  }

  /** What waits, as text to report; at most 512 octets. */
  get rest(): string {
    const pieces = [...this.#held, this.#chunk.subarray(this.#at)]
    return readableText(concatOctets(pieces).subarray(0, 512))
  }

  /** Takes a chunk. What the caller left unread of the former one is kept before it. */
  feed(chunk: Uint8Array): void {
    const isUsedUp = this.#at === this.#chunk.length
    this.#chunk = isUsedUp ? chunk : concatOctets([this.#chunk.subarray(this.#at), chunk])
    this.#at = 0
  }

  /**
   * The next line without LF or CRLF, or undefined until it is complete. The view dies with the next `feed`.
   * Throws ProtocolError (POP3_LIMIT) once the line passes `limit` octets, complete or not.
   */
  line(limit: number): Uint8Array | undefined {
    if (this.#at === this.#chunk.length) return undefined
    const lf = this.#chunk.indexOf(LF, this.#at)
    const end = lf < 0 ? this.#chunk.length : lf
    const piece = this.#chunk.subarray(this.#at, end)
    // Held lines may end in the CR of a CRLF, which does not count.
    if (this.#heldOctets + piece.length > limit + 1) throw this.#tooLong(limit)
    this.#at = lf < 0 ? end : lf + 1
    if (lf < 0) {
      this.#held.push(piece.slice())
      this.#heldOctets += piece.length
      return undefined
    }
    const whole = this.#heldOctets === 0 ? piece : concatOctets([...this.#held, piece])
    this.#held = []
    this.#heldOctets = 0
    this.#endedBare = whole[whole.length - 1] !== CR
    const line = this.#endedBare ? whole : whole.subarray(0, -1)
    if (line.length > limit) throw this.#tooLong(limit)
    return line
  }

  /**
   * All whole lines that wait, ends included, up to one that is a lone dot; undefined if there is none, or if the beginning of the
   * next came in a former chunk: ask `line` then. The view dies with the next `feed`. Throws like `line`.
   */
  wholeLines(limit: number): { readonly octets: Uint8Array; readonly count: number } | undefined {
    if (this.#heldOctets > 0) return undefined
    const chunk = this.#chunk
    const begin = this.#at
    let end = begin
    let count = 0
    for (let at = chunk.indexOf(LF, begin); at >= 0; at = chunk.indexOf(LF, end)) {
      const octets = at - end - (chunk[at - 1] === CR ? 1 : 0)
      if (octets > limit) throw this.#tooLong(limit)
      if (octets === 1 && chunk[end] === DOT) break
      end = at + 1
      count += 1
    }
    if (count === 0) return undefined
    this.#at = end
    return { octets: chunk.subarray(begin, end), count }
  }

  /** The octets behind the last line, to be read otherwise; `skip` says how many of them were used. */
  get unread(): Uint8Array {
    return this.#chunk.subarray(this.#at)
  }

  skip(octets: number): void {
    this.#at += octets
  }

  #tooLong(limit: number): ProtocolError {
    return new ProtocolError('POP3_LIMIT', `the server sent a line of more than ${limit} octets`, {
      serverText: this.rest,
    })
  }
}
