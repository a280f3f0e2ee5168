/** A password or token in memory. */
import { inspect } from 'node:util'

/**
 * Holds a secret so that it is not printed by accident: as text, JSON or in a debugger's view it is `[redacted]`.
 * It is UTF-8 on the wire, whatever the server makes of it.
 */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  /** The secret itself. Its callers are the ones to look at in a review. */
  reveal(): string {
    return this.#text
  }

  toString(): string {
    return '[redacted]'
  }

  toJSON(): string {
    return '[redacted]'
  }

  [inspect.custom](): string {
    return '[redacted]'
  }
}
