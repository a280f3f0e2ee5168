/**
 * Untrusted text on its way to a terminal: mail, server text, certificate fields, file names.
 *
 * A control character in a subject can retitle the window, hide lines or forge a prompt; a bidi control makes text read
 * as what it is not. Both are shown in a visible form, also where the output is a pipe: it may end on a terminal.
 */

/** C0, DEL and C1. */
const CONTROLS = '\\u0000-\\u001f\\u007f-\\u009f'
/** Line and paragraph separator, and the characters that change the direction of text (Unicode TR 9). */
const INVISIBLE = '\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069'

const FORBIDDEN = new RegExp(`[${CONTROLS}${INVISIBLE}]`, 'g')
const FORBIDDEN_BUT_BREAKS = new RegExp(`(?![\\n\\t])[${CONTROLS}${INVISIBLE}]`, 'g')
const LONE_SURROGATE = /\p{Surrogate}/gu
/** What JSON.stringify leaves as it is, though it is no C0. It escapes lone surrogates itself. */
const JSON_FORBIDDEN = new RegExp(`[\\u007f-\\u009f${INVISIBLE}]`, 'g')

/** One line of text that may be printed: controls as `\x1b` or `\u202e`, a tab as a space, lone surrogates as U+FFFD. */
export function safe(text: string): string {
  return wellFormed(text).replaceAll('\t', ' ').replace(FORBIDDEN, visible)
}

/** The same for text of several lines: line feeds and tabs stay, CRLF becomes a line feed. */
export function safeText(text: string): string {
  return wellFormed(text).replaceAll('\r\n', '\n').replace(FORBIDDEN_BUT_BREAKS, visible)
}

/** Server text as it is quoted in a sentence: safe, no longer than a person wants to read, in marks that it has not itself. */
export function quoted(text: string): string {
  const points = [...text.trim()]
  const shown = points.length > 200 ? `${points.slice(0, 200).join('')}...` : points.join('')
  const mark = shown.includes('"') && !shown.includes("'") ? "'" : '"'
  return `${mark}${safe(shown)}${mark}`
}

/** One JSON value on a line of its own. It parses to the same value; every control and bidi character is escaped. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value).replace(JSON_FORBIDDEN, escaped)}\n`
}

function wellFormed(text: string): string {
  return text.replace(LONE_SURROGATE, '\ufffd')
}

function visible(character: string): string {
  const code = character.charCodeAt(0)
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : escaped(character)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
