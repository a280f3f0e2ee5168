import { Pop3Error, ProtocolError, SessionError } from '../pop3/errors.ts'
import type { ProtocolEvent } from '../pop3/protocol.ts'

type ProtocolErrorCode = ConstructorParameters<typeof ProtocolError>[0]
type SessionErrorCode = ConstructorParameters<typeof SessionError>[0]

/** Shorter ones are part of too many words: nothing would be left of what the server said. */
const SHORTEST = 4

/** Masks secrets where a server says them back, as in `-ERR bad password hunter2`: its words go to logs and terminals. */
export class Concealment {
  readonly #secrets: string[] = []

  add(secret: string): void {
    if (secret.length >= SHORTEST && !this.#secrets.includes(secret)) this.#secrets.push(secret)
  }

  text(text: string): string {
    return this.#secrets.reduce((masked, secret) => masked.replaceAll(secret, '***'), text)
  }

  /**
   * Masks the line, which is what people get to see. `text` stays as it came: it is read by the program alone, and a
   * password of digits may be part of STAT's numbers.
   */
  event(event: ProtocolEvent): ProtocolEvent {
    if (!('text' in event)) return event
    return { ...event, line: this.text(event.line) }
  }

  /** The same error, or one of its kind without the secret. */
  error(error: unknown): unknown {
    if (!(error instanceof Pop3Error) || error.serverText === undefined) return error
    const { code, message, responseCode, cause } = error
    const serverText = this.text(error.serverText)
    if (serverText === error.serverText) return error
    const words = { serverText, responseCode, cause }
    if (error instanceof ProtocolError) {
      return new ProtocolError(code as ProtocolErrorCode, message, words)
    }
    if (error instanceof SessionError) {
      return new SessionError(code as SessionErrorCode, message, words)
    }
    return error
  }
}
