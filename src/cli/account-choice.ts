import {
  type Account,
  defaultPort,
  PIN_FORM,
  parseMechanism,
  parsePin,
  requireSupportedTls,
} from '../accounts/account.ts'
import type { Config } from '../accounts/config.ts'
import { configFault, UsageError } from '../accounts/errors.ts'
import { defaultAccountName, isPopUrl, parsePopUrl } from '../accounts/pop-url.ts'
import { parseDuration } from '../accounts/quantities.ts'
import type { SecretSource } from '../accounts/secret-source.ts'
import { KEEP_ALL, type Policy } from '../sync/policy.ts'
import type { ConfigLoader } from './configuration.ts'
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
  if (options.passwordFile !== undefined && options.passwordCommand !== undefined) {
    throw new UsageError('give --password-file or --password-command, not both')
  }
  if (url === undefined && options.account !== undefined) {
    throw new UsageError('--account names the account of a POP-URL; configured ones have a name')
  }
  if (url !== undefined) {
    const account = accountOf(url, options)
    const common =
      options.archive === undefined ? loadConfig({ mayBeMissing: true })?.archive : undefined
    return {
      accounts: [withOptions(account, options, common)],
      configured: new Set([account.name]),
      isSingle,
      jobs: options.jobs,
    }
  }
  // Not repeated: a password may be in it.
  if (names.some((name) => name.includes('://'))) {
    throw new UsageError(`what has :// in it is no account and no POP-URL. ${URL_HINT}`)
  }
  const config = loadConfig({ mayBeMissing: names.some(isServerLike) })
  return {
    accounts: named(names, config).map((account) => withOptions(account, options, config?.archive)),
    configured: new Set(config?.accounts.map(({ name }) => name)),
    isSingle,
    jobs: options.jobs ?? config?.jobs,
  }
}

function named(names: readonly string[], config: Config | undefined): readonly Account[] {
  const all = config?.accounts ?? []
  if (config && all.length === 0) {
    const place = { file: config.file, line: undefined }
    throw configFault(place, 'there are no accounts in it; each is a table [accounts.NAME]')
  }
  if (names.length === 0) return all
  return [...new Set(names)].map((name) => {
    const account = all.find((one) => one.name === name)
    if (account) return account
    const known = config
      ? `the config has ${all.map((one) => one.name).join(', ')}`
      : 'there is no config file'
    const hint = isServerLike(name) ? `. ${URL_HINT}` : ''
    throw new UsageError(`no account is called ${name}; ${known}${hint}`)
  })
}

const URL_HINT = 'A server is named as pops://user@host'

/** Host names and addresses, which people give where an account is asked for. */
function isServerLike(name: string): boolean {
  return /[.:@]/.test(name)
}

function accountOf(url: string, options: SyncOptions): Account {
  const { host, port, tls: tlsOfScheme, user, auth } = parsePopUrl(url)
  if (tlsOfScheme === 'implicit' && options.tls === 'none') {
    throw new UsageError('pops:// and --tls none contradict each other; clear text is pop://')
  }
  const tls = options.tls ?? tlsOfScheme
  return {
    name: options.account ?? defaultAccountName({ host, user }),
    host,
    port: port ?? defaultPort(tls),
    tls,
    ca: undefined,
    pin: undefined,
    user,
    auth,
    archive: undefined,
    policy: KEEP_ALL,
    secret: undefined,
    place: undefined,
  }
}

function withOptions(
  account: Account,
  options: SyncOptions,
  commonArchive: string | undefined,
): Account & { readonly archive: string } {
  const tls = options.tls ?? account.tls
  requireSupportedTls(tls)
  const archive = options.archive ?? account.archive ?? commonArchive
  if (archive === undefined) {
    throw configFault(
      account.place,
      `no archive is named for ${account.name}: give --archive sqlite:PATH or maildir:PATH, or archive = "..." in the config`,
    )
  }
  const isDefaultPort = account.port === defaultPort(account.tls)
  return {
    ...account,
    tls,
    // A port that nobody chose follows the TLS mode.
    port: isDefaultPort ? defaultPort(tls) : account.port,
    ca: options.tlsCa ?? account.ca,
    pin: pinOf(options.tlsPin) ?? account.pin,
    auth: mechanismOf(options.auth) ?? account.auth,
    archive,
    policy: policyOf(account.policy, options),
    secret: secretSourceOf(options) ?? account.secret,
  }
}

function policyOf(policy: Policy, options: SyncOptions): Policy {
  if (options.delete && options.deleteAfter !== undefined) {
    throw new UsageError('give --delete or --delete-after, not both')
  }
  const afterMs = options.delete ? 0 : durationOf(options.deleteAfter)
  return {
    ...policy,
    delete: afterMs === undefined ? policy.delete : { afterMs },
    maxMessages: options.maxMessages ?? policy.maxMessages,
    limitOctets: options.limitOctets ?? policy.limitOctets,
  }
}

function durationOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const duration = parseDuration(text)
  if (duration === undefined) {
    throw new UsageError(`--delete-after is a time such as 12h, 30d, 2w or 1y, not ${text}`)
  }
  return duration
}

function pinOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const pin = parsePin(text)
  if (pin === undefined) throw new UsageError(`--tls-pin ${PIN_FORM}`)
  return pin
}

function mechanismOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const mechanism = parseMechanism(text)
  if (mechanism === undefined)
    throw new UsageError(`--auth is the name of a mechanism, not ${text}`)
  return mechanism
}

function secretSourceOf(options: SyncOptions): SecretSource | undefined {
  if (options.passwordFile !== undefined) return { type: 'file', path: options.passwordFile }
  if (options.passwordCommand === undefined) return undefined
  return { type: 'command', command: options.passwordCommand }
}
