import { type ListedMessage, ListingRows } from './listing.ts'
import { octetString } from './octets.ts'
import { startOf, UniqueIdColumn, type UniqueIds } from './unique-id-column.ts'

/** In place of octets: the server gave no usable size. */
const UNKNOWN = -1

/** In place of octets, in a row that LIST has not shown: never to be seen outside. */
const NOT_IN_LIST = -2

/** In place of the index of a message. */
const NOWHERE = -1

const NONE = new Uint8Array(0)

/** One entry a message. */
interface Columns {
  readonly messageNumbers: Int32Array
  readonly listedOctets: Float64Array
  readonly uniqueIds: UniqueIds
  /** Indices of messages whose number a listing showed again. */
  readonly repeated: ReadonlySet<number>
}

/**
 * The messages of a maildrop as a session's listings show them, in the order in which message numbers were first seen. Kept in
 * columns; an object is made only of a message that is asked for, anew each time.
 */
export class Listing {
  /** One without octets is none. */
  readonly uniqueIds: UniqueIds
  /** As listed; -1 where the server gave no usable size. */
  readonly listedOctets: Float64Array
  readonly length: number
  readonly #columns: Columns

  constructor(columns: Columns) {
    this.uniqueIds = columns.uniqueIds
    this.listedOctets = columns.listedOctets
    this.length = columns.messageNumbers.length
    this.#columns = columns
  }

  messageNumber(index: number): number {
    return this.#columns.messageNumbers[index] ?? 0
  }

  /** As listed; undefined where the server gave no usable size. */
  octets(index: number): number | undefined {
    const octets = this.listedOctets[index]
    return octets === UNKNOWN ? undefined : octets
  }

  /** Of all as listed; undefined if those of one are not known. */
  get totalOctets(): number | undefined {
    let total = 0
    for (let index = 0; index < this.length; index += 1) {
      const octets = this.listedOctets[index] ?? 0
      if (octets === UNKNOWN) return undefined
      total += octets
    }
    return total
  }

  at(index: number): ListedMessage {
    const { uniqueIds, repeated } = this.#columns
    const start = startOf(uniqueIds, index)
    const end = uniqueIds.ends[index] ?? start
    return {
      messageNumber: this.messageNumber(index),
      octets: this.octets(index),
      uniqueId: end > start ? octetString(uniqueIds.octets, start, end) : undefined,
      isRepeated: repeated.has(index) || undefined,
    }
  }

  get all(): readonly ListedMessage[] {
    return Array.from({ length: this.length }, (_, index) => this.at(index))
  }
}

/** Messages, to begin with. */
const FIRST_ROOM = 256

/** Collects the rows of UIDL, then those of LIST, and joins them. Of two rows with one message number the first wins, marked. */
export class ListingJoin {
  #messageNumbers = new Int32Array(FIRST_ROOM)
  #listedOctets = new Float64Array(FIRST_ROOM)
  #length = 0
  readonly #uniqueIds = new UniqueIdColumn()
  readonly #repeated = new Set<number>()
  /** By message number; needed only where these do not come as 1, 2, 3... */
  #places: Map<number, number> | undefined

  /** Lines as `readUniqueIdRows` takes them; returns how many rows there are among them. */
  addUniqueIdRows(lines: Uint8Array): number {
    const rows = new ListingRows(lines)
    while (rows.next()) {
      const place = this.#find(rows.messageNumber)
      if (place === NOWHERE) {
        this.#add(rows.messageNumber, NOT_IN_LIST)
        this.#uniqueIds.add(rows.octets, rows.start, rows.uniqueIdEnd)
      } else this.#repeated.add(place)
    }
    return rows.count
  }

  /** Behind all rows of UIDL: lines as `readScanRows` takes them. Returns how many rows there are among them. */
  addScanRows(lines: Uint8Array): number {
    const rows = new ListingRows(lines)
    while (rows.next()) {
      const { listedOctets = UNKNOWN } = rows
      const place = this.#find(rows.messageNumber)
      if (place === NOWHERE) this.#add(rows.messageNumber, listedOctets)
      else if (this.#listedOctets[place] === NOT_IN_LIST) this.#listedOctets[place] = listedOctets
      else this.#repeated.add(place)
    }
    return rows.count
  }

  /**
   * With unique-ids, a message that only one listing shows is left out: mail that arrives between the two commands is visible to
   * one of them on some servers. To be called once, last.
   */
  listing(hasUniqueIds: boolean): Listing {
    const repeated = this.#repeated
    const inUidl = this.#uniqueIds.length
    while (this.#uniqueIds.length < this.#length) this.#uniqueIds.add(NONE, 0, 0)
    const columns = {
      messageNumbers: this.#messageNumbers.subarray(0, this.#length),
      listedOctets: this.#listedOctets.subarray(0, this.#length),
      uniqueIds: this.#uniqueIds.all,
      repeated,
    }
    const isInBoth = inUidl === this.#length && !columns.listedOctets.includes(NOT_IN_LIST)
    if (isInBoth) return new Listing(columns)
    const kept: number[] = []
    for (const [place, octets] of columns.listedOctets.entries()) {
      const isNamed = !hasUniqueIds || place < inUidl
      if (octets !== NOT_IN_LIST && isNamed) kept.push(place)
    }
    return new Listing(picked(columns, kept))
  }

  /** NOWHERE: it was not listed yet. */
  #find(messageNumber: number): number {
    if (this.#places) return this.#places.get(messageNumber) ?? NOWHERE
    return messageNumber <= this.#length ? messageNumber - 1 : NOWHERE
  }

  #add(messageNumber: number, octets: number): void {
    const place = this.#length
    if (messageNumber !== place + 1) this.#places ??= this.#placed()
    this.#places?.set(messageNumber, place)
    if (place === this.#listedOctets.length) this.#widen()
    this.#messageNumbers[place] = messageNumber
    this.#listedOctets[place] = octets
    this.#length += 1
  }

  #placed(): Map<number, number> {
    const messageNumbers = this.#messageNumbers.subarray(0, this.#length)
    return new Map(Array.from(messageNumbers, (number, place) => [number, place]))
  }

  #widen(): void {
    const messageNumbers = new Int32Array(2 * this.#length)
    const listedOctets = new Float64Array(2 * this.#length)
    messageNumbers.set(this.#messageNumbers)
    listedOctets.set(this.#listedOctets)
    this.#messageNumbers = messageNumbers
    this.#listedOctets = listedOctets
  }
}

/** What the columns have at these places. */
function picked(
  { messageNumbers, listedOctets, uniqueIds, repeated }: Columns,
  places: number[],
): Columns {
  const names = new UniqueIdColumn()
  for (const place of places) {
    const start = startOf(uniqueIds, place)
    names.add(uniqueIds.octets, start, uniqueIds.ends[place] ?? start)
  }
  return {
    messageNumbers: Int32Array.from(places, (place) => messageNumbers[place] ?? 0),
    listedOctets: Float64Array.from(places, (place) => listedOctets[place] ?? UNKNOWN),
    uniqueIds: names.all,
    repeated: new Set(places.flatMap((place, index) => (repeated.has(place) ? index : []))),
  }
}
