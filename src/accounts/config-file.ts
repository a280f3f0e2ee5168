/** Reads the config file as it is on the disk: who may have written it, and whether it is text. */
import { isUtf8 } from 'node:buffer'
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'

import { ConfigError } from './errors.ts'

const WITHOUT_CONFIG =
  'popkeep account add ADDRESS writes one; without it: popkeep sync pops://USER@HOST --archive sqlite:PATH, and --archive with all that reads an archive'

/**
 * The text of a config file.
 *
 * Throws ConfigError: CONFIG_NOT_FOUND if it is not there or cannot be read, CONFIG_VALUE if somebody else can have written
 * it, CONFIG_SYNTAX if it is no UTF-8.
 */
export function readConfigFile(file: string): string {
  let octets: Buffer
  let fault: string | undefined
  try {
    const descriptor = openSync(file, 'r')
    try {
      fault = writerFault(fstatSync(descriptor), process.geteuid?.())
      octets = readFileSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    const message = isMissing
      ? `there is no config file ${file}. ${WITHOUT_CONFIG}`
      : `the config file ${file} cannot be read: ${cause instanceof Error ? cause.message : cause}`
    throw new ConfigError('CONFIG_NOT_FOUND', message, { file }, { cause })
  }
  if (fault !== undefined) {
    const message = `the config file ${file} names commands to run, and ${fault}`
    throw new ConfigError('CONFIG_VALUE', message, { file })
  }
  return decode(octets, file)
}

/**
 * Why a file may say what its reader does not want, undefined if nothing speaks for it. `reader`: the user who runs this;
 * undefined where the system has none. Group-writable it often is by default, and the group is the owner's own then.
 */
export function writerFault(
  { uid, mode }: { readonly uid: number; readonly mode: number },
  reader: number | undefined,
): string | undefined {
  if (reader === undefined) return undefined
  if (uid !== reader && uid !== 0) {
    return `it belongs to another user (${uid}): make it your own, chown ${reader}`
  }
  return (mode & 0o002) === 0 ? undefined : 'everybody can write it: chmod o-w'
}

/** Strictly: what stood in for octets that are none would be sent as user or host. */
function decode(octets: Buffer, file: string): string {
  if (isUtf8(octets)) return octets.toString('utf8')
  const line = octets
    .toString('latin1')
    .split('\n')
    .findIndex((text) => !isUtf8(Buffer.from(text, 'latin1')))
  const message = `${file}:${line + 1}: this is no UTF-8; save the file as UTF-8`
  throw new ConfigError('CONFIG_SYNTAX', message, { file, line: line + 1 })
}
