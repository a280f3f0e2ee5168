/**
 * The body of a response to RETR or TOP, as it goes on the wire.
 */
import { BodyEncoder } from '../pop3/body-encoder.ts'
import { CR, LF } from '../pop3/octets.ts'
import type { MaildropMessage } from './maildrop-source.ts'

/**
 * Byte-stuffed octets and the termination octet. With `bodyLines`, the header section, the blank line and that many
 * lines of the body (RFC 1939 section 7, TOP); the message is not read further than that.
 */
export async function* messageOctets(
  message: MaildropMessage,
  bodyLines: number | undefined,
): AsyncGenerator<Uint8Array> {
  const encoder = new BodyEncoder()
  const top = bodyLines === undefined ? undefined : new TopLines(bodyLines)
  for await (const chunk of message.read()) {
    yield* encoder.encode(top === undefined ? chunk : top.take(chunk))
    if (top?.isDone) break
  }
  yield encoder.end()
}

/** Counts lines across chunks: all up to the blank one, then `bodyLines` more. */
class TopLines {
  #linesLeft: number
  #inHeader = true
  /** The present line holds no octet but CR so far. */
  #isBlank = true

  constructor(bodyLines: number) {
    this.#linesLeft = bodyLines
  }

  get isDone(): boolean {
    return !this.#inHeader && this.#linesLeft === 0
  }

  /** The part of the chunk that belongs to the response. */
  take(chunk: Uint8Array): Uint8Array {
    for (let at = 0; at < chunk.length; at += 1) {
      if (this.isDone) return chunk.subarray(0, at)
      const octet = chunk[at]
      if (octet !== LF) {
        if (octet !== CR) this.#isBlank = false
        continue
      }
      if (!this.#inHeader) this.#linesLeft -= 1
      else if (this.#isBlank) this.#inHeader = false
      this.#isBlank = true
    }
    return chunk
  }
}
