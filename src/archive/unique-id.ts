/**
 * Unique-ids as the catalog holds them: TEXT where all octets are printable ASCII, so that people can read them, else a
 * BLOB. Outside they are strings with one UTF-16 unit per octet.
 */
import type { SqlValue } from '../sqlite/database.ts'

export function encodeUniqueId(uniqueId: string | undefined): SqlValue {
  if (uniqueId === undefined) return null
  return /^[\x20-\x7e]*$/.test(uniqueId)
    ? uniqueId
    : new Uint8Array(Buffer.from(uniqueId, 'latin1'))
}

export function decodeUniqueId(value: SqlValue | undefined): string | undefined {
  if (value === null || value === undefined) return undefined
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value)
}
