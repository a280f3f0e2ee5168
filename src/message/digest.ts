/** The names of a message, from one pass over its octets as they leave the wire. */

import type { Hash } from 'node:crypto'
import { createHash } from 'node:crypto'

import { fingerprintOfLines } from './fingerprint.ts'
import type { HeaderLine } from './header-fields.ts'
import { HeaderCollector, headerLines } from './header-fields.ts'
import { SERVER_FIELDS } from './server-fields.ts'
import { sha256 } from './sha256.ts'

export interface MessageDigests {
  /** SHA-256 of the octets as they came: it names the message. */
  readonly digest: Uint8Array
  readonly octets: number
  /**
   * SHA-256 of the octets with LF for CR LF, without the fields that servers write and without blank lines or a line
   * end at the end. Fields that begin past the first 256 KiB count, whoever wrote them.
   */
  readonly canonical: Uint8Array
  /** Of the header section: see fingerprintOf. */
  readonly fingerprint: Uint8Array
  /** The lines of the header section, at most 256 KiB of it. */
  readonly lines: readonly HeaderLine[]
}

export interface MessageDigester {
  /** Takes the next octets, in chunks of any size. The view is not kept. */
  write(octets: Uint8Array): void
  /** All octets came. To be called once. */
  end(): MessageDigests
}

/** A message of no more octets is gathered, and digested when all of it is there; a larger one as it comes. */
const GATHERED_OCTETS = 64 * 1024

/** Digests one message in constant memory, whatever its size. `gatheredOctets` is at most what it is unless said. */
export function createMessageDigester(gatheredOctets = GATHERED_OCTETS): MessageDigester {
  return new GatheringDigester(gatheredOctets)
}

/** What a message was gathered in, for the next one: most end before another begins. */
let idle: Buffer | undefined

/**
 * Gathers small messages. Most are, and in one piece they cost half: a Hash object is dearer than the hashing of 2 kB, and
 * more so when it is collected.
 */
class GatheringDigester implements MessageDigester {
  readonly #bound: number
  #gathered: Buffer | undefined
  #octets = 0
  #streaming: StreamingDigester | undefined

  constructor(bound: number) {
    this.#bound = bound
  }

  write(chunk: Uint8Array): void {
    if (this.#streaming === undefined && this.#octets + chunk.length > this.#bound) {
      this.#streaming = new StreamingDigester()
      this.#streaming.write(this.#release())
    }
    if (this.#streaming !== undefined) {
      this.#streaming.write(chunk)
      return
    }
    if (this.#gathered === undefined) {
      this.#gathered = idle ?? Buffer.allocUnsafeSlow(GATHERED_OCTETS)
      idle = undefined
    }
    this.#gathered.set(chunk, this.#octets)
    this.#octets += chunk.length
  }

  end(): MessageDigests {
    return this.#streaming?.end() ?? digestWhole(this.#release())
  }

  /** What was gathered. To be read before another message comes. */
  #release(): Buffer {
    const gathered = this.#gathered
    this.#gathered = undefined
    if (gathered === undefined) return Buffer.alloc(0)
    idle = gathered
    return gathered.subarray(0, this.#octets)
  }
}

function digestWhole(octets: Buffer): MessageDigests {
  const lines = headerLines(octets)
  return {
    digest: sha256(octets),
    octets: octets.length,
    canonical: canonicalOfWhole(octets, lines),
    fingerprint: fingerprintOfLines(lines),
    lines,
  }
}

class StreamingDigester implements MessageDigester {
  readonly #plain = createHash('sha256')
  readonly #canonical = new CanonicalHash()
  readonly #collector = new HeaderCollector()
  #octets = 0
  #lines: readonly HeaderLine[] = []

