import type { Account } from '../accounts/account.ts'
import type { Config } from '../accounts/config.ts'
import { configFault, UsageError } from '../accounts/errors.ts'
import { isPopUrl } from '../accounts/pop-url.ts'
import { parseDuration } from '../accounts/quantities.ts'
import type { Policy } from '../sync/policy.ts'
import type { ConfigLoader } from './configuration.ts'
import {
  accountAt,
  accountsOf,
  isServerLike,
  namedAccount,
  requireNoUrl,
  requireOnePassword,
  withServerChoice,
} from './server-choice.ts'
import type { SyncOptions } from './sync-options.ts'

/** The accounts of one run. */
export interface AccountChoice {
  readonly accounts: readonly (Account & { readonly archive: string })[]
  /** All names in use, also of accounts that this run leaves out. */
  readonly configured: ReadonlySet<string>
  /** A POP-URL, or one account that was named: only these may take a password from option, environment or prompt. */
  readonly isSingle: boolean
  /** As option or config say; undefined where neither does. */
  readonly jobs: number | undefined
  readonly jobsPerHost: number | undefined
  /** Ms that the run may take, as option or config say. */
  readonly deadline: number | undefined
}

/**
 * Which accounts the arguments name, with what the options change about them. Throws UsageError, and what loading the
 * config throws.
 */
export function chooseAccounts(
  names: readonly string[],
  options: SyncOptions,
  loadConfig: ConfigLoader,
): AccountChoice {
  const url = names.find(isPopUrl)
  if (url !== undefined && names.length > 1) {
    throw new UsageError('sync takes one POP-URL, or names of configured accounts, not both')
  }
  const isSingle = names.length === 1
  if (!isSingle && (options.passwordFile ?? options.passwordCommand) !== undefined) {
    throw new UsageError('a password option serves one account: name it, or give its POP-URL')
  }
  requireOnePassword(options)
  if (url === undefined && options.account !== undefined) {
    throw new UsageError('--account names the account of a POP-URL; configured ones have a name')
  }
  if (url !== undefined) {
    const common = loadConfig({ mayBeMissing: true })
    const account = accountAt(url, options, { name: options.account, proxy: common?.proxy })
    const accounts = [withOptions(account, options, common?.archive)]
    requireDeletion(accounts, options)
    return {
      accounts,
      configured: new Set([account.name]),
      isSingle,
      jobs: options.jobs,
      jobsPerHost: options.jobsPerHost,
      deadline: options.deadline ?? common?.deadline,
    }
  }
  requireNoUrl(names)
  const config = loadConfig({ mayBeMissing: names.some(isServerLike) })
  const accounts = named(names, config).map((account) =>
    withOptions(account, options, config?.archive),
  )
  requireDeletion(accounts, options)
  return {
    accounts,
    configured: new Set(config?.accounts.map(({ name }) => name)),
    isSingle,
    jobs: options.jobs ?? config?.jobs,
    jobsPerHost: options.jobsPerHost ?? config?.jobsPerHost,
    deadline: options.deadline ?? config?.deadline,
  }
}

function named(names: readonly string[], config: Config | undefined): readonly Account[] {
  const all = accountsOf(config)
  return names.length === 0 ? all : [...new Set(names)].map((name) => namedAccount(name, config))
}

function withOptions(
  account: Account,
  options: SyncOptions,
  commonArchive: string | undefined,
): Account & { readonly archive: string } {
  const chosen = withServerChoice(account, options)
  const archive = options.archive ?? account.archive ?? commonArchive
  if (archive === undefined) {
    throw configFault(
      account.place,
      `no archive is named for ${account.name}: give --archive sqlite:PATH or maildir:PATH, or archive = "..." in the config`,
    )
  }
  return { ...chosen, archive, policy: policyOf(account.policy, options) }
}

function policyOf(policy: Policy, options: SyncOptions): Policy {
  return {
    ...policy,
    delete: deletionOf(options) ?? policy.delete,
    keepLatest: options.keepLatest ?? policy.keepLatest,
    deleteShort: options.deleteShort ?? policy.deleteShort,
    deleteAgain: options.deleteAgain,
    maxMessages: options.maxMessages ?? policy.maxMessages,
    limitOctets: options.limitOctets ?? policy.limitOctets,
    quit: options.quit === false ? false : policy.quit,
    retryQuarantined: options.retryQuarantined,
  }
}

/** An option that only says how to delete would do nothing, and its owner believe that it did. */
function requireDeletion(
  accounts: readonly { readonly policy: Policy }[],
  { keepLatest, deleteShort, deleteAgain }: SyncOptions,
): void {
  if (accounts.some(({ policy }) => policy.delete !== 'never')) return
  const given = [
    ...(keepLatest === undefined ? [] : ['--keep-latest']),
    ...(deleteShort ? ['--delete-short'] : []),
    ...(deleteAgain ? ['--delete-again'] : []),
  ]
  if (given[0] === undefined) return
  throw new UsageError(`${given[0]} goes with --delete, --delete-after or --delete-older`)
}

/** What the command line says of deletion; it replaces all that the config says of when. */
function deletionOf({ delete: all, deleteAfter, deleteOlder }: SyncOptions) {
  const afterMs = durationOf('--delete-after', deleteAfter)
  const olderMs = durationOf('--delete-older', deleteOlder)
  const isTimed = afterMs !== undefined || olderMs !== undefined
  if (all && isTimed) {
    const option = afterMs === undefined ? '--delete-older' : '--delete-after'
    throw new UsageError(`give --delete or ${option}, not both`)
  }
  return all || isTimed ? { afterMs: afterMs ?? 0, olderMs } : undefined
}

function durationOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const duration = parseDuration(text)
  if (duration === undefined) {
    throw new UsageError(`${option} is a time such as 12h, 30d, 2w or 1y, not ${text}`)
  }
  return duration
}
