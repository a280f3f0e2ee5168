/**
 * Which archives there were, remembered outside of them: one whose disk is not mounted looks like one that never was, and a
 * sync would make it anew and retrieve everything once more.
 */
import { appendFileSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { asArchiveError, systemCode } from '../durable/errors.ts'
import { createFolder } from '../durable/files.ts'
import { type ArchiveLocation, formatLocation } from './location.ts'

const FILE_MODE = 0o600

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
    try {
      return new Set(readFileSync(this.#file, 'utf8').split('\n').flatMap(locationIn))
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return new Set()
      throw asArchiveError(error, this.#file, 'read')
    }
  }

  /** Throws ArchiveError where the file cannot be written. */
  add(location: ArchiveLocation): void {
    const line = JSON.stringify(formatLocation(location))
    if (this.archives().has(formatLocation(location))) return
    createFolder(dirname(this.#file))
    try {
      appendFileSync(this.#file, `${line}\n`, { mode: FILE_MODE })
    } catch (error) {
      throw asArchiveError(error, this.#file, 'create')
    }
  }
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
export function isArchiveThere({ kind, path }: ArchiveLocation): boolean {
  if (kind === 'sqlite') return sizeOf(path) !== 0
  if (sizeOf(join(path, 'popkeep.sqlite')) !== 0) return true
  return ['new', 'cur'].every((folder) => sizeOf(join(path, folder)) !== 0)
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
