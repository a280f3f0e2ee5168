/**
 * Which archives there were, remembered outside of them: one whose disk is not mounted looks like one that never was, and a
 * sync would make it anew and retrieve everything once more.
 */
import { appendFileSync, existsSync, lstatSync, readFileSync, type Stats, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ArchiveError, asArchiveError, systemCode } from '../durable/errors.ts'
import { createFolder } from '../durable/files.ts'
import { type ArchiveLocation, catalogPath, formatLocation } from './location.ts'

const FILE_MODE = 0o600

/** Octets. A file with more than thousands of the longest paths was not written by popkeep. */
const MOST_OCTETS = 16 * 1024 * 1024

/**
 * A file with the location of each archive in a line of its own, as a JSON string: paths may hold line ends. Not synced: a line
 * that a power cut took is written again by the next sync.
 */
export class ArchiveRecord {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  /** All that there ever were, as `formatLocation` writes them. Throws ArchiveError where the file cannot be read. */
  archives(): ReadonlySet<string> {
    return archivesIn(this.#read())
  }

  /** Throws ArchiveError where the file cannot be written. */
  add(location: ArchiveLocation): void {
    const text = this.#read()
    const place = formatLocation(location)
    if (archivesIn(text).has(place)) return
    // A power cut may have left half a line, which must not take this one with it.
    const start = text === '' || text.endsWith('\n') ? '' : '\n'
    createFolder(dirname(this.#file))
    try {
      appendFileSync(this.#file, `${start}${JSON.stringify(place)}\n`, { mode: FILE_MODE })
    } catch (error) {
      throw asArchiveError(error, this.#file, 'create')
    }
  }

  /** Empty where there is no file. A pipe, which would be waited for, and a file of any size are not read. */
  #read(): string {
    try {
      const found = statSync(this.#file)
      if (!found.isFile()) throw new ArchiveError('ARCHIVE_FOREIGN', `${this.#file} is no file`)
      if (found.size > MOST_OCTETS) {
        throw new ArchiveError(
          'ARCHIVE_FOREIGN',
          `${this.#file} is too large to be popkeep's, and may be removed`,
        )
      }
      return readFileSync(this.#file, 'utf8')
    } catch (error) {
      // Not `throwIfNoEntry`: Node 24 takes a file for an empty folder there.
      if (systemCode(error) === 'ENOENT') return ''
      throw asArchiveError(error, this.#file, 'read')
    }
  }
}

function archivesIn(text: string): ReadonlySet<string> {
  return new Set(text.split('\n').flatMap(locationIn))
}

/** Half a line, or what others wrote there, names none. */
function locationIn(line: string): string[] {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'string' ? [value] : []
  } catch {
    return []
  }
}

/**
 * Whether something is at the place that may be an archive; an empty file or folder is none, and a Maildir is one also without
 * its state file. What cannot be looked at counts as there: whoever opens it says why.
 */
export function isArchiveThere(location: ArchiveLocation): boolean {
  if (sizeOf(catalogPath(location)) !== 0) return true
  const { kind, path } = location
  return kind === 'maildir' && ['new', 'cur'].every((folder) => sizeOf(join(path, folder)) !== 0)
}

/** 0: nothing is there. A folder has some size on some file systems, and none on others. */
function sizeOf(path: string): number {
  try {
    const found = statSync(path, { throwIfNoEntry: false })
    return found?.isDirectory() ? 1 : (found?.size ?? 0)
  } catch (error) {
    return systemCode(error) === 'ENOTDIR' ? 0 : 1
  }
}

/** What is at a path where nothing can be opened: the path itself, or the nearest folder above it that has an entry. */
export function nearestEntry(path: string): {
  readonly path: string
  readonly kind: 'folder' | 'file' | 'link that leads nowhere'
} {
  const entry = lstatOf(path)
  if (entry === undefined && dirname(path) !== path) return nearestEntry(dirname(path))
  if (entry?.isSymbolicLink() && !existsSync(path)) return { path, kind: 'link that leads nowhere' }
  return { path, kind: statSync(path).isDirectory() ? 'folder' : 'file' }
}

function lstatOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if (systemCode(error) === 'ENOTDIR') return undefined
    throw asArchiveError(error, path, 'read')
  }
}
