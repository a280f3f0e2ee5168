import { startOf, type UniqueIds } from '../pop3/unique-id-column.ts'

/** Slots for each entry, at least: the fewer are taken, the sooner an empty one ends a search. */
const ROOM = 2

/**
 * Finds unique-ids by their octets. One table of numbers, where a Map would need a string for each, which takes several times
 * as long for the 100,000 of a large maildrop.
 */
export class UniqueIdIndex {
  readonly #own: UniqueIds
  /** Index + 1; 0 is empty. */
  readonly #slots: Int32Array
  /** Another one each time: no server can choose unique-ids that all meet in one slot. */
  readonly #seed = (Math.random() * 2 ** 32) | 0

  /** For entries of `own`, each added at most once. */
  constructor(own: UniqueIds) {
    this.#own = own
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(ROOM * own.ends.length + 1)))
  }

  /** Returns the first entry added with these octets, which is this one if there is none yet. */
  add(index: number): number {
    const slot = this.#seek(this.#own, index)
    const first = this.#slots[slot] ?? 0
    if (first > 0) return first - 1
    this.#slots[slot] = index + 1
    return index
  }

  /** The first entry added with the octets of another column's entry; -1: there is none. */
  find(other: UniqueIds, index: number): number {
    return (this.#slots[this.#seek(other, index)] ?? 0) - 1
  }

  /** Whether one was added with what `octets` has between `start` and `end`. */
  has(octets: Uint8Array, start: number, end: number): boolean {
    return (this.#slots[this.#slotOf(octets, start, end)] ?? 0) > 0
  }

  #seek(from: UniqueIds, index: number): number {
    const start = startOf(from, index)
    return this.#slotOf(from.octets, start, from.ends[index] ?? start)
  }

  /** The slot of the entry with these octets, or the empty one where it would be. */
  #slotOf(octets: Uint8Array, start: number, end: number): number {
    const mask = this.#slots.length - 1
    let slot = hashOf(octets, start, end, this.#seed) & mask
    for (;;) {
      const found = (this.#slots[slot] ?? 0) - 1
      if (found < 0 || this.#hasOctets(found, octets, start, end)) return slot
      slot = (slot + 1) & mask
    }
  }

  #hasOctets(index: number, octets: Uint8Array, start: number, end: number): boolean {
    const own = this.#own
    const ownStart = startOf(own, index)
    if ((own.ends[index] ?? 0) - ownStart !== end - start) return false
    for (let at = end - start - 1; at >= 0; at -= 1) {
      if (own.octets[ownStart + at] !== octets[start + at]) return false
    }
    return true
  }
}

/** FNV-1a from a seed, its bits mixed at the end so that the low ones depend on all (MurmurHash3's finalizer). */
function hashOf(octets: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed
  for (let at = start; at < end; at += 1) {
    hash = Math.imul(hash ^ (octets[at] ?? 0), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
