import { Buffer } from 'node:buffer'

/** In one line, with padding (RFC 4648 section 4). */
export function encodeBase64(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('base64')
}

/**
 * The octets, or undefined for what RFC 4648 section 4 does not produce: line ends, blanks, the URL alphabet, padding that
 * is missing or not at the end, unused bits that are not zero. Buffer.from alone takes all of these.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const octets = Buffer.from(text, 'base64')
  return octets.toString('base64') === text ? octets : undefined
}
