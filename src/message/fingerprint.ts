/**
 * Recognises a message by its header section alone, as TOP n 0 gives it.
 *
 * The normalisation follows Dovecot's pop3-migration plugin, which was proven in the field by matching what Yahoo,
 * Zimbra and Courier say over POP3 with the mail that they hold.
 */
import { createHash } from 'node:crypto'

import { fieldName, headerLines } from './header-fields.ts'
import { SERVER_FIELDS } from './server-fields.ts'

const LINE_FEED = Uint8Array.of(0x0a)

/**
 * SHA-256 of the header section without its blank line, with LF line ends, and without
 * - the fields that servers write, and X-Yahoo-Newman-Property;
 * - lines that are no field (the second `+OK` of a server that sends two is one), with their continuations;
 * - continuation lines of white space only, which Zimbra leaves out.
 *
 * `header` may go on after the blank line: nothing there counts. A header section without any field has the
 * fingerprint NO_FINGERPRINT, which tells nothing.
 */
export function fingerprintOf(header: Uint8Array): Uint8Array {
  const kept: Uint8Array[] = []
  let isKept = false
  for (const line of headerLines(header)) {
    if (!line.isContinuation) {
      const name = fieldName(header, line)?.toLowerCase()
      isKept = name !== undefined && !SERVER_FIELDS.has(name) && name !== 'x-yahoo-newman-property'
    }
    if (!isKept || (line.isContinuation && isBlank(header, line.start, line.end))) continue
    kept.push(header.subarray(line.start, line.end), LINE_FEED)
  }
  return createHash('sha256').update(Buffer.concat(kept)).digest()
}

/** The fingerprint of every message that has no header field. It must not be used to recognise one. */
export const NO_FINGERPRINT: Uint8Array = fingerprintOf(new Uint8Array(0))

function isBlank(header: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (header[at] !== 0x20 && header[at] !== 0x09) return false
  }
  return true
}
