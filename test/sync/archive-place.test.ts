/** Servers that delete at QUIT what was retrieved do not all announce it: QUIT only goes out while the archive is in its place. */
import { expect, it } from 'vitest'
import type { Policy } from '../../src/sync/policy.ts'
import { failure } from '../support/moody-maildrop.ts'
import { many, Rig } from '../support/sessions-rig.ts'
import { DELETE_ALL } from '../support/sync-once.ts'

const reason = failure('INTERRUPTED')

/** Somebody moves the archive at the second command of this kind; the run may be interrupted at the fourth RETR. */
async function runWith(verb: string, policy: Partial<Policy>, isInterrupted = false) {
  const run = new AbortController()
  const rig = new Rig(many(6), {
    breaksAt: (uniqueId) => {
      if (isInterrupted && uniqueId === 'u3') run.abort(reason)
      return undefined
    },
  })
  rig.archive.isInPlace = () => rig.sent(verb).length < 2
  const patience = { wait: () => new Promise<void>(() => undefined) }
  const { error } = await rig.run({ policy, signal: run.signal, patience })
  const { maildrop, archive } = rig
  expect(rig.sent('QUIT')).toEqual([])
  expect(maildrop.ends).toEqual(['closed'])
  expect(maildrop.inner.messages).toHaveLength(6)
  return { rig, error, stored: archive.contents().length }
}

it('keeps QUIT from a server where all is to be kept', async () => {
  const { error, stored } = await runWith('RETR', {})
  expect(error).toMatchObject({ code: 'ARCHIVE_IO' })
  expect(stored).toBe(6)
})

it('keeps QUIT from it behind an interruption', async () => {
  const { rig, error, stored } = await runWith('RETR', {}, true)
  expect(error).toBe(reason)
  expect(rig.sent('RETR')).toHaveLength(4)
  expect(stored).toBe(4)
})

it('keeps DELE from it', async () => {
  const { rig, error } = await runWith('RETR', DELETE_ALL)
  expect(error).toMatchObject({ code: 'ARCHIVE_IO' })
  expect(rig.sent('DELE')).toEqual([])
})

it('keeps QUIT from it behind DELE, so that nothing is deleted', async () => {
  const { rig, error } = await runWith('DELE', DELETE_ALL)
  expect(error).toMatchObject({ code: 'ARCHIVE_IO' })
  expect(rig.sent('DELE')).toHaveLength(6)
  const receipts = rig.archive.accounts[0]?.receipts ?? []
  expect(receipts.map(({ state }) => state)).toEqual(Array(6).fill('delete sent'))
  expect(receipts.map(({ attempts = 0 }) => attempts)).toEqual(Array(6).fill(0))
  rig.archive.isInPlace = () => true
  expect((await rig.run({ policy: DELETE_ALL })).error).toBeUndefined()
  expect(rig.sent('RETR')).toEqual([])
  expect(rig.maildrop.inner.messages).toEqual([])
})
