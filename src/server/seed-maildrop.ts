/**
 * The maildrop and the host of the session that the project began from, as the demo serves them.
 */
import { encodeKoi8R } from './koi8-r.ts'
import { MemoryMaildrop } from './memory-maildrop.ts'
import { SEED_MAIL } from './seed-mail.ts'

export const SEED_HOST = 'quest.net.kiae.su'
export const SEED_USER = 'paul'
export const SEED_PASSWORD = 'Kukuru23432'

/** Six messages of 1447, 2640, 2296, 1100, 3025 and 2068 octets; a new object each time. */
export function seedMaildrop(): MemoryMaildrop {
  return new MemoryMaildrop(
    SEED_MAIL.map(({ text, uniqueId, accessed }) => ({
      // All ASCII but the Russian letter, which is KOI8-R, 8bit, as mail between Russian hosts was then.
      octets: encodeKoi8R(text.replaceAll('\n', '\r\n')),
      uniqueId,
      accessed,
    })),
  )
}
