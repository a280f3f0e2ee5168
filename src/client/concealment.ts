import { Pop3Error, ProtocolError, SessionError } from '../pop3/errors.ts'
import { octetString, octetsOf } from '../pop3/octets.ts'
import type { ProtocolEvent } from '../pop3/protocol.ts'
import { decodeBase64, encodeBase64 } from '../sasl/base64.ts'

type ProtocolErrorCode = ConstructorParameters<typeof ProtocolError>[0]
type SessionErrorCode = ConstructorParameters<typeof SessionError>[0]

/** Shorter ones are part of too many words: nothing would be left of what the server said. */
const SHORTEST = 4

/** Texts of at least so many characters may have been cut, and so many of a secret at their end are no coincidence. */
const CUT = 512
const PART = 8

/**
 * Masks secrets where a server says them back, as in `-ERR bad password hunter2`: its words go to logs and terminals. In
 * whatever form they were sent: as they are, in base64, as digests.
 */
export class Concealment {
  /** The longest first: one may be part of another. */
  readonly #secrets: string[] = []

  /** Takes the secret, and its base64 wherever in a message that begins. */
  add(secret: string): void {
    if (secret.length < SHORTEST) return
    const forms = [
      secret,
      secret.replace(/=+$/, ''),
      ...base64Forms(secret),
      ...escapedForms(secret),
    ]
    // A digest in hex.
    if (/^[0-9a-f]{32}$/.test(secret)) forms.push(secret.toUpperCase())
    for (const form of forms) {
      if (form.length >= SHORTEST && !this.#secrets.includes(form)) this.#secrets.push(form)
    }
    this.#secrets.sort((a, b) => b.length - a.length)
  }

  text(text: string): string {
    const masked = this.#secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text)
    return text.length < CUT ? masked : this.#withoutBeginning(masked)
  }

  /** Long texts are cut before they come here (pop3/, sasl/), perhaps in the middle of a secret. */
  #withoutBeginning(text: string): string {
    for (const secret of this.#secrets) {
      for (let length = Math.min(secret.length, text.length); length >= PART; length -= 1) {
        if (text.endsWith(secret.slice(0, length))) return `${text.slice(0, -length)}***`
      }
    }
    return text
  }

  /**
   * Masks the line, which is what people get to see. `text` stays as it came: it is read by the program alone, and a
   * password of digits may be part of STAT's numbers.
   */
  event(event: ProtocolEvent): ProtocolEvent {
    if (event.type === 'line' && event.command.keyword === 'TYPED') {
      // Shown as it comes. Lines of a listing are read by the program, and mail is kept as it is.
      const line = octetString(event.line)
      const masked = this.text(line)
      return masked === line ? event : { ...event, line: octetsOf(masked) }
    }
    if (!('text' in event)) return event
    if (event.type === 'continuation' && this.#isSecret(event.text)) {
      return { ...event, line: '+ ***' }
    }
    const line = this.text(event.line)
    return line === event.line ? event : { ...event, line }
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

  /**
   * Whether what the base64 means holds a secret, wherever in it that begins, or is the proof by which a SCRAM server ends
   * (RFC 5802 section 7): it is made of the password, and guesses could be tested by it.
   */
  #isSecret(base64: string): boolean {
    const octets = decodeBase64(base64)
    if (!octets) return false
    const text = new TextDecoder().decode(octets)
    return text.startsWith('v=') || this.text(text) !== text
  }
}

/** As hex digits, and as URLs have it. */
function escapedForms(secret: string): readonly string[] {
  const octets = new TextEncoder().encode(secret)
  const hex = Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join('')
  return [hex, hex.toUpperCase(), encodeURIComponent(new TextDecoder().decode(octets))]
}

/** Whole; and behind 0, 1 or 2 octets of something else the characters that depend on the secret alone. */
function base64Forms(secret: string): readonly string[] {
  const octets = new TextEncoder().encode(secret)
  const inner = [0, 1, 2].map((before) => {
    const message = new Uint8Array(before + octets.length)
    message.set(octets, before)
    const text = encodeBase64(message).replace(/=+$/, '')
    return text.slice(Math.ceil((before * 8) / 6), Math.floor((message.length * 8) / 6))
  })
  const whole = encodeBase64(octets)
  return [whole, whole.replace(/=+$/, ''), ...inner]
}
