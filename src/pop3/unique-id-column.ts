/** Unique-ids of many messages, in less than an object and a string for each would take: some servers list 100,000. */
export interface UniqueIds {
  /** Of all, one behind the other. */
  readonly octets: Uint8Array
  /** Where each of them ends; one without octets is none. */
  readonly ends: ArrayLike<number>
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

/** Unique-ids as they come in. */
export class UniqueIdColumn implements UniqueIds {
  readonly ends: number[] = []
  #octets = new Uint8Array(FIRST_OCTETS)

  get octets(): Uint8Array {
    return this.#octets
  }

  /** Adds what `from` has between `start` and `end`. */
  add(from: Uint8Array, start: number, end: number): void {
    const at = this.ends.at(-1) ?? 0
    const next = at + end - start
    if (next > this.#octets.length) this.#grow(next)
    const octets = this.#octets
    // A loop is faster than `set` for so few octets.
    for (let to = at, taken = start; taken < end; to += 1, taken += 1) octets[to] = from[taken] ?? 0
    this.ends.push(next)
  }

  #grow(least: number): void {
    const larger = new Uint8Array(Math.max(least, 2 * this.#octets.length))
    larger.set(this.#octets)
    this.#octets = larger
  }
}
