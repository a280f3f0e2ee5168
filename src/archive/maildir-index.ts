/**
 * Which file of a Maildir holds which message: one reading of new/ and cur/, by the digests in their names.
 *
 * A million files fit in some 180 MB, and none of it on JavaScript's heap: names lie in large blocks, and a table of
 * numbers points into them.
 */
import { type Dir, opendirSync } from 'node:fs'
import { join } from 'node:path'
import { asArchiveError, systemCode } from '../durable/errors.ts'
import { digestInName } from './maildir-name.ts'

const FOLDERS = ['new', 'cur'] as const

const DIGEST_OCTETS = 32

/** A record: digest, folder, length of the name (two octets), name. */
const HEAD_OCTETS = DIGEST_OCTETS + 3

const BLOCK_OCTETS = 1024 * 1024

/** Names on the filesystems we know have 255 octets at most; in UTF-8 that we read as replaced characters, thrice that. */
const NAME_OCTETS = 3 * 255

const EMPTY = 0

export class MaildirIndex {
  readonly #blocks: Buffer[] = []
  #blockEnd = BLOCK_OCTETS
  /** Positions of records, plus one; the slot follows from the digest, collisions go to the next slot. */
  #slots = new Uint32Array(1024)
  #files = 0

  /** Number of messages, not of files: a second file with the same digest is left out. */
  get messages(): number {
    return this.#files
  }

  add(digest: Uint8Array, folder: (typeof FOLDERS)[number], name: string): void {
    const slot = this.#slotOf(digest)
    if (this.#slots[slot] !== EMPTY || Buffer.byteLength(name) > NAME_OCTETS) return
    const position = this.#append(digest, FOLDERS.indexOf(folder), Buffer.from(name))
    this.#slots[slot] = position + 1
    this.#files += 1
    if (this.#files * 2 > this.#slots.length) this.#grow()
  }

  /** As `add`, but in the place of what the index has for this digest. */
  put(digest: Uint8Array, folder: (typeof FOLDERS)[number], name: string): void {
    const slot = this.#slotOf(digest)
    if (this.#slots[slot] === EMPTY) this.add(digest, folder, name)
    else this.#slots[slot] = this.#append(digest, FOLDERS.indexOf(folder), Buffer.from(name)) + 1
  }

  has(digest: Uint8Array): boolean {
    return this.#slots[this.#slotOf(digest)] !== EMPTY
  }

  /** The file, relative to the Maildir's root. */
  find(digest: Uint8Array): string | undefined {
    const position = this.#slots[this.#slotOf(digest)] ?? EMPTY
    if (position === EMPTY) return undefined
    const record = this.#record(position - 1)
    const end = HEAD_OCTETS + record.readUInt16LE(DIGEST_OCTETS + 1)
    const folder = FOLDERS[record.readUInt8(DIGEST_OCTETS)] ?? 'new'
    return join(folder, record.toString('utf8', HEAD_OCTETS, end))
  }

  /** The digests, in no order. Views, valid as long as the index. */
  *digests(): Iterable<Uint8Array> {
    for (const position of this.#slots) {
      if (position !== EMPTY) yield this.#record(position - 1).subarray(0, DIGEST_OCTETS)
    }
  }

  #append(digest: Uint8Array, folder: number, name: Buffer): number {
    if (this.#blockEnd + HEAD_OCTETS + name.length > BLOCK_OCTETS) {
      this.#blocks.push(Buffer.allocUnsafeSlow(BLOCK_OCTETS))
      this.#blockEnd = 0
    }
    const position = (this.#blocks.length - 1) * BLOCK_OCTETS + this.#blockEnd
    const record = this.#record(position)
    record.set(digest)
    record.writeUInt8(folder, DIGEST_OCTETS)
    record.writeUInt16LE(name.length, DIGEST_OCTETS + 1)
    name.copy(record, HEAD_OCTETS)
    this.#blockEnd += HEAD_OCTETS + name.length
    return position
  }

  #record(position: number): Buffer {
    const block = this.#blocks[Math.floor(position / BLOCK_OCTETS)]
    if (block === undefined) throw new RangeError(`no record at ${position}`)
    return block.subarray(position % BLOCK_OCTETS)
  }

  /** The slot that holds this digest, or the empty one where it belongs. */
  #slotOf(digest: Uint8Array): number {
    const mask = this.#slots.length - 1
    // Digests are as good as random: their first octets spread evenly.
    let slot = new DataView(digest.buffer, digest.byteOffset).getUint32(0, true) & mask
    for (;;) {
      const position = this.#slots[slot] ?? EMPTY
      if (position === EMPTY) return slot
      const record = this.#record(position - 1)
      if (record.compare(digest, 0, DIGEST_OCTETS, 0, DIGEST_OCTETS) === 0) return slot
      slot = (slot + 1) & mask
    }
  }

  #grow(): void {
    const former = this.#slots
    this.#slots = new Uint32Array(former.length * 2)
    for (const position of former) {
      if (position === EMPTY) continue
      const digest = this.#record(position - 1).subarray(0, DIGEST_OCTETS)
      this.#slots[this.#slotOf(digest)] = position
    }
  }
}

/**
 * Lists new/ and cur/ of a Maildir. Only plain files with a digest in their name count: symbolic links, pipes and
 * folders are not followed, opened or reported. A missing folder is an empty one.
 *
 * Throws ArchiveError ARCHIVE_IO if a folder cannot be read.
 */
export function indexMaildir(root: string): MaildirIndex {
  const index = new MaildirIndex()
  for (const folder of FOLDERS) {
    const path = join(root, folder)
    try {
      const entries = openFolder(path)
      try {
        for (let entry = entries?.readSync(); entry; entry = entries?.readSync()) {
          const digest = entry.isFile() ? digestInName(entry.name) : undefined
          if (digest !== undefined) index.add(digest, folder, entry.name)
        }
      } finally {
        entries?.closeSync()
      }
    } catch (error) {
      throw asArchiveError(error, path, 'read')
    }
  }
  return index
}

function openFolder(path: string): Dir | undefined {
  try {
    return opendirSync(path, { bufferSize: 512 })
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}
