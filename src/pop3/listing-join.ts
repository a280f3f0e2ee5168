import { type ListedMessage, readScanRows, readUniqueIdRows } from './listing.ts'
import { octetString } from './octets.ts'
import { startOf, UniqueIdColumn, type UniqueIds } from './unique-id-column.ts'

/** In place of octets: the server gave no usable size. */
const UNKNOWN = -1

/** In place of octets, in a row that LIST has not shown: never to be seen outside. */
const NOT_IN_LIST = -2

const NONE = new Uint8Array(0)

/** One entry a message. */
interface Columns {
  readonly messageNumbers: number[]
  readonly octets: number[]
  readonly uniqueIds: UniqueIdColumn
  /** Indices of messages whose number a listing showed again. */
  readonly repeated: Set<number>
}

function newColumns(): Columns {
  const uniqueIds = new UniqueIdColumn()
  return { messageNumbers: [], octets: [], uniqueIds, repeated: new Set() }
}

/**
 * The messages of a maildrop as a session's listings show them, in the order in which message numbers were first seen. Kept in
 * columns; an object is made only of a message that is asked for, and is the same each time.
 */
export class Listing {
  readonly #columns: Columns
  readonly #made: ListedMessage[] = []

  constructor(columns: Columns) {
    this.#columns = columns
  }

  get length(): number {
    return this.#columns.messageNumbers.length
  }

  /** One without octets is none. */
  get uniqueIds(): UniqueIds {
    return this.#columns.uniqueIds
  }

  messageNumber(index: number): number {
    return this.#columns.messageNumbers[index] ?? 0
  }

  /** As listed; undefined where the server gave no usable size. */
  octets(index: number): number | undefined {
    const octets = this.#columns.octets[index]
    return octets === UNKNOWN ? undefined : octets
  }

  /** Of all as listed; undefined if those of one are not known. */
  get totalOctets(): number | undefined {
    let total = 0
    for (const octets of this.#columns.octets) {
      if (octets === UNKNOWN) return undefined
      total += octets
    }
    return total
  }

  at(index: number): ListedMessage {
    const made = this.#made[index]
    if (made) return made
    const { uniqueIds, repeated } = this.#columns
    const start = startOf(uniqueIds, index)
    const end = uniqueIds.ends[index] ?? start
    const message: ListedMessage = {
      messageNumber: this.messageNumber(index),
      octets: this.octets(index),
      uniqueId: end > start ? octetString(uniqueIds.octets, start, end) : undefined,
      isRepeated: repeated.has(index) || undefined,
    }
    this.#made[index] = message
    return message
  }

  get all(): readonly ListedMessage[] {
    for (let index = 0; index < this.length; index += 1) this.at(index)
    return this.#made
  }
}

/** Collects the rows of UIDL, then those of LIST, and joins them. Of two rows with one message number the first wins, marked. */
export class ListingJoin {
  readonly #columns = newColumns()
  /** By message number; needed only where these do not come as 1, 2, 3... */
  #places: Map<number, number> | undefined

  /** Lines as `readUniqueIdRows` takes them; returns how many rows there are among them. */
  addUniqueIdRows(lines: Uint8Array): number {
    const { uniqueIds, repeated } = this.#columns
    return readUniqueIdRows(lines, (messageNumber, start, end) => {
      const place = this.#find(messageNumber)
      if (place !== undefined) {
        repeated.add(place)
        return
      }
      this.#add(messageNumber, NOT_IN_LIST)
      uniqueIds.add(lines, start, end)
    })
  }

  /** Behind all rows of UIDL: lines as `readScanRows` takes them. Returns how many rows there are among them. */
  addScanRows(lines: Uint8Array): number {
    const { octets: sizes, repeated } = this.#columns
    return readScanRows(lines, (messageNumber, octets = UNKNOWN) => {
      const place = this.#find(messageNumber)
      if (place === undefined) this.#add(messageNumber, octets)
      else if (sizes[place] === NOT_IN_LIST) sizes[place] = octets
      else repeated.add(place)
    })
  }

  /**
   * With unique-ids, a message that only one listing shows is left out: mail that arrives between the two commands is visible to
   * one of them on some servers. To be called once, last.
   */
  listing(hasUniqueIds: boolean): Listing {
    const { messageNumbers, octets, uniqueIds, repeated } = this.#columns
    const inUidl = uniqueIds.ends.length
    while (uniqueIds.ends.length < messageNumbers.length) uniqueIds.add(NONE, 0, 0)
    const isInBoth = inUidl === messageNumbers.length && !octets.includes(NOT_IN_LIST)
    if (isInBoth) return new Listing(this.#columns)
    const kept = newColumns()
    for (const [place, messageNumber] of messageNumbers.entries()) {
      const size = octets[place] ?? NOT_IN_LIST
      if (size === NOT_IN_LIST || (hasUniqueIds && place >= inUidl)) continue
      if (repeated.has(place)) kept.repeated.add(kept.messageNumbers.length)
      kept.messageNumbers.push(messageNumber)
      kept.octets.push(size)
      const end = uniqueIds.ends[place] ?? 0
      kept.uniqueIds.add(uniqueIds.octets, startOf(uniqueIds, place), end)
    }
    return new Listing(kept)
  }

  #find(messageNumber: number): number | undefined {
    if (this.#places) return this.#places.get(messageNumber)
    return messageNumber <= this.#columns.messageNumbers.length ? messageNumber - 1 : undefined
  }

  #add(messageNumber: number, octets: number): void {
    const { messageNumbers, octets: sizes } = this.#columns
    const place = messageNumbers.length
    if (messageNumber !== place + 1) {
      this.#places ??= new Map(messageNumbers.map((number, index) => [number, index]))
    }
    this.#places?.set(messageNumber, place)
    messageNumbers.push(messageNumber)
    sizes.push(octets)
  }
}
