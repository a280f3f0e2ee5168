/**
 * Recognises a message by its header section alone, as TOP n 0 gives it.
 *
 * The normalisation follows Dovecot's pop3-migration plugin, which was proven in the field by matching what Yahoo,
 * Zimbra and Courier say over POP3 with the mail that they hold.
 */
import type { HeaderLine } from './header-fields.ts'
import { headerLines } from './header-fields.ts'
import { SERVER_FIELDS } from './server-fields.ts'
import { sha256 } from './sha256.ts'

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
  return fingerprintOfLines(headerLines(header))
}

/** The same for a header section that was taken apart already. */
export function fingerprintOfLines(lines: readonly HeaderLine[]): Uint8Array {
  let kept = ''
  let isKept = false
  for (const { text, isContinuation, name } of lines) {
    if (!isContinuation) {
      isKept = name !== undefined && !SERVER_FIELDS.has(name) && name !== 'x-yahoo-newman-property'
    }
    if (isKept && !(isContinuation && /^[ \t]+$/.test(text))) kept += `${text}\n`
  }
  return sha256(Buffer.from(kept, 'latin1'))
}

/** The fingerprint of every message that has no header field. It must not be used to recognise one. */
export const NO_FINGERPRINT: Uint8Array = fingerprintOf(new Uint8Array(0))
