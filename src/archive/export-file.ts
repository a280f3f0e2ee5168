/**
 * Files of an export: written beside their final name, synced, and then linked, so that nothing is ever half-written under
 * a final name.
 */
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, type Stats } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { asArchiveError } from '../durable/errors.ts'
import { NewFile, removeFile } from '../durable/files.ts'
import { ABANDONED_MS } from './limits.ts'
import { readPlainFile } from './maildir-files.ts'
import type { NameSources } from './maildir-name.ts'

/** A new file beside `path`. Its name is its own: another export may be writing to the same place. */
export function beginFile(path: string, names: NameSources): NewFile {
  const unique = Buffer.from(names.random(8)).toString('hex')
  return new NewFile(join(dirname(path), `.${basename(path)}.${unique}.partial`))
}

/** Removes from a folder what killed exports left of files whose final names `isOurs`, an hour after their last octet. */
export function sweepPartials(
  folder: string,
  names: NameSources,
  isOurs: (name: string) => boolean,
): void {
  const before = names.now() - ABANDONED_MS
  for (const name of attempt(folder, () => readdirSync(folder))) {
    const final = /^\.(.+)\.[0-9a-f]{16}\.partial$/.exec(name)?.[1]
    if (final === undefined || !isOurs(final)) continue
    const path = join(folder, name)
    const found = look(path)
    if (found?.isFile() && found.mtimeMs < before) removeFile(path)
  }
}

/** Whether anything has this name. */
export function isThere(path: string): boolean {
  return look(path) !== undefined
}

/** Whether a plain file holds exactly these octets. */
export function hasOctets(
  path: string,
  wanted: { readonly octets: number; readonly digest: Uint8Array },
): boolean {
  const found = look(path)
  if (!found?.isFile() || found.size !== wanted.octets) return false
  const hash = createHash('sha256')
  for (const chunk of readPlainFile(path)) hash.update(chunk)
  return Buffer.compare(hash.digest(), wanted.digest) === 0
}

function look(path: string): Stats | undefined {
  return attempt(path, () => lstatSync(path, { throwIfNoEntry: false }))
}

function attempt<T>(path: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw asArchiveError(error, path, 'create')
  }
}
