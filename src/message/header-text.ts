/** From the octets of a field body to text that people read: charset, encoded words (RFC 2047), line ends. */
import { createRequire } from 'node:module'

import { MAX_VALUE_OCTETS } from './limits.ts'

/**
 * Decodes raw octets: UTF-8 if they are valid UTF-8 (RFC 6532), else the charset that the message declares for its
 * body, else windows-1252. Old programs wrote both without saying so.
 */
export function decodeOctets(octets: string, declaredCharset: string | undefined): string {
  if (/^[\x00-\x7f]*$/.test(octets)) return octets
  const bytes = Buffer.from(octets, 'latin1')
  // A body cut at the bound may end in the middle of a character.
  const isCut = octets.length >= MAX_VALUE_OCTETS
  return (
    decodeStrictly(bytes, 'utf-8', isCut) ??
    (declaredCharset === undefined ? undefined : decodeStrictly(bytes, declaredCharset, isCut)) ??
    decodeWindows1252(octets)
  )
}

/** The charset parameter of a Content-Type body, if it is one whose ASCII range is ASCII. */
export function charsetOf(contentType: string | undefined): string | undefined {
  const charset = /;\s*charset\s*=\s*"?([\w.:-]{1,40})/i.exec(contentType ?? '')?.[1]?.toLowerCase()
  if (charset === undefined || /^(?:utf|ucs|iso-2022|iso-10646|hz|unicode)/.test(charset)) {
    return undefined
  }
  // By the WHATWG labels these two are windows-1252, as they are in mail.
  return /^(?:us-ascii|ascii|iso-8859-1|latin1|windows-1252|cp1252)$/.test(charset)
    ? undefined
    : charset
}

/** Decodes encoded words. The decoder is loaded when the first one is met: most runs meet none. */
export function decodeWords(text: string): string {
  return text.includes('=?') ? libmime().decodeWords(text) : text
}

/**
 * Makes text one line: tab and whatever breaks a line become a space, NUL becomes U+FFFD. Other control characters stay;
 * who shows the text must escape them.
 */
export function toLine(text: string): string {
  if (!/[\0\t\n\r\u0085\u2028\u2029]/.test(text)) return text.trim()
  return text
    .replace(/\r\n|[\t\n\r\u0085\u2028\u2029]/g, ' ')
    .replaceAll('\0', '\ufffd')
    .trim()
}

type Libmime = typeof import('libmime')['default']

let loaded: Libmime | undefined

function libmime(): Libmime {
  loaded ??= createRequire(import.meta.url)('libmime') as Libmime
  return loaded
}

function decodeStrictly(octets: Uint8Array, charset: string, isCut: boolean): string | undefined {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(octets, { stream: isCut })
  } catch {
    // Not in this charset, or a charset that nobody knows: the caller has another.
    return undefined
  }
}

// What windows-1252 has at 0x80-0x9f; the five holes are U+FFFD. Not by TextDecoder: some releases of Node take
// windows-1252 for latin1.
const WINDOWS_1252 = '€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ'

function decodeWindows1252(octets: string): string {
  return octets.replace(/[\x80-\x9f]/g, (octet) => WINDOWS_1252.charAt(octet.charCodeAt(0) - 0x80))
}
