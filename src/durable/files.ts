/**
 * Files written whole: new file, all octets, fsync, link or rename, fsync of the folder. Nothing else in popkeep calls
 * fsync, link or rename.
 *
 * All functions throw ArchiveError (ARCHIVE_FULL, ARCHIVE_CREATE, ARCHIVE_IO). A failed fsync is never tried again on the
 * same descriptor: the kernel may have marked the pages clean.
 */
import { randomBytes } from 'node:crypto'
import nodeFs from 'node:fs'
import { dirname } from 'node:path'
import { ArchiveError, asArchiveError, systemCode } from './errors.ts'
import type { Syncs } from './syncs.ts'

/** The calls of node:fs that are used here, so that a test can let one of them fail. */
export type FileCalls = Pick<
  typeof nodeFs,
  | 'closeSync'
  | 'copyFileSync'
  | 'fstatSync'
  | 'fsync'
  | 'fsyncSync'
  | 'ftruncateSync'
  | 'linkSync'
  | 'mkdirSync'
  | 'openSync'
  | 'renameSync'
  | 'statSync'
  | 'unlinkSync'
  | 'writeSync'
>

const {
  COPYFILE_EXCL,
  O_CREAT,
  O_DIRECTORY = 0,
  O_EXCL,
  O_NOFOLLOW = 0,
  O_RDONLY,
  O_WRONLY,
} = nodeFs.constants

const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/** link() is not possible there, rename() may be. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS'])

/** A folder of somebody else's, or of a filesystem that has nothing to sync: popkeep made no entry there. */
const NOT_SYNCED = new Set(['EACCES', 'EPERM', 'EINVAL', 'ENOTSUP', 'EROFS'])

/**
 * Creates a folder (0700) and those above it that are missing; each one's parent is synced, and the entry of the folder that
 * the first is made in. One that is there is left as it is: see `syncEntry`.
 */
export function createFolder(path: string, calls: FileCalls = nodeFs): void {
  const parent = dirname(path)
  try {
    calls.mkdirSync(path, { mode: FOLDER_MODE })
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST' && isFolder(path, calls)) return
    // /proc and its like have no such entry to give, though the parent is there: asking again would never end.
    if (code !== 'ENOENT' || isFolder(parent, calls)) throw asArchiveError(error, path, 'create')
    createFolder(parent, calls)
    createFolder(path, calls)
    return
  }
  syncEntry(parent, calls)
  syncFolder(parent, calls)
}

/**
 * Makes the entry of a folder in its parent durable, where a run may have made the folder and have been killed before it synced
 * that. A parent that cannot be read or synced is none in which popkeep makes folders.
 */
export function syncEntry(folder: string, calls: FileCalls = nodeFs): void {
  try {
    syncFolder(dirname(folder), calls)
  } catch (error) {
    const code = error instanceof Error ? systemCode(error.cause) : undefined
    if (code === undefined || !NOT_SYNCED.has(code)) throw error
  }
}

/** Creates an empty file (0600) and syncs its folder. Returns false, and does nothing, if something has that name. */
export function createEmptyFile(path: string, calls: FileCalls = nodeFs): boolean {
  try {
    calls.closeSync(calls.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE))
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw asArchiveError(error, path, 'create')
  }
  syncFolder(dirname(path), calls)
  return true
}

/** Makes the entries of a folder durable. Not possible on Windows, where it does nothing. */
export function syncFolder(path: string, calls: FileCalls = nodeFs): void {
  if (process.platform === 'win32') return
  attempt(path, 'write', () => {
    const descriptor = calls.openSync(path, O_RDONLY | O_DIRECTORY)
    try {
      calls.fsyncSync(descriptor)
    } finally {
      calls.closeSync(descriptor)
    }
  })
}

/**
 * Writes all of `octets`, at `position` or where the descriptor stands. write() may take a part without an error, e.g. on a
 * nearly full filesystem.
 */
export function writeFully(
  descriptor: number,
  octets: Uint8Array,
  path: string,
  calls: FileCalls = nodeFs,
  position?: number,
): void {
  attempt(path, 'write', () => {
    for (let done = 0; done < octets.byteLength; ) {
      const at = position === undefined ? null : position + done
      const written = calls.writeSync(descriptor, octets, done, octets.byteLength - done, at)
      if (written === 0) throw new ArchiveError('ARCHIVE_IO', `${path}: write() takes no octets`)
      done += written
    }
  })
}

/** A file that is being written under a temporary name. */
export class NewFile {
  readonly path: string
  readonly #calls: FileCalls
  #descriptor: number | undefined
  #octets = 0
  #reserved = 0
  #isThere = true
  #sealing: 'under way' | 'done' | { readonly error: unknown } | undefined

