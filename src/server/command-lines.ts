/**
 * Cuts what a client sends into command lines. Holds at most one unfinished line of bounded size, and the octets that
 * came behind a whole line and were not asked for yet.
 */
import { CR, LF, octetString } from '../pop3/octets.ts'
import { COMMAND_LINE_OCTETS } from './limits.ts'

/** A command as typed: the keyword in lower case, and everything behind the first blank as it came. */
export interface CommandLine {
  readonly keyword: string
  /** One UTF-16 unit for each octet. Undefined where the line holds the keyword only. */
  readonly rest: string | undefined
}

export class CommandLines {
  #pending: Uint8Array = new Uint8Array()
  #scanned = 0

  /** Takes octets cut anywhere. The view is not kept. */
  push(octets: Uint8Array): void {
    const joined = new Uint8Array(this.#pending.length + octets.length)
    joined.set(this.#pending)
    joined.set(octets, this.#pending.length)
    this.#pending = joined
  }

  /**
   * The next line without its end, which is CRLF, or LF alone as people's tools send it. Undefined where none is
   * complete; 'too long' where the line, ended or not, is past the limit: nothing after it can be trusted.
   */
  next(): Uint8Array | 'too long' | undefined {
    const end = this.#pending.indexOf(LF, this.#scanned)
    const octets = end === -1 ? this.#pending.length : end + 1
    if (octets > COMMAND_LINE_OCTETS) return 'too long'
    if (end === -1) {
      this.#scanned = this.#pending.length
      return undefined
    }
    const line = this.#pending.subarray(0, this.#pending[end - 1] === CR ? end - 1 : end)
    this.#pending = this.#pending.subarray(end + 1)
    this.#scanned = 0
    return line
  }

  /** Forgets everything held. */
  clear(): void {
    this.#pending = new Uint8Array()
    this.#scanned = 0
  }
}

/**
 * Reads a line as keyword and rest. Undefined if it holds a control octet: none belongs in a command, and CR, LF or NUL
 * must never reach a log, a reply or a user name. Octets above 0x7F pass, for passwords in any charset.
 */
export function parseCommandLine(line: Uint8Array): CommandLine | undefined {
  if (line.some((octet) => octet < 0x20 || octet === 0x7f)) return undefined
  const text = octetString(line)
  const blank = text.indexOf(' ')
  if (blank === -1) return { keyword: text.toLowerCase(), rest: undefined }
  return { keyword: text.slice(0, blank).toLowerCase(), rest: text.slice(blank + 1) }
}

/** The arguments of a rest, at blanks; several blanks or trailing ones count as one separator, as people type. */
export function splitArguments(rest: string | undefined): readonly string[] {
  return (rest ?? '').split(' ').filter((argument) => argument !== '')
}
