/** Files that hold secrets, and who else may read them. */
import { constants } from 'node:fs'
import { type FileHandle, open, realpath } from 'node:fs/promises'
import { resolve, sep } from 'node:path'

import { SecretError } from './errors.ts'
import { MAX_SECRET_OCTETS } from './limits.ts'

export interface PrivateFileOptions {
  /** What the file is, for messages: "password file". */
  readonly what: string
  /** $CREDENTIALS_DIRECTORY of systemd: files in it are private, whatever their mode says. */
  readonly credentialsDirectory?: string | undefined
  /** Whether all but the first line may be left unread. */
  readonly firstLine?: boolean | undefined
}

/**
 * Reads at most 64 KiB of a regular file as UTF-8, if nobody but its owner can read or write it. Below /run/secrets and
 * $CREDENTIALS_DIRECTORY any mode is good: container runtimes and systemd guard the folder instead.
 *
 * Throws SecretError, which names the path and never holds what is in the file.
 */
export async function readPrivateFile(path: string, options: PrivateFileOptions): Promise<string> {
  const { what } = options
  let file: FileHandle
  try {
    // Opening a pipe would wait for whoever writes it, and nothing could end that.
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (cause) {
    throw new SecretError(`the ${what} ${path} cannot be opened (${codeOf(cause)})`, { cause })
  }
  try {
    // Of the open file, so that nothing can change between the question and the reading.
    const found = await file.stat()
    const { mode } = found
    if (!found.isFile()) {
      const kind = found.isDirectory() ? 'a folder' : 'a pipe or a device'
      throw new SecretError(`the ${what} ${path} is ${kind}, not a file`)
    }
    if ((mode & 0o077) !== 0 && !(await isKeptPrivate(path, options.credentialsDirectory))) {
      throw new SecretError(`others can read the ${what} ${path}; make it private: chmod 600`)
    }
    return await readStart(file, options.firstLine === true)
  } catch (cause) {
    if (cause instanceof SecretError) throw cause
    throw new SecretError(`the ${what} ${path} cannot be read (${codeOf(cause)})`, { cause })
  } finally {
    await file.close()
  }
}

async function readStart(file: FileHandle, firstLine: boolean): Promise<string> {
  const buffer = Buffer.alloc(MAX_SECRET_OCTETS)
  let filled = 0
  for (let more = 1; more > 0 && filled < buffer.length; filled += more) {
    if (firstLine && buffer.subarray(0, filled).includes(0x0a)) break
    more = (await file.read(buffer, filled, buffer.length - filled, null)).bytesRead
  }
  return buffer.toString('utf8', 0, filled)
}

async function isKeptPrivate(
  path: string,
  credentialsDirectory: string | undefined,
): Promise<boolean> {
  // Windows has no such modes: every file looks readable by all.
  if (process.platform === 'win32') return true
  const real = await realpath(path)
  return ['/run/secrets', credentialsDirectory]
    .filter((folder) => folder !== undefined && folder !== '')
    .some((folder) => [resolve(path), real].some((file) => file.startsWith(`${folder}${sep}`)))
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
