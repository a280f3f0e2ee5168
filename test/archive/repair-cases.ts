/** Archives that are broken and repaired, and a server to sync them with. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ArchiveLocation } from '../../src/archive/location.ts'
import { openReader } from '../../src/archive/reader.ts'
import { repairArchive } from '../../src/archive/repair.ts'
import type { MissingChoice, RepairFinding } from '../../src/archive/repair-findings.ts'
import { type Finding, verifyArchive } from '../../src/archive/verify.ts'
import { syncAccount } from '../../src/sync/engine.ts'
import { KEEP_ALL, type Policy } from '../../src/sync/policy.ts'
import type { AccountIdentity } from '../../src/sync/ports/archive.ts'
import type { SyncEvent } from '../../src/sync/ports/events.ts'
import { FakeMaildrop } from '../support/fake-maildrop.ts'
import { sampleMessage } from './sample-archive.ts'
import { openHere } from './temp-archive.ts'

export const identity = { name: 'work', host: 'work.example.org', user: 'me' }

/** A large message among small ones. */
export const samples = (count: number) =>
  Array.from({ length: count }, (_, n) => ({
    octets: n === 1 ? sampleMessage(n, 'x\r\n'.repeat(500_000)) : sampleMessage(n),
    uniqueId: `u${n}`,
  }))

export const maildropOf = (count: number) => new FakeMaildrop(samples(count))

export async function syncWith(
  maildrop: FakeMaildrop,
  location: ArchiveLocation,
  policy: Policy = KEEP_ALL,
  who: AccountIdentity = identity,
  progress: (event: SyncEvent) => void = () => {},
) {
  maildrop.commands.length = 0
  return await syncAccount(
    {
      identity: who,
      maildrop,
      policy,
      progress,
      signal: new AbortController().signal,
      now: () => Date.now(),
    },
    openHere(location),
    new Set([who.name]),
  )
}

export const retrieved = ({ commands }: FakeMaildrop) =>
  commands.filter((command) => command.startsWith('RETR'))

export function repair(location: ArchiveLocation, missing: MissingChoice = 'keep') {
  return [...repairArchive(location, { missing })]
}

/** How many findings there are of each kind. */
export function tally(findings: Iterable<RepairFinding | Finding>): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { kind } of findings) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

export function verify(location: ArchiveLocation): Record<string, number> {
  const reader = openReader(location)
  try {
    return tally(verifyArchive(reader))
  } finally {
    reader.close()
  }
}

/** Paths of the files in new/ and cur/. */
export function mailFiles({ path }: ArchiveLocation): string[] {
  return ['new', 'cur'].flatMap((folder) =>
    readdirSync(join(path, folder)).map((name) => join(path, folder, name)),
  )
}

export const fileOf = (location: ArchiveLocation, id: string) =>
  mailFiles(location).find((name) => name.includes(`D=${id}`)) ?? ''