  write(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#plain.update(chunk)
    this.#octets += chunk.length
    if (this.#collector.isComplete) {
      this.#canonical.write(chunk)
      return
    }
    const taken = this.#collector.write(chunk)
    if (!this.#collector.isComplete) return
    this.#endHeader()
    this.#canonical.write(chunk.subarray(taken))
  }

  end(): MessageDigests {
    if (!this.#collector.isComplete) this.#endHeader()
    return {
      digest: this.#plain.digest(),
      octets: this.#octets,
      canonical: this.#canonical.digest(),
      fingerprint: fingerprintOfLines(this.#lines),
      lines: this.#lines,
    }
  }

  #endHeader(): void {
    const header = this.#collector.octets()
    this.#lines = headerLines(header)
    for (const part of keptParts(header, this.#lines)) this.#canonical.write(part)
  }
}

/** The parts of octets that begin with a header section, without the fields that servers write. */
function keptParts(octets: Uint8Array, lines: readonly HeaderLine[]): Uint8Array[] {
  const parts: Uint8Array[] = []
  let keptFrom = 0
  let isDropped = false
  for (const line of lines) {
    if (!line.isContinuation) {
      const wasDropped = isDropped
      isDropped = line.name !== undefined && SERVER_FIELDS.has(line.name)
      if (isDropped && !wasDropped && line.start > keptFrom) {
        parts.push(octets.subarray(keptFrom, line.start))
      }
    }
    if (isDropped) keptFrom = line.next
  }
  parts.push(octets.subarray(keptFrom))
  return parts
}

const LF = 0x0a
const CR = 0x0d

// One hash.update per line costs more than the hashing itself, so lines are joined here first. All digesters share the
// buffer: it holds nothing between two calls.
const scratch = Buffer.allocUnsafeSlow(GATHERED_OCTETS)
const lineFeeds = Buffer.alloc(4096, LF)

/** What CanonicalHash makes of it. */
function canonicalOfWhole(octets: Uint8Array, lines: readonly HeaderLine[]): Uint8Array {
  let copied = 0
  for (const part of keptParts(octets, lines)) {
    scratch.set(part, copied)
    copied += part.length
  }
  let text = dropCrBeforeLf(scratch.subarray(0, copied))
  while (text > 0 && scratch[text - 1] === LF) text--
  return sha256(scratch.subarray(0, text))
}

/** Hashes octets with CR LF turned into LF, holding back line feeds until something follows them. */
class CanonicalHash {
  readonly #hash: Hash = createHash('sha256')
  #heldLineFeeds = 0
  // A CR that ended the last chunk, after the line feeds held back: an LF may follow it.
  #isCrHeld = false

  write(octets: Uint8Array): void {
    // One octet of the scratch buffer is for a CR held back.
    for (let start = 0; start < octets.length; start += scratch.length - 1) {
      this.#writePart(octets.subarray(start, start + scratch.length - 1))
    }
  }

  digest(): Uint8Array {
    if (this.#isCrHeld) {
      this.#flushLineFeeds()
      this.#hash.update(Uint8Array.of(CR))
    }
    return this.#hash.digest()
  }

  #writePart(octets: Uint8Array): void {
    if (this.#isCrHeld) scratch[0] = CR
    const start = this.#isCrHeld ? 1 : 0
    scratch.set(octets, start)
    let filled = dropCrBeforeLf(scratch.subarray(0, start + octets.length))
    this.#isCrHeld = scratch[filled - 1] === CR
    if (this.#isCrHeld) filled--
    let text = filled
    while (text > 0 && scratch[text - 1] === LF) text--
    if (text > 0) {
      this.#flushLineFeeds()
      this.#hash.update(scratch.subarray(0, text))
    }
    this.#heldLineFeeds += filled - text
  }

  #flushLineFeeds(): void {
    for (; this.#heldLineFeeds > 0; this.#heldLineFeeds -= lineFeeds.length) {
      this.#hash.update(lineFeeds.subarray(0, this.#heldLineFeeds))
    }
    this.#heldLineFeeds = 0
  }
}

/** Turns CR LF into LF in place and returns how many octets are left. Moves whole lines: twice as fast as octets. */
function dropCrBeforeLf(octets: Uint8Array): number {
  let filled = 0
  let from = 0
  while (from < octets.length) {
    const cr = octets.indexOf(CR, from)
    const end = cr < 0 ? octets.length : octets[cr + 1] === LF ? cr : cr + 1
    if (filled !== from) octets.copyWithin(filled, from, end)
    filled += end - from
    from = cr < 0 ? end : cr + 1
  }
  return filled
}
