/** Opens an account of an archive; where its owner prefers that to an error, another run's lock is waited for. */
import type { SyncContext } from './context.ts'
import { codeOf } from './errors.ts'
import type { AccountLedger, Archive } from './ports/archive.ts'
import type { SyncEvent } from './ports/events.ts'

/**
 * Locks have no queue, so the lock is asked for again and again. The interval does not grow, and each is a little different:
 * of several runs that wait, each has the same chance, however long it has been there.
 */
const LOOK_MS = 500

/**
 * As `openAccount` of the archive. Where the context's patience has a `lockWait`, a lock of another run is waited for: so long
 * at most, and not beyond the deadline; then it throws what `openAccount` throws. One event says so. While it waits, others
 * may have the account's place, and nothing of the archive is open. Rejects at once where the run is interrupted meanwhile.
 */
export async function openWhenFree(
  { identity, patience, progress, signal, now }: SyncContext,
  archive: Archive,
  configured: ReadonlySet<string>,
): Promise<AccountLedger> {
  const open = () => archive.openAccount(identity, { configured, signal })
  if (patience?.lockWait === undefined) return await open()
  const { wait, aside, random, lockWait, deadline = Number.POSITIVE_INFINITY } = patience
  const until = Math.min(now() + lockWait, deadline)
  const isFree = () => archive.isFree(identity)
  const untilNextLook = async () => {
    const ms = Math.round(LOOK_MS * (0.8 + 0.4 * random()))
    await wait(Math.min(ms, until - now()), signal)
  }
  let isSaid = false
  while (now() < until) {
    if (isFree()) {
      try {
        return await open()
      } catch (error) {
        // Another one was quicker.
        if (codeOf(error) !== 'ARCHIVE_LOCKED') throw error
      }
    }
    if (!isSaid) progress(waiting(identity.name, until))
    isSaid = true
    await aside(async () => {
      await untilNextLook()
      while (!isFree() && now() < until) await untilNextLook()
    })
  }
  return await open()
}

function waiting(account: string, until: number): SyncEvent {
  const isBounded = until < Number.POSITIVE_INFINITY
  const time = isBounded ? new Date(until).toISOString() : undefined
  return { type: 'waiting', account, reason: 'locked', until: time }
}
