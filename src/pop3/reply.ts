import { readableText } from './octets.ts'
import { parseResponseCode, type ResponseCode } from './response-code.ts'

/** The first, or only, line of a reply (RFC 1939 section 3), or a SASL continuation (RFC 5034 section 4). */
export type StatusLine =
  | {
      readonly type: 'status'
      readonly ok: boolean
      /** What follows the status indicator, blanks trimmed; may be empty. Untrusted. */
      readonly text: string
      /** The whole line without its end. Untrusted. */
      readonly line: string
      readonly responseCode: ResponseCode | undefined
    }
  | { readonly type: 'continuation'; readonly text: string; readonly line: string }

/**
 * Reads a line without its end; undefined if it is neither. The indicator is upper case and stands alone or before a
 * blank or tab: `+OKAY` is no status. A `+` without blank is an empty challenge, as some servers send it.
 */
export function parseStatusLine(octets: Uint8Array): StatusLine | undefined {
  const line = readableText(octets)
  if (line === '+' || line.startsWith('+ ')) {
    return { type: 'continuation', text: line.slice(2).trim(), line }
  }
  const ok = line.startsWith('+OK')
  if (!ok && !line.startsWith('-ERR')) return undefined
  const rest = line.slice(ok ? 3 : 4)
  if (rest !== '' && !rest.startsWith(' ') && !rest.startsWith('\t')) return undefined
  const text = rest.trim()
  return { type: 'status', ok, text, line, responseCode: parseResponseCode(text) }
}
