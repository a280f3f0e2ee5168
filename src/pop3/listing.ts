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
  return readRows(lines, (messageNumber, start, end) => {
    let wordEnd = start
    while (wordEnd < end && !isBlank(lines[wordEnd])) wordEnd += 1
    hear(messageNumber, wholeNumber(lines, start, wordEnd))
  })
}

/** What Courier lists for a unique-id that it could not write down, with its disk full: another one tomorrow. */
const NOT_WRITTEN = octetsOf('ENOMEM-')

/**
 * Reads the rows of UIDL like `readScanRows`: `n unique-id`; the unique-id goes to the end of the line, blanks at the end aside. Its
 * octets are those of `lines` from `start` to `end`, none where the server gave none.
 */
export function readUniqueIdRows(
  lines: Uint8Array,
  hear: (messageNumber: number, start: number, end: number) => void,
): number {
  return readRows(lines, (messageNumber, start, end) => {
    const isGiven = end - start <= UNIQUE_ID_OCTETS && !hasAt(lines, start, NOT_WRITTEN)
    hear(messageNumber, start, isGiven ? end : start)
  })
}

/** Hears of each row its message number, and where what follows that begins and ends, blanks around it aside. */
function readRows(
  lines: Uint8Array,
  hear: (messageNumber: number, start: number, end: number) => void,
): number {
  let rows = 0
  for (let at = 0; at < lines.length; ) {
    const lf = lines.indexOf(LF, at)
    const lineEnd = lf < 0 ? lines.length : lf
    const end = trimmedEnd(lines, at, lineEnd)
    const numberStart = skipPrefix(lines, at)
    let messageNumber = 0
    let numberEnd = numberStart
    for (let digit = lines[numberEnd]; isDigit(digit); digit = lines[numberEnd]) {
      messageNumber = messageNumber * 10 + (digit - DIGIT_0)
      numberEnd += 1
    }
    const isAlone = numberEnd >= end || isBlank(lines[numberEnd])
    if (messageNumber > 0 && messageNumber <= MESSAGE_NUMBER && isAlone) {
      rows += 1
      hear(messageNumber, Math.min(end, skipBlanks(lines, numberEnd)), end)
    }
    at = lineEnd + 1
  }
  return rows
}

/** Without CR, and blanks before it. */
function trimmedEnd(lines: Uint8Array, start: number, lineEnd: number): number {
  let end = lineEnd
  while (end > start && (isBlank(lines[end - 1]) || lines[end - 1] === CR)) end -= 1
  return end
}

const OK = octetsOf('+OK')

/** Behind byte-stuffing, blanks and a stray `+OK `. */
function skipPrefix(lines: Uint8Array, from: number): number {
  const at = skipBlanks(lines, lines[from] === DOT ? from + 1 : from)
  return hasAt(lines, at, OK) ? skipBlanks(lines, at + OK.length) : at
}

function skipBlanks(lines: Uint8Array, from: number): number {
  let at = from
  while (isBlank(lines[at])) at += 1
  return at
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
