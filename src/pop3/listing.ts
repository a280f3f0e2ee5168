/**
 * Drop listing (STAT), scan listing (LIST) and unique-id listing (UIDL): RFC 1939 sections 5 and 7.
 *
 * Rows are read with all the tolerance that costs no certainty. Tabs or several blanks between the words (Comcast's
 * Maillennium), `+OK ` before each row, a missing unique-id, blanks and 8-bit octets in one are all taken; what cannot
 * be a row is ignored. Sizes are hints: negative (32-bit servers) or garbled ones (mailpit's `%!d(float64=5461)`) are unknown.
 */
import { MESSAGE_NUMBER, UNIQUE_ID_OCTETS } from './limits.ts'
import { CR, DIGIT_0, DIGIT_9, DOT, hasAt, isAscii, isBlank, LF, octetsOf } from './octets.ts'

/** Opaque octets, one UTF-16 unit (0 to 255) for each. Two messages may share one (RFC 1939 section 7). */
export type UniqueId = string

/** One message as a session's listings show it. */
export interface ListedMessage {
  /** From 1; dies with the session. */
  readonly messageNumber: number
  /** As listed; undefined where the server gave no usable size. Not reliable. */
  readonly octets: number | undefined
  /** Undefined where the server gave none, or one of more than 1,024 octets. */
  readonly uniqueId: UniqueId | undefined
  /** A listing showed this message number again: nobody knows which row is true, so it must not be deleted. */
  readonly isRepeated?: boolean | undefined
}

/** The answer to STAT. */
export interface DropListing {
  readonly messages: number
  /** Undefined where the server gave no usable size: 32-bit servers show more than 2 GiB as negative. */
  readonly octets: number | undefined
}

/** Reads the text of STAT's status line after `+OK`; undefined if it holds no count. */
export function parseDropListing(text: string): DropListing | undefined {
  const [count = '', size] = text.trim().split(/[ \t]+/)
  const messages = wholeNumberOf(count)
  if (messages === undefined) return undefined
  return { messages, octets: size === undefined ? undefined : wholeNumberOf(size) }
}

/**
 * Reads the rows of LIST among these lines: `n size`, then anything; message numbers from 1 to 2^31 - 1. The ends of the lines and
 * their byte-stuffing are as they came; the last needs no end. Returns how many rows there were.
 */
export function readScanRows(
  lines: Uint8Array,
  hear: (messageNumber: number, octets: number | undefined) => void,
): number {
  const rows = new ListingRows(lines)
  while (rows.next()) hear(rows.messageNumber, rows.listedOctets)
  return rows.count
}

/**
 * Reads the rows of UIDL like `readScanRows`: `n unique-id`; the unique-id goes to the end of the line, blanks at the end aside. Its
 * octets are those of `lines` from `start` to `end`, none where the server gave none.
 */
export function readUniqueIdRows(
  lines: Uint8Array,
  hear: (messageNumber: number, start: number, end: number) => void,
): number {
  const rows = new ListingRows(lines)
  while (rows.next()) hear(rows.messageNumber, rows.start, rows.uniqueIdEnd)
  return rows.count
}

/** What Courier lists for a unique-id that it could not write down, with its disk full: another one tomorrow. */
const NOT_WRITTEN = octetsOf('ENOMEM-')

/**
 * Stands at one row of UIDL or LIST after another, in one pass over the octets: a large maildrop lists 200,000, most of which are
 * read before V8 has compiled anything, so that each call and each object counts.
 */
export class ListingRows {
  /** The lines; never a Buffer, since V8 would compile what reads them once for either. */
  readonly octets: Uint8Array
  #count = 0
  #messageNumber = 0
  #start = 0
  #end = 0
  /** Where the next line begins. */
  #next = 0

  constructor(lines: Uint8Array) {
    this.octets = new Uint8Array(lines.buffer, lines.byteOffset, lines.length)
  }

  /** Rows so far. */
  get count(): number {
    return this.#count
  }

  get messageNumber(): number {
    return this.#messageNumber
  }

  /** Where that begins which follows the message number, behind blanks. */
  get start(): number {
    return this.#start
  }

  /** Where the unique-id ends; at its start where the server gave none. */
  get uniqueIdEnd(): number {
    const octets = this.#end - this.#start
    const isGiven = octets <= UNIQUE_ID_OCTETS && !hasAt(this.octets, this.#start, NOT_WRITTEN)
    return isGiven ? this.#end : this.#start
  }

  /** Octets of the message; undefined where the server gave no usable number. */
  get listedOctets(): number | undefined {
    const { octets } = this
    let wordEnd = this.#start
    while (wordEnd < this.#end && !isBlank(octets[wordEnd])) wordEnd += 1
    return wholeNumber(octets, this.#start, wordEnd)
  }

  /** Goes on to the next row. False: there is none. */
  next(): boolean {
    const { octets } = this
    const { length } = octets
    while (this.#next < length) {
      let at = skipPrefix(octets, this.#next)
      let messageNumber = 0
      for (; at < length; at += 1) {
        const digit = (octets[at] ?? 0) - DIGIT_0
        if (digit < 0 || digit > 9) break
        messageNumber = messageNumber * 10 + digit
      }
      const numberEnd = at
      while (at < length && octets[at] !== LF) at += 1
      this.#next = at + 1
      // Without CR, and blanks before it.
      while (at > numberEnd && isBlankOrCr(octets[at - 1])) at -= 1
      const isAlone = at === numberEnd || isBlank(octets[numberEnd])
      if (messageNumber === 0 || messageNumber > MESSAGE_NUMBER || !isAlone) continue
      this.#count += 1
      this.#messageNumber = messageNumber
      this.#start = Math.min(at, skipBlanks(octets, numberEnd))
      this.#end = at
      return true
    }
    return false
  }
}

const OK = octetsOf('+OK')

/** Behind byte-stuffing, blanks and a stray `+OK `. */
function skipPrefix(lines: Uint8Array, from: number): number {
  if (isDigit(lines[from])) return from
  const at = skipBlanks(lines, lines[from] === DOT ? from + 1 : from)
  return hasAt(lines, at, OK) ? skipBlanks(lines, at + OK.length) : at
}

function skipBlanks(lines: Uint8Array, from: number): number {
  let at = from
  while (isBlank(lines[at])) at += 1
  return at
}

function isBlankOrCr(octet: number | undefined): boolean {
  return octet === CR || isBlank(octet)
}

function wholeNumberOf(word: string): number | undefined {
  return isAscii(word) ? wholeNumber(octetsOf(word)) : undefined
}

/** Digits only, at least one, and exact as a double. */
function wholeNumber(octets: Uint8Array, start = 0, end = octets.length): number | undefined {
  let value = 0
  for (let at = start; at < end; at += 1) {
    const digit = octets[at]
    if (!isDigit(digit)) return undefined
    value = value * 10 + (digit - DIGIT_0)
    if (value > Number.MAX_SAFE_INTEGER) return undefined
  }
  return end > start ? value : undefined
}

function isDigit(octet: number | undefined): octet is number {
  return octet !== undefined && octet >= DIGIT_0 && octet <= DIGIT_9
}
