/**
 * The two forms of a message in a Maildir file. Mail programs want LF line ends, the archive wants the octets back.
 *
 * LF form: each CRLF became LF. Allowed if and only if the message has no LF without CR before it, since then putting CR
 * before each LF gives the octets back, whatever else they hold. Wire form: the octets as they are. No record says which
 * form a file has: its digest does.
 */
import { createMessageDigester, type MessageDigests } from '../message/digest.ts'
import { dropped } from './short-lived.ts'

const CR = 0x0d
const LF = 0x0a

/** Of all encoders, and used again for each part: a buffer for each message would lie about until the collector comes. */
let scratch = Buffer.alloc(0)

/** Turns octets into LF form, cut anywhere. */
export class LineFeedEncoder {
  #heldCr = false

  /**
   * The next part of the LF form, or undefined if there was a bare LF: no LF form exists then. The view is valid until
   * the next call, of any encoder.
   */
  write(octets: Uint8Array): Uint8Array | undefined {
    if (octets.length === 0) return octets
    if (scratch.length <= octets.length) scratch = Buffer.allocUnsafeSlow(octets.length + 1)
    const held = this.#heldCr ? 1 : 0
    if (this.#heldCr) scratch[0] = CR
    scratch.set(octets, held)
    const endsInCr = octets.at(-1) === CR
    const whole = scratch.subarray(0, held + octets.length - (endsInCr ? 1 : 0))
    const filled = dropCrBeforeEachLf(whole)
    if (filled === undefined) return undefined
    this.#heldCr = endsInCr
    // No Buffer: its slice() would be a view, too.
    return new Uint8Array(whole.buffer, whole.byteOffset, filled)
  }

  /** What is left at the end of the message. */
  end(): Uint8Array {
    return this.#heldCr ? Uint8Array.of(CR) : new Uint8Array()
  }
}

/**
 * Moves the octets together over the CR before each LF. Returns how many are left, or undefined if an LF has none. Line by line
 * and in place: octet by octet, or from one buffer into another, takes twice as long.
 */
function dropCrBeforeEachLf(octets: Buffer): number | undefined {
  let filled = 0
  let start = 0
  for (let lf = octets.indexOf(LF); lf !== -1; lf = octets.indexOf(LF, start)) {
    if (lf === start || octets[lf - 1] !== CR) return undefined
    if (filled < start) octets.copyWithin(filled, start, lf - 1)
    filled += lf - 1 - start
    octets[filled++] = LF
    start = lf + 1
  }
  if (filled < start) octets.copyWithin(filled, start)
  return filled + octets.length - start
}

/** The octets of a part of a message in LF form: CR before each LF. Needs no state between parts. */
export function withCarriageReturns(form: Uint8Array): Uint8Array {
  let lines = 0
  for (let at = form.indexOf(LF); at !== -1; at = form.indexOf(LF, at + 1)) lines += 1
  if (lines === 0) return form
  const octets = new Uint8Array(form.length + lines)
  let end = 0
  for (const octet of form) {
    if (octet === LF) octets[end++] = CR
    octets[end++] = octet
  }
  return octets
}

/** Gives the octets of a file from its start, as often as it is asked. */
export type FileReader = () => Iterable<Uint8Array>

/** How a file holds its message, and the digests of the octets that left the wire. */
export interface FoundForm extends MessageDigests {
  readonly form: 'wire' | 'lf'
}

/**
 * Which form reproduces the digest: the file as it is, else with CRLF for LF. Undefined if neither does: the file was
 * altered. Reads the file once or twice; memory does not grow with it.
 */
export function findForm(read: FileReader, digest: Uint8Array): FoundForm | undefined {
  for (const form of ['wire', 'lf'] as const) {
    const digester = createMessageDigester()
    for (const chunk of inWireForm(read(), form)) digester.write(chunk)
    const digests = digester.end()
    if (Buffer.compare(digests.digest, digest) === 0) return { ...digests, form }
  }
  return undefined
}

/** The octets as they left the wire, of a file whose form is known. */
export function* inWireForm(
  chunks: Iterable<Uint8Array>,
  form: FoundForm['form'],
): Iterable<Uint8Array> {
  if (form === 'wire') {
    yield* chunks
    return
  }
  for (const chunk of chunks) {
    const octets = withCarriageReturns(chunk)
    yield octets
    dropped(octets.byteLength)
  }
}
