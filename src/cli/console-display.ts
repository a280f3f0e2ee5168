/** What the server said in a session by hand, as it goes to stdout. */
import type { Heard } from '../client/by-hand.ts'
import { BodyEncoder } from '../pop3/body-encoder.ts'
import { safe, safeText } from './safe.ts'

/** Turns each event into what is to be written; empty if nothing is yet. */
export type Display = (heard: Heard) => string | Uint8Array

/** For a person: lines of safe text, byte-stuffing undone, the termination octet on a line of its own. */
export function terminalDisplay(): Display {
  let body = new BodyText()
  return (heard) => {
    switch (heard.type) {
      case 'line':
        return `${safe(new TextDecoder().decode(heard.line))}\n`
      case 'body':
        return body.push(heard.octets)
      case 'end': {
        const rest = body.end()
        body = new BodyText()
        return `${rest}.\n`
      }
      case 'greeting':
      case 'status':
      case 'continuation':
      case 'unasked':
        return `${safe(heard.line)}\n`
    }
  }
}

/** For a program: what the server sent, as a server sends it: CRLF, byte-stuffing, mail octet for octet. */
export function octetDisplay(): Display {
  let encoder = new BodyEncoder()
  return (heard) => {
    switch (heard.type) {
      case 'line': {
        const line = Buffer.from(heard.line)
        const stuffing = line[0] === 0x2e ? '.' : ''
        return Buffer.concat([Buffer.from(stuffing), line, Buffer.from('\r\n')])
      }
      case 'body':
        return Buffer.concat(encoder.encode(heard.octets))
      case 'end': {
        const end = heard.octets === 0 ? Buffer.from('.\r\n') : encoder.end()
        encoder = new BodyEncoder()
        return end
      }
      case 'greeting':
      case 'status':
      case 'continuation':
      case 'unasked':
        return Buffer.from(`${heard.line}\r\n`)
    }
  }
}

/** A message on its way to a terminal, cut anywhere: UTF-8 where it is that, controls in a visible form. */
class BodyText {
  readonly #decoder = new TextDecoder()
  /** A CR that may belong to a CRLF. */
  #held = ''
  #isInLine = false

  push(octets: Uint8Array): string {
    return this.#shown(this.#decoder.decode(octets, { stream: true }))
  }

  /** What is left, and a line end if the message lacks one. */
  end(): string {
    const rest = this.#shown(this.#decoder.decode()) + safeText(this.#held)
    return this.#isInLine || this.#held !== '' ? `${rest}\n` : rest
  }

  #shown(text: string): string {
    const whole = this.#held + text
    this.#held = whole.endsWith('\r') ? '\r' : ''
    const shown = this.#held === '' ? whole : whole.slice(0, -1)
    if (shown !== '') this.#isInLine = !shown.endsWith('\n')
    return safeText(shown)
  }
}
