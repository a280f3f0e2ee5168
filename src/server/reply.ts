/**
 * Octets of replies (RFC 1939 section 3). Texts come as one UTF-16 unit for each octet.
 */
import { octetsOf } from '../pop3/octets.ts'
import type { ResponseCode } from '../pop3/response-code.ts'

const CRLF = '\r\n'

export function ok(text: string): Uint8Array {
  return octetsOf(`+OK${text === '' ? '' : ` ${text}`}${CRLF}`)
}

export function err(text: string, code?: ResponseCode): Uint8Array {
  return octetsOf(`-ERR ${code === undefined ? '' : `[${code}] `}${text}${CRLF}`)
}

/** An empty server challenge (RFC 5034 section 4). */
export function challenge(): Uint8Array {
  return octetsOf(`+ ${CRLF}`)
}

/** A multi-line response whose lines never begin with the termination octet: capabilities and listings. */
export function multiLine(text: string, lines: Iterable<string>): Uint8Array {
  const first = `+OK${text === '' ? '' : ` ${text}`}`
  return octetsOf([first, ...lines, '.', ''].join(CRLF))
}

/** What a client sent, made fit for a reply: printable ASCII, and short enough for the 512 octets of a response. */
export function shown(text: string): string {
  const printable = text.replace(/[^\x20-\x7e]/g, '?')
  return printable.length > 64 ? `${printable.slice(0, 64)}...` : printable
}
