/**
 * The messages of a Maildir, read. Creates and changes nothing.
 *
 * The Maildir's owner may rename files at any time (flags, new/ to cur/): a file that is not where the index has it is
 * looked for again, by a new listing, if the folders' times say that something moved.
 */
import fs from 'node:fs'
import { join } from 'node:path'
import { ArchiveError, asArchiveError, systemCode } from '../durable/errors.ts'
import type { StoredMessage } from './content.ts'
import { inWireForm } from './maildir-form.ts'
import { indexMaildir, type MaildirIndex } from './maildir-index.ts'
import { dropped } from './short-lived.ts'

const { O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY } = fs.constants

/** In wire form this may double. */
const CHUNK_OCTETS = 512 * 1024

/** Nanosecond times of new/ and cur/, as the catalog records them: they change with each name in the folder. */
export function foldersAt(root: string): string {
  return ['new', 'cur']
    .map((folder) => {
      const path = join(root, folder)
      try {
        const found = fs.statSync(path, { bigint: true, throwIfNoEntry: false })
        return `${folder} ${found?.mtimeNs ?? 'missing'}`
      } catch (error) {
        throw asArchiveError(error, path, 'read')
      }
    })
    .join(' ')
}

/**
 * The octets of a plain file in chunks. The descriptor is closed when the loop ends or is left. Throws ArchiveError
 * ARCHIVE_CONTENT_MISSING if no plain file is there (a symbolic link is none), ARCHIVE_IO if it cannot be read.
 */
export function* readPlainFile(path: string): Iterable<Uint8Array> {
  const descriptor = openPlainFile(path)
  if (descriptor === undefined) {
    throw new ArchiveError('ARCHIVE_CONTENT_MISSING', `${path} is not there`)
  }
  try {
    yield* readChunks(descriptor, path)
  } finally {
    fs.closeSync(descriptor)
  }
}

/** Finds and reads messages by their digest. */
export class MaildirFiles {
  readonly root: string
  #index: MaildirIndex | undefined
  #indexedAt = ''

  constructor(root: string) {
    this.root = root
  }

  /** A listing of both folders, made at the first need. */
  get index(): MaildirIndex {
    return this.#index ?? this.refresh()
  }

  refresh(): MaildirIndex {
    // Times first: what changes during the listing makes the next miss list again.
    this.#indexedAt = foldersAt(this.root)
    this.#index = indexMaildir(this.root)
    return this.#index
  }

  /** This program has put a file into new/: known without a listing, and better than one that was there before. */
  added(digest: Uint8Array, name: string): void {
    this.#index?.put(digest, 'new', name)
  }

  /** The path of the file that names this digest, or undefined if there is none. */
  locate(digest: Uint8Array): string | undefined {
    const known = this.#locateIndexed(digest)
    if (known !== undefined || this.#indexedAt === foldersAt(this.root)) return known
    this.refresh()
    return this.#locateIndexed(digest)
  }

  has(message: StoredMessage): boolean {
    return this.locate(message.digest) !== undefined
  }

  /** See ContentStore.read. The form follows from the size: LF form is shorter by one octet a line. */
  *read(message: StoredMessage): Iterable<Uint8Array> {
    const opened = this.#open(message.digest)
    if (opened === undefined) {
      const digest = Buffer.from(message.digest).toString('hex')
      throw new ArchiveError(
        'ARCHIVE_CONTENT_MISSING',
        `${this.root}: no file in new/ or cur/ holds message ${digest}`,
      )
    }
    const { descriptor, path } = opened
    try {
      const isWire = fs.fstatSync(descriptor).size === message.octets
      yield* inWireForm(readChunks(descriptor, path), isWire ? 'wire' : 'lf')
    } finally {
      fs.closeSync(descriptor)
    }
  }

  #locateIndexed(digest: Uint8Array): string | undefined {
    const file = this.index.find(digest)
    if (file === undefined) return undefined
    const path = join(this.root, file)
    return isPlainFile(path) ? path : undefined
  }

  #open(digest: Uint8Array): { readonly descriptor: number; readonly path: string } | undefined {
    // The owner may rename the file between the look and the opening: once more, then it counts as gone.
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const path = this.locate(digest)
      if (path === undefined) return undefined
      const descriptor = openPlainFile(path)
      if (descriptor !== undefined) return { descriptor, path }
    }
    return undefined
  }
}

/** Each chunk has a buffer of its own; that of a small file is small. */
function* readChunks(descriptor: number, path: string): Iterable<Uint8Array> {
  try {
    const { size } = fs.fstatSync(descriptor)
    for (let done = 0; ; ) {
      // One octet past the size: the file may have grown.
      const room = Math.max(1, Math.min(CHUNK_OCTETS, size + 1 - done))
      const buffer = new Uint8Array(room)
      const octets = fs.readSync(descriptor, buffer)
      if (octets === 0) return
      done += octets
      yield buffer.subarray(0, octets)
      dropped(room)
    }
  } catch (error) {
    throw asArchiveError(error, path, 'read')
  }
}

function isPlainFile(path: string): boolean {
  try {
    return fs.lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false
  } catch (error) {
    throw asArchiveError(error, path, 'read')
  }
}

/** Opens without following a link and without waiting for the writer of a pipe. Undefined if no plain file is there. */
function openPlainFile(path: string): number | undefined {
  let descriptor: number
  try {
    descriptor = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ELOOP') return undefined
    throw asArchiveError(error, path, 'read')
  }
  if (fs.fstatSync(descriptor).isFile()) return descriptor
  fs.closeSync(descriptor)
  return undefined
}
