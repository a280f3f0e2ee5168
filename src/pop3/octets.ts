/** Octet codes, and the passage between octets and text. Nothing here knows the protocol. */

export const NUL = 0x00
export const TAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SP = 0x20
export const DOT = 0x2e
export const DIGIT_0 = 0x30
export const DIGIT_9 = 0x39

/** Few enough to be arguments. */
const SLICE = 4096

/** One UTF-16 unit for each octet, 0 to 255. Lossless, unlike any decoding. */
export function octetString(octets: Uint8Array, start = 0, end = octets.length): string {
  // One call makes one flat string; adding unit by unit would leave a tree of halves behind each unique-id.
  let text = ''
  const stop = Math.min(end, octets.length)
  for (let at = start; at < stop; at += SLICE) {
    text += String.fromCharCode.apply(null, unitsOf(octets, at, Math.min(at + SLICE, stop)))
  }
  return text
}

/** In an array, which is taken as arguments seven times as fast as octets are: listings have 100,000 rows. */
function unitsOf(octets: Uint8Array, start: number, end: number): number[] {
  const units: number[] = []
  for (let at = start; at < end; at += 1) units.push(octets[at] ?? 0)
  return units
}

/** The opposite of `octetString`; units above 255 lose their high part, so callers check first. */
export function octetsOf(text: string): Uint8Array {
  const octets = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at += 1) octets[at] = text.charCodeAt(at)
  return octets
}

/** UTF-8, for arguments that people wrote (RFC 6856 section 2, RFC 4616 section 2). */
export function utf8Octets(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Text of a server for people to read: UTF-8, with U+FFFD for what is none. */
export function readableText(octets: Uint8Array): string {
  for (const octet of octets) {
    if (octet > 0x7e) return new TextDecoder('utf-8', { ignoreBOM: true }).decode(octets)
  }
  return octetString(octets)
}

export function isBlank(octet: number | undefined): boolean {
  return octet === SP || octet === TAB
}

/** Whether these octets are there from `at` on. */
export function hasAt(octets: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let index = 0; index < wanted.length; index += 1) {
    if (octets[at + index] !== wanted[index]) return false
  }
  return true
}

export function concatOctets(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces
  if (pieces.length === 1 && first) return first
  const whole = new Uint8Array(pieces.reduce((octets, piece) => octets + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

/** Whether all of it is ASCII, DEL left out: what a command line may carry without UTF8 (RFC 1939 section 3). */
export function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7e) return false
  return true
}
