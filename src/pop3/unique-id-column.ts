/** Unique-ids of many messages, in less than an object and a string for each would take: some servers list 100,000. */
export interface UniqueIds {
  /** Of all, one behind the other. */
  readonly octets: Uint8Array
  /** Where each of them ends; one without octets is none. */
  readonly ends: Uint32Array
}

/** Where the octets of the unique-id at `index` begin. */
export function startOf({ ends }: UniqueIds, index: number): number {
  return index === 0 ? 0 : (ends[index - 1] ?? 0)
}

export function isNone(uniqueIds: UniqueIds, index: number): boolean {
  return startOf(uniqueIds, index) === (uniqueIds.ends[index] ?? 0)
}

export function areAllNone({ ends }: UniqueIds): boolean {
  return (ends[ends.length - 1] ?? 0) === 0
}

/** Enough for a small maildrop; most unique-ids have 16 to 24 octets. */
const FIRST_OCTETS = 4096

/** Enough for a small maildrop, too. */
const FIRST_ENTRIES = 256

/** Unique-ids as they come in. */
export class UniqueIdColumn {
  #octets = new Uint8Array(FIRST_OCTETS)
  #ends = new Uint32Array(FIRST_ENTRIES)
  #length = 0
  #end = 0

  get length(): number {
    return this.#length
  }

  /** What was added so far. Made each time it is asked for. */
  get all(): UniqueIds {
    const octets = this.#octets.subarray(0, this.#end)
    return { octets, ends: this.#ends.subarray(0, this.#length) }
  }

  /** Adds what `from` has between `start` and `end`. */
  add(from: Uint8Array, start: number, end: number): void {
    const next = this.#end + end - start
    if (next > this.#octets.length) this.#widen(next)
    if (this.#length === this.#ends.length) this.#lengthen()
    const octets = this.#octets
    // A loop is faster than `set` for so few octets.
    for (let to = this.#end, taken = start; taken < end; to += 1, taken += 1) {
      octets[to] = from[taken] ?? 0
    }
    this.#end = next
    this.#ends[this.#length] = next
    this.#length += 1
  }

  #widen(least: number): void {
    const wider = new Uint8Array(Math.max(least, 2 * this.#octets.length))
    wider.set(this.#octets)
    this.#octets = wider
  }

  #lengthen(): void {
    const longer = new Uint32Array(2 * this.#ends.length)
    longer.set(this.#ends)
    this.#ends = longer
  }
}
