import { HEADER_OCTETS } from '../pop3/limits.ts'
import { concatOctets } from '../pop3/octets.ts'
import type { BodySink } from './pipeline.ts'

/** Keeps the first MiB of a response to TOP and drops the rest. */
export class TopCollector implements BodySink {
  readonly #receive: (header: Uint8Array) => void
  readonly #pieces: Uint8Array[] = []
  #room = HEADER_OCTETS

  constructor(receive: (header: Uint8Array) => void) {
    this.#receive = receive
  }

  write(octets: Uint8Array): undefined {
    if (this.#room === 0) return
    // Views die with the chunk, so what is kept is copied.
    const piece = octets.slice(0, this.#room)
    this.#pieces.push(piece)
    this.#room -= piece.length
  }

  end(): undefined {
    this.#receive(concatOctets(this.#pieces))
  }

  abandon(): void {
    this.#pieces.length = 0
  }
}
