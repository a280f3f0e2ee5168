/**
 * Byte-stuffing on the sending side (RFC 1939 section 3): the opposite of BodyDecoder.
 */
import { CR, DOT, LF } from './octets.ts'

const STUFFING = Uint8Array.of(DOT)
const TERMINATION = Uint8Array.of(DOT, CR, LF)
const LINE_END_AND_TERMINATION = Uint8Array.of(CR, LF, DOT, CR, LF)

/**
 * Doubles each dot that begins a line, also behind a bare LF: readers differ in what ends a line, and a dot too many
 * there is better than a message that ends early. Input may be cut anywhere.
 */
export class BodyEncoder {
  /** The last two octets of data; a message begins behind the CRLF of the status line. */
  #before: number = CR
  #last = LF

  /** The same octets in pieces: views of the chunk, and a dot between them where one is due. */
  encode(chunk: Uint8Array): readonly Uint8Array[] {
    if (chunk.length === 0) return []
    const pieces: Uint8Array[] = []
    let start = 0
    let dot = chunk.indexOf(DOT)
    while (dot !== -1) {
      if ((dot === 0 ? this.#last : chunk[dot - 1]) === LF) {
        if (dot > start) pieces.push(chunk.subarray(start, dot))
        pieces.push(STUFFING)
        start = dot
      }
      dot = chunk.indexOf(DOT, dot + 1)
    }
    pieces.push(start === 0 ? chunk : chunk.subarray(start))
    this.#before = (chunk.length > 1 ? chunk[chunk.length - 2] : this.#last) ?? 0
    this.#last = chunk[chunk.length - 1] ?? 0
    return pieces
  }

  /** What ends the body: the termination, behind a line end of its own if the message lacks one. */
  end(): Uint8Array {
    return this.#before === CR && this.#last === LF ? TERMINATION : LINE_END_AND_TERMINATION
  }
}
