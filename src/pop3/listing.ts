/**
 * Drop listing (STAT), scan listing (LIST) and unique-id listing (UIDL): RFC 1939 sections 5 and 7.
 *
 * Rows are read with all the tolerance that costs no certainty. Tabs or several blanks between the words (Comcast's
 * Maillennium), `+OK ` before each row, a missing unique-id, blanks and 8-bit octets in one are all taken; what cannot
 * be a row is ignored. Sizes are hints: negative (32-bit servers) or garbled ones (mailpit's `%!d(float64=5461)`) are unknown.
 */
import { MESSAGE_NUMBER, UNIQUE_ID_OCTETS } from './limits.ts'
import { CR, DIGIT_0, DIGIT_9, isBlank, octetString, PLUS } from './octets.ts'

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
  const messages = wholeNumber(count)
  if (messages === undefined) return undefined
  return { messages, octets: size === undefined ? undefined : wholeNumber(size) }
}

export interface ScanRow {
  readonly messageNumber: number
  readonly octets: number | undefined
}

/** One row of LIST: `n size`, then anything. Undefined if it is no row of a message number from 1 to 2^31 - 1. */
export function parseScanRow(row: Uint8Array): ScanRow | undefined {
  const number = numberAt(row)
  if (number === undefined) return undefined
  const start = skipBlanks(row, number.end)
  const end = skipWord(row, start)
  return {
    messageNumber: number.value,
    octets: wholeNumber(octetString(row, start, Math.min(end, start + 20))),
  }
}

export interface UniqueIdRow {
  readonly messageNumber: number
  readonly uniqueId: UniqueId | undefined
}

/** What Courier lists for a unique-id that it could not write down, with its disk full: another one tomorrow. */
const NOT_WRITTEN = 'ENOMEM-'

/** One row of UIDL: `n unique-id`; the unique-id goes to the end of the line, blanks at the end aside. */
export function parseUniqueIdRow(row: Uint8Array): UniqueIdRow | undefined {
  const number = numberAt(row)
  if (number === undefined) return undefined
  const start = skipBlanks(row, number.end)
  let end = row.length
  while (end > start && (isBlank(row[end - 1]) || row[end - 1] === CR)) end -= 1
  const octets = end - start
  const isGiven = octets > 0 && octets <= UNIQUE_ID_OCTETS
  const uniqueId = isGiven ? octetString(row, start, end) : undefined
  return {
    messageNumber: number.value,
    uniqueId: uniqueId?.startsWith(NOT_WRITTEN) ? undefined : uniqueId,
  }
}

/** A row under way: what each of the two listings said of one message number. */
interface JoinedRow {
  readonly messageNumber: number
  octets: number | undefined
  uniqueId: UniqueId | undefined
  isRepeated?: boolean
}

/** In a row that LIST has not shown, or UIDL has not, in place of octets: never to be seen outside. */
const NOT_IN_LIST = -1
const NOT_IN_UIDL = ''

/**
 * Collects the rows of LIST and UIDL and joins them. Of two rows with one message number the first wins, marked. One object
 * and one map entry a message, whatever the order: a maildrop may have 100,000 of them.
 */
export class ListingJoin {
  readonly #rows = new Map<number, JoinedRow>()

  addScanRow({ messageNumber, octets }: ScanRow): void {
    const row = this.#rows.get(messageNumber)
    if (!row) this.#rows.set(messageNumber, { messageNumber, octets, uniqueId: NOT_IN_UIDL })
    else if (row.octets === NOT_IN_LIST) row.octets = octets
    else row.isRepeated = true
  }

  addUniqueIdRow({ messageNumber, uniqueId }: UniqueIdRow): void {
    const row = this.#rows.get(messageNumber)
    if (!row) this.#rows.set(messageNumber, { messageNumber, octets: NOT_IN_LIST, uniqueId })
    else if (row.uniqueId === NOT_IN_UIDL) row.uniqueId = uniqueId
    else row.isRepeated = true
  }

  /**
   * In the order in which message numbers were first seen. With unique-ids, a message that only one listing shows is left
   * out: mail that arrives between the two commands is visible to one of them on some servers. To be called once, last.
   */
  rows(hasUniqueIds: boolean): ListedMessage[] {
    const rows: ListedMessage[] = []
    for (const row of this.#rows.values()) {
      if (row.octets === NOT_IN_LIST) continue
      if (row.uniqueId === NOT_IN_UIDL) {
        if (hasUniqueIds) continue
        row.uniqueId = undefined
      }
      rows.push(row)
    }
    this.#rows.clear()
    return rows
  }
}

/** Digits only, and exact as a double. */
function wholeNumber(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}

/** The message number at the beginning of a row, behind blanks and a stray `+OK `. */
function numberAt(row: Uint8Array): { readonly value: number; readonly end: number } | undefined {
  let at = skipBlanks(row, 0)
  if (row[at] === PLUS && octetString(row, at, at + 3) === '+OK') at = skipBlanks(row, at + 3)
  const start = at
  let value = 0
  while (at < row.length) {
    const digit = row[at] ?? 0
    if (digit < DIGIT_0 || digit > DIGIT_9) break
    value = value * 10 + (digit - DIGIT_0)
    if (value > MESSAGE_NUMBER) return undefined
    at += 1
  }
  if (at === start || value === 0) return undefined
  return at === row.length || isBlank(row[at]) ? { value, end: at } : undefined
}

function skipBlanks(row: Uint8Array, from: number): number {
  let at = from
  while (isBlank(row[at])) at += 1
  return at
}

function skipWord(row: Uint8Array, from: number): number {
  let at = from
  while (at < row.length && !isBlank(row[at])) at += 1
  return at
}
