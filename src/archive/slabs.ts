/**
 * Memory for octets that wait for their commit. It is used again and again: new memory for each message is zeroed, given
 * page by page by the kernel, and lies about until the collector comes.
 */

/** Rooms lie side by side in slabs: a buffer for each short message would cost more than copying what is in it. */
const SLAB_OCTETS = 2 * 1024 * 1024

interface Slab {
  readonly memory: Uint8Array
  /** Octets from its start that rooms have, or had. */
  used: number
  /** How many rooms lie in it. While one does, what it holds is not given to another. */
  rooms: number
}

/** Where one owner puts octets. */
export interface Room {
  readonly filled: number
  /** Copies the octets behind those that are there. Throws RangeError, and copies none, where they would be more than a slab. */
  write(octets: Uint8Array): void
  /** A view, good until this room is written to or cleared. */
  octets(): Uint8Array
  /** Drops the octets, and the room is as new. Any number of times. */
  clear(): void
}

/** Makes rooms. A slab is taken again only when no room lies in it. */
export class Slabs {
  readonly #idle: Slab[] = []
  readonly slabOctets: number
  #current: Slab | undefined

  constructor(slabOctets = SLAB_OCTETS) {
    this.slabOctets = slabOctets
  }

  room(): Room {
    return new SlabRoom(this)
  }

  /** The slab in which a room of that many octets may begin, behind what is used. */
  take(octets: number): Slab {
    const current = this.#current
    if (current !== undefined && current.used + octets <= this.slabOctets) return current
    this.#current = this.#idle.pop() ?? {
      memory: new Uint8Array(this.slabOctets),
      used: 0,
      rooms: 0,
    }
    return this.#current
  }

  /** No room lies in this slab any more. */
  free(slab: Slab): void {
    slab.used = 0
    if (slab !== this.#current) this.#idle.push(slab)
  }
}

class SlabRoom implements Room {
  readonly #slabs: Slabs
  #slab: Slab | undefined
  #start = 0
  #end = 0
  #filled = 0

  constructor(slabs: Slabs) {
    this.#slabs = slabs
  }

  get filled(): number {
    return this.#filled
  }

  write(octets: Uint8Array): void {
    const filled = this.#filled + octets.byteLength
    if (filled > this.#slabs.slabOctets) throw new RangeError('a room is no larger than a slab')
    const slab = this.#reserve(filled)
    slab.memory.set(octets, this.#start + this.#filled)
    this.#filled = filled
  }

  octets(): Uint8Array {
    return this.#slab?.memory.subarray(this.#start, this.#start + this.#filled) ?? new Uint8Array()
  }

  clear(): void {
    const slab = this.#slab
    if (slab === undefined) return
    if (slab.used === this.#end) slab.used = this.#start
    this.#slab = undefined
    this.#filled = 0
    slab.rooms -= 1
    if (slab.rooms === 0) this.#slabs.free(slab)
  }

  /** Mostly one message comes at a time, and its room is the last of its slab: then it grows where it is. */
  #reserve(octets: number): Slab {
    const slab = this.#slab
    if (slab === undefined) return this.#move(octets)
    const end = this.#start + octets
    if (end <= this.#end) return slab
    if (slab.used !== this.#end) return this.#move(Math.min(octets * 2, slab.memory.byteLength))
    if (end > slab.memory.byteLength) return this.#move(octets)
    this.#end = end
    slab.used = end
    return slab
  }

  #move(octets: number): Slab {
    const filled = this.#filled
    const slab = this.#slabs.take(octets)
    slab.rooms += 1
    const start = slab.used
    slab.used += octets
    if (filled > 0) slab.memory.set(this.octets(), start)
    this.clear()
    this.#slab = slab
    this.#start = start
    this.#end = start + octets
    this.#filled = filled
    return slab
  }
}
