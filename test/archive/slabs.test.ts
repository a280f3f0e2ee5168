import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Room, Slabs } from '../../src/archive/slabs.ts'

const SLAB = 64

/** What several owners do by turns: which of them, and how many octets it writes; undefined: it clears its room. */
const steps = fc.array(
  fc.record({
    owner: fc.nat({ max: 5 }),
    octets: fc.option(fc.nat({ max: SLAB / 2 }), { nil: undefined, freq: 4 }),
  }),
  { maxLength: 80 },
)

/** A room, and what should be in it. */
class Owner {
  readonly #room: Room
  #written = new Uint8Array(0)

  constructor(room: Room) {
    this.#room = room
  }

  write(octets: Uint8Array): void {
    if (this.#written.length + octets.length > SLAB) return
    this.#room.write(octets)
    this.#written = Uint8Array.of(...this.#written, ...octets)
  }

  clear(): void {
    this.#room.clear()
    this.#written = new Uint8Array(0)
  }

  check(): void {
    expect(this.#room.filled).toBe(this.#written.length)
    expect(Buffer.compare(this.#room.octets(), this.#written)).toBe(0)
  }
}

describe('rooms', () => {
  it('keep what was written to them, whatever others do', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        const slabs = new Slabs(SLAB)
        const owners = Array.from({ length: 6 }, () => new Owner(slabs.room()))
        taken.forEach(({ owner, octets }, index) => {
          if (octets === undefined) owners[owner]?.clear()
          else owners[owner]?.write(new Uint8Array(octets).fill(index + 1))
          for (const each of owners) each.check()
        })
      }),
      { numRuns: 1_000 },
    )
  })

  it('lie in memory that others have left', () => {
    const slabs = new Slabs(SLAB)
    const memory = new Set<ArrayBufferLike>()
    for (let round = 0; round < 100; round += 1) {
      const rooms = Array.from({ length: 6 }, () => slabs.room())
      for (const room of rooms) {
        room.write(new Uint8Array(SLAB / 2))
        memory.add(room.octets().buffer)
      }
      for (const room of rooms) room.clear()
    }
    expect(memory.size).toBe(3)
  })

  it('grow where they are while they are the last', () => {
    const slabs = new Slabs(SLAB)
    const [before, room] = [slabs.room(), slabs.room()]
    before.write(new Uint8Array(10))
    for (let filled = 10; filled < SLAB; filled += 1) {
      room.write(new Uint8Array(1))
      expect(room.octets().byteOffset).toBe(10)
    }
    expect(room.octets().buffer).toBe(before.octets().buffer)
  })

  it('hold a slab, and not an octet more', () => {
    const room = new Slabs(SLAB).room()
    room.write(new Uint8Array(SLAB).fill(1))
    expect(() => room.write(new Uint8Array(1))).toThrow(RangeError)
    expect(room.octets()).toEqual(new Uint8Array(SLAB).fill(1))
  })
})
