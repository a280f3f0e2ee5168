/** The names of a message, from one pass over its octets as they leave the wire. */

import type { Hash } from 'node:crypto'
import { createHash } from 'node:crypto'

import { fingerprintOfLines } from './fingerprint.ts'
import type { HeaderLine } from './header-fields.ts'
import { HeaderCollector, headerLines } from './header-fields.ts'
import { SERVER_FIELDS } from './server-fields.ts'

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
  /** The header section with its blank line, at most 256 KiB of it. */
  readonly header: Uint8Array
  /** The lines of the header section. */
  readonly lines: readonly HeaderLine[]
}

export interface MessageDigester {
  /** Takes the next octets, in chunks of any size. The view is not kept. */
  write(octets: Uint8Array): void
  /** All octets came. To be called once. */
  end(): MessageDigests
}

/** Digests one message in constant memory, whatever its size. */
export function createMessageDigester(): MessageDigester {
  const plain = createHash('sha256')
  const canonical = new CanonicalHash()
  const collector = new HeaderCollector()
  let octets = 0
  let lines: readonly HeaderLine[] = []
  const endHeader = () => {
    const header = collector.octets()
    lines = headerLines(header)
    canonical.writeHeader(header, lines)
  }
  return {
    write(chunk) {
      if (chunk.length === 0) return
      plain.update(chunk)
      octets += chunk.length
      if (collector.isComplete) {
        canonical.write(chunk)
        return
      }
      const taken = collector.write(chunk)
      if (!collector.isComplete) return
      endHeader()
      canonical.write(chunk.subarray(taken))
    },
    end() {
      if (!collector.isComplete) endHeader()
      return {
        digest: plain.digest(),
        octets,
        canonical: canonical.digest(),
        fingerprint: fingerprintOfLines(lines),
        header: collector.octets(),
        lines,
      }
    },
  }
}

const LF = 0x0a
const CR = 0x0d

// One hash.update per line costs more than the hashing itself, so lines are joined here first. All digesters share the
// buffer: it holds nothing between two calls.
const scratch = Buffer.allocUnsafeSlow(64 * 1024)
const lineFeeds = Buffer.alloc(4096, LF)

/** Hashes octets with CR LF turned into LF, holding back line feeds until something follows them. */
class CanonicalHash {
  readonly #hash: Hash = createHash('sha256')
  #heldLineFeeds = 0
  // A CR that ended the last chunk, after the line feeds held back: an LF may follow it.
  #isCrHeld = false

  /** Hashes a header section but for the fields that servers write. */
  writeHeader(header: Uint8Array, lines: readonly HeaderLine[]): void {
    let keptFrom = 0
    let isDropped = false
    for (const line of lines) {
      if (!line.isContinuation) {
        const wasDropped = isDropped
        isDropped = line.name !== undefined && SERVER_FIELDS.has(line.name)
        if (isDropped && !wasDropped) this.write(header.subarray(keptFrom, line.start))
      }
      if (isDropped) keptFrom = line.next
    }
    this.write(header.subarray(keptFrom))
  }

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
