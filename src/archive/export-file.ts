/**
 * Files of an export: written beside their final name, synced, and then linked, so that nothing is ever half-written under
 * a final name.
 */
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, type Stats } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { asArchiveError } from '../durable/errors.ts'
import { NewFile, removeFile } from '../durable/files.ts'
import { readPlainFile } from './maildir-files.ts'

/** A new file beside `path`. What an export that was killed left under the same name is removed first. */
export function beginFile(path: string): NewFile {
  const partial = join(dirname(path), `.${basename(path)}.partial`)
  removeFile(partial)
  return new NewFile(partial)
}

/**
 * Removes from a folder what exports that were killed left of files whose names `isOurs`. Another export into the same
 * folder at the same time would fail, with nothing half-written, and may be repeated.
 */
export function sweepPartials(folder: string, isOurs: RegExp): void {
  for (const name of namesIn(folder)) {
    const [, final = ''] = /^\.(.+)\.partial$/.exec(name) ?? []
    if (isOurs.test(final)) removeFile(join(folder, name))
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

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    throw asArchiveError(error, folder, 'create')
  }
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch (error) {
    throw asArchiveError(error, path, 'create')
  }
}
