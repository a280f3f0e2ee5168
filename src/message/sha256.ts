import { hash } from 'node:crypto'

/** SHA-256 of octets that are all at hand. By way of a string: a buffer of its own for each 32 octets costs more. */
export function sha256(octets: Uint8Array): Uint8Array {
  return Buffer.from(hash('sha256', octets, 'binary'), 'latin1')
}
