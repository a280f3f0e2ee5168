/** Runs of the engine against a maildrop and an archive in memory. */
import { previewAccount, syncAccount } from '../../src/sync/engine.ts'
import { KEEP_ALL, type Policy } from '../../src/sync/policy.ts'
import type { SyncEvent } from '../../src/sync/ports/events.ts'
import type { FakeMaildrop, FakeMessage } from './fake-maildrop.ts'
import type { MemoryArchive } from './memory-archive.ts'

/** All that is proven stored is deleted at once. */
export const DELETE_ALL: Policy = { delete: { afterMs: 0 }, deleteRemoved: false }

/** A message whose header section nobody else has. */
export function mail(uniqueId: string | undefined, subject: string, body = 'text'): FakeMessage {
  const text = `Subject: ${subject}\r\nMessage-ID: <${subject}@example.org>\r\n\r\n${body}\r\n`
  return { uniqueId, octets: Buffer.from(text, 'latin1') }
}

/** One run, for the account `work` unless said otherwise; `maildrop.commands` has those of this run only. */
export async function syncOnce(
  maildrop: FakeMaildrop,
  archive: MemoryArchive,
  over: { policy?: Policy; host?: string; port?: number; account?: string } = {},
) {
  const { account = 'work' } = over
  const events: SyncEvent[] = []
  maildrop.commands.length = 0
  const result = await syncAccount(
    {
      identity: {
        ...{ name: account, host: over.host ?? 'pop.example.org', port: over.port, user: account },
      },
      maildrop,
      policy: over.policy ?? KEEP_ALL,
      progress: (event) => events.push(event),
      signal: new AbortController().signal,
      now: () => archive.now,
    },
    archive,
    new Set([account]),
  )
  return { ...result, events }
}

/** What a run would do, with the same arguments. */
export async function previewOnce(
  maildrop: FakeMaildrop,
  archive: MemoryArchive,
  { policy = KEEP_ALL }: { policy?: Policy } = {},
) {
  const events: SyncEvent[] = []
  const identity = { name: 'work', host: 'pop.example.org', user: 'work' }
  maildrop.commands.length = 0
  const context = {
    ...{ identity, maildrop, policy, progress: (event: SyncEvent) => void events.push(event) },
    ...{ signal: new AbortController().signal, now: () => archive.now },
  }
  const result = await previewAccount(context, await archive.openAccount(identity))
  return { ...result, events }
}

/** The commands of the last run that begin so. */
export function sent(maildrop: FakeMaildrop, verb: string): readonly string[] {
  return maildrop.commands.filter((command) => command.startsWith(verb))
}
