/** How people name an archive: `sqlite:PATH`, `maildir:PATH` or a bare path. */
import { existsSync, realpathSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, extname, join, resolve } from 'node:path'

export type ArchiveKind = 'sqlite' | 'maildir'

export interface ArchiveLocation {
  readonly kind: ArchiveKind
  /** Absolute, symbolic links resolved as far as it exists: one archive has one path, and so one set of locks. */
  readonly path: string
}

const SQLITE_SUFFIXES = new Set(['.sqlite', '.sqlite3', '.db'])

/**
 * Reads what a person wrote. A leading `~/` is the home folder. A bare path is a Maildir if a folder is there and a
 * SQLite archive if a file is; where nothing is, the suffix tells (.sqlite, .sqlite3, .db).
 */
export function parseLocation(text: string, home: string = homedir()): ArchiveLocation {
  const [, kind, written = ''] = /^(?:(sqlite|maildir):)?(.*)$/s.exec(text) ?? []
  const path = realPath(resolve(expandHome(written, home)))
  if (kind === 'sqlite' || kind === 'maildir') return { kind, path }
  return { kind: recognise(path), path }
}

/** The file with the catalog: the archive itself, or the state file in the Maildir's root. */
export function catalogPath(location: ArchiveLocation): string {
  return location.kind === 'sqlite' ? location.path : join(location.path, 'popkeep.sqlite')
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
  return SQLITE_SUFFIXES.has(extname(path).toLowerCase()) ? 'sqlite' : 'maildir'
}

function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path)
  const parent = dirname(path)
  return parent === path ? path : join(realPath(parent), basename(path))
}
