/** Accounts of the config that are in no archive: none of their logins ever went well, or no sync was tried. */
import { type ArchiveLocation, formatLocation, parseLocation } from '../archive/location.ts'
import type { AccountStatus } from '../archive/reader-status.ts'
import { configLoader } from './configuration.ts'
import type { CommandContext } from './context.ts'
import { archiveRecord, formerArchives, vanishedArchive } from './recorded-archive.ts'

/** What an account in an archive is known by. */
type Identity = Pick<AccountStatus, 'name' | 'user' | 'host'>

export interface ConfiguredArchive {
  readonly location: ArchiveLocation
  readonly accounts: readonly Identity[]
}

/** The archives that accounts of the config name, by their location as `formatLocation` writes it. Throws ConfigError. */
export function archivesOfAccounts(
  file: string | undefined,
  context: CommandContext,
): ReadonlyMap<string, ConfiguredArchive> {
  const archives = new Map<string, ConfiguredArchive>()
  for (const account of configLoader(file, context)({ mayBeMissing: false })?.accounts ?? []) {
    if (account.archive === undefined) continue
    const location = parseLocation(account.archive)
    const key = formatLocation(location)
    const others = archives.get(key)?.accounts ?? []
    archives.set(key, { location, accounts: [...others, account] })
  }
  return archives
}

/** Names, in the order of the config. An account that was given a new name is known by user and host until its next sync. */
export function neverSynced(
  configured: readonly Identity[],
  archived: readonly Identity[],
): readonly string[] {
  const names = new Set(configured.map(({ name }) => name))
  const isKnown = ({ name, user, host }: Identity): boolean =>
    archived.some(
      (one) =>
        one.name === name || (!names.has(one.name) && one.user === user && one.host === host),
    )
  return configured.filter((account) => !isKnown(account)).map(({ name }) => name)
}

/** Those that no sync has made; one that is gone is none of them. */
export function unmadeArchives(
  archives: ReadonlyMap<string, ConfiguredArchive>,
  made: ReadonlySet<string>,
  { env }: CommandContext,
): readonly ConfiguredArchive[] {
  const missing = [...archives].flatMap(([key, archive]) => (made.has(key) ? [] : [archive]))
  if (missing.length === 0) return []
  const former = formerArchives(archiveRecord(env))
  return missing.filter(({ location }) => vanishedArchive(location, former) === undefined)
}