  /** Creates the file (0600). Throws if something has that name, a symbolic link included. */
  constructor(path: string, calls: FileCalls = nodeFs) {
    this.path = path
    this.#calls = calls
    this.#descriptor = attempt(path, 'create', () =>
      calls.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE),
    )
  }

  get octets(): number {
    return this.#octets
  }

  /**
   * Takes room for so many octets on the disk, before the first write: no write up to there lacks it later. It is filled, and
   * with what no filesystem can compress.
   */
  reserve(octets: number): void {
    const descriptor = this.#open()
    // A write at a position does not move the place of the next one.
    writeFully(descriptor, randomBytes(octets), this.path, this.#calls, 0)
    attempt(this.path, 'write', () => this.#calls.fsyncSync(descriptor))
    this.#reserved = octets
  }

  write(octets: Uint8Array): void {
    writeFully(this.#open(), octets, this.path, this.#calls)
    this.#octets += octets.byteLength
  }

  /** fsync, compare the size, close: afterwards the octets are durable under the temporary name. */
  seal(): void {
    const descriptor = this.#written()
    this.#close(descriptor, () => this.#calls.fsyncSync(descriptor))
  }

  /** The same, while the caller goes on: see `isSettled`. */
  sealBy(syncs: Syncs): void {
    const descriptor = this.#written()
    this.#sealing = 'under way'
    syncs.begin(descriptor, (failure) => {
      try {
        this.#close(descriptor, () => {
          if (failure) throw failure
        })
      } catch (error) {
        this.#sealing = { error }
      }
    })
  }

  /** False from `sealBy` until the file is sealed, or is known to have failed. */
  get isSettled(): boolean {
    return this.#sealing !== 'under way'
  }

  /** Throws why the octets are not durable, if they are not. */
  requireSealed(): void {
    if (typeof this.#sealing === 'object') throw this.#sealing.error
    if (this.#sealing !== 'done') throw new Error(`${this.path} is not sealed`)
  }

  /** Closes and removes the file. Safe to call twice, and after it was published by rename. */
  discard(): void {
    const descriptor = this.#descriptor
    this.#descriptor = undefined
    attempt(this.path, 'write', () => {
      if (descriptor !== undefined) this.#calls.closeSync(descriptor)
    })
    if (!this.#isThere) return
    this.#isThere = false
    removeFile(this.path, this.#calls)
  }

  #open(): number {
    if (this.#descriptor === undefined) throw new Error(`${this.path} is closed`)
    return this.#descriptor
  }

  /** Nothing more is written; `#close` has to follow. */
  #written(): number {
    const descriptor = this.#open()
    if (this.#reserved > this.#octets) {
      attempt(this.path, 'write', () => this.#calls.ftruncateSync(descriptor, this.#octets))
    }
    this.#descriptor = undefined
    return descriptor
  }

  /** `sync`: throws if the octets are not on the disk. */
  #close(descriptor: number, sync: () => void): void {
    attempt(this.path, 'write', () => {
      try {
        sync()
        const { size } = this.#calls.fstatSync(descriptor)
        if (size !== this.#octets) {
          throw new ArchiveError('ARCHIVE_IO', `${this.path}: ${size} octets, not ${this.#octets}`)
        }
      } finally {
        // close() may be the first to report a quota or a network filesystem's late error.
        this.#calls.closeSync(descriptor)
      }
    })
    this.#sealing = 'done'
  }
}

/** Removes a file; one that is gone already is no error. Not synced: what is removed may come back after a power cut. */
export function removeFile(path: string, calls: FileCalls = nodeFs): void {
  try {
    calls.unlinkSync(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw asArchiveError(error, path, 'write')
  }
}

/** How a file got its final name: after `linked` the temporary name is still there, to be removed once synced. */
export type Published = 'linked' | 'renamed' | 'taken'

/**
 * Gives a sealed file its final name, which must not exist: link(), or rename() where the filesystem has no links (so the
 * name has to be unique by itself). Returns 'taken' if another file has that name. Durable after `syncFolder` of the
 * folder of `to`.
 */
export function publishFile(from: string, to: string, calls: FileCalls = nodeFs): Published {
  try {
    calls.linkSync(from, to)
    return 'linked'
  } catch (error) {
    // On NFS the reply to a link that was made may be lost, and the call be repeated: the inode tells.
    if (isSameFile(from, to, calls)) return 'linked'
    const code = systemCode(error) ?? ''
    if (code === 'EEXIST') return 'taken'
    if (!NO_LINKS.has(code)) throw asArchiveError(error, to, 'write')
  }
  if (calls.statSync(to, { throwIfNoEntry: false }) !== undefined) return 'taken'
  attempt(to, 'write', () => calls.renameSync(from, to))
  return 'renamed'
}

/**
 * Gives a file a second name, which must not exist: by link(), or by a copy where the filesystem has no links. The first
 * name stays, so whatever follows, one of the two holds the file whole. Durable when this returns.
 */
export function keepCopy(from: string, to: string, calls: FileCalls = nodeFs): void {
  attempt(to, 'write', () => {
    try {
      calls.linkSync(from, to)
    } catch (error) {
      if (!NO_LINKS.has(systemCode(error) ?? '')) throw error
      calls.copyFileSync(from, to, COPYFILE_EXCL)
      const descriptor = calls.openSync(to, O_WRONLY)
      try {
        calls.fsyncSync(descriptor)
      } finally {
        calls.closeSync(descriptor)
      }
    }
  })
  syncFolder(dirname(to), calls)
}

/** Puts a sealed file in the place of another one, or of none, and syncs the folder: the old one or the new one, whole. */
export function replaceFile(from: string, to: string, calls: FileCalls = nodeFs): void {
  attempt(to, 'write', () => calls.renameSync(from, to))
  syncFolder(dirname(to), calls)
}

function attempt<T>(path: string, doing: 'create' | 'write', act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw asArchiveError(error, path, doing)
  }
}

function isFolder(path: string, calls: FileCalls): boolean {
  return calls.statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function isSameFile(one: string, other: string, calls: FileCalls): boolean {
  const first = calls.statSync(one, { throwIfNoEntry: false })
  const second = calls.statSync(other, { throwIfNoEntry: false })
  return (
    first !== undefined &&
    second !== undefined &&
    first.ino === second.ino &&
    first.dev === second.dev
  )
}
