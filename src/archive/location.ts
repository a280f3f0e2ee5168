/** How people name an archive: `sqlite:PATH`, `maildir:PATH` or a bare path. */
import { existsSync, realpathSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { ArchiveError } from '../durable/errors.ts'

export type ArchiveKind = 'sqlite' | 'maildir'

export interface ArchiveLocation {
  readonly kind: ArchiveKind
  /** Absolute, symbolic links resolved as far as it exists: one archive has one path, and so one set of locks. */
  readonly path: string
  /** Absolute, as a person wrote it, where that is not `path`: a link in it may be led elsewhere. */
  readonly written?: string | undefined
}

const SQLITE_SUFFIXES = new Set(['.sqlite', '.sqlite3', '.db'])

/**
 * Reads what a person wrote. A leading `~/` is the home folder. A bare path is a Maildir if a folder is there and a
 * SQLite archive if a file is; where nothing is, the suffix tells (.sqlite, .sqlite3, .db).
 *
 * Throws ArchiveError ARCHIVE_NAME if the path is missing, the kind is unknown, or a bare path tells neither way.
 */
export function parseLocation(text: string, home: string = homedir()): ArchiveLocation {
  requireKnownKind(text)
  const [, kind, written = ''] = /^(?:(sqlite|maildir):)?(.*)$/s.exec(text) ?? []
  if (written === '') throw new ArchiveError('ARCHIVE_NAME', 'the archive has no path')
  const named = resolve(expandHome(written, home))
  const path = realPath(named)
  const isKnown = kind === 'sqlite' || kind === 'maildir'
  const location = { kind: isKnown ? kind : recognise(path), path }
  return named === path ? location : { ...location, written: named }
}

/**
 * Throws ARCHIVE_NAME for a kind that is none: a misspelt one must not become the name of a folder. One letter is a
 * drive of Windows.
 */
export function requireKnownKind(text: string): void {
  const kind = /^([a-z][a-z0-9+.-]+):/i.exec(text)?.[1]
  if (kind === undefined || kind === 'sqlite' || kind === 'maildir') return
  throw new ArchiveError(
    'ARCHIVE_NAME',
    `"${kind}:" is no kind of archive; write sqlite:PATH or maildir:PATH (and ./${kind}:... for a path that begins so)`,
  )
}

/** The file with the catalog: the archive itself, or the state file in the Maildir's root. */
export function catalogPath(location: ArchiveLocation): string {
  return location.kind === 'sqlite' ? location.path : join(location.path, 'popkeep.sqlite')
}

/** By the name that a person wrote. */
export function asWritten(location: ArchiveLocation): ArchiveLocation {
  return { ...location, path: location.written ?? location.path }
}

export function formatLocation(location: ArchiveLocation): string {
  return `${location.kind}:${location.path}`
}

function expandHome(path: string, home: string): string {
  if (path === '~') return home
  return path.startsWith('~/') ? join(home, path.slice(2)) : path
}

function recognise(path: string): ArchiveKind {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found !== undefined) return found.isDirectory() ? 'maildir' : 'sqlite'
  if (SQLITE_SUFFIXES.has(extname(path).toLowerCase())) return 'sqlite'
  throw new ArchiveError(
    'ARCHIVE_NAME',
    `nothing is at ${path} that would tell the kind of the archive; write sqlite:${path} or maildir:${path}`,
  )
}

function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path)
  const parent = dirname(path)
  return parent === path ? path : join(realPath(parent), basename(path))
}
