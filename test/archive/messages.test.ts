import { expect, it } from 'vitest'
import { CANONICAL_CANDIDATES } from '../../src/archive/limits.ts'
import { MessageTable } from '../../src/archive/messages.ts'
import { useArchive } from './sample-archive.ts'
import { temporaryLocation } from './temp-archive.ts'

const canonical = new Uint8Array(32)
const facts = { date: null, sender: null, recipients: null, subject: null, messageId: null }

/** The n-th of several messages that differ only in what servers write. */
function copyOf(n: number) {
  const digest = new Uint8Array(32)
  new DataView(digest.buffer).setUint32(0, n)
  return { digest, octets: 1, canonical, fingerprint: canonical, facts, archivedAt: '' }
}

it('looks at the oldest 64 of one canonical digest, removed ones among them', () => {
  useArchive(temporaryLocation('sqlite'), ({ database }) => {
    const messages = new MessageTable(database)
    const recognisable = () =>
      Array.from(messages.recognisable(canonical, 1, { ofAccount: false }), ({ id }) => id)
    const ids = Array.from({ length: CANONICAL_CANDIDATES }, (_, n) => messages.insert(copyOf(n)))
    expect(recognisable()).toEqual(ids)
    messages.insert(copyOf(CANONICAL_CANDIDATES))
    expect(recognisable()).toEqual(ids)
    database.exec(`UPDATE message SET removed = 1 WHERE id = ${ids[0]}`)
    expect(recognisable()).toEqual(ids.slice(1))
  })
})
