/** The config file: TOML, at one place only. Nothing is read from the current directory. */
import { dirname, isAbsolute, join, resolve } from 'node:path'

import { parse, TomlError } from 'smol-toml'

import type { Policy } from '../sync/policy.ts'
import { type Account, defaultPort, type Place, type TokenSource } from './account.ts'
import { locateArchive } from './archive-name.ts'
import { checkConfig } from './config-check.ts'
import { readConfigFile } from './config-file.ts'
import {
  ACCOUNT_KEYS,
  type AccountTable,
  type ConfigTables,
  OAUTH_KEYS,
  ROOT_KEYS,
} from './config-schema.ts'
import { ConfigError } from './errors.ts'
import { oauthProvider } from './oauth-provider.ts'
import type { ProxyAddress } from './proxy-url.ts'
import type { SecretSource } from './secret-source.ts'
import { keyLines, lineOfKey } from './toml-lines.ts'

export interface Config {
  readonly file: string
  /** The common archive: for accounts that name none it stands in `Account.archive` already. */
  readonly archive: string | undefined
  readonly jobs: number | undefined
  readonly jobsPerHost: number | undefined
  /** Ms that a sync may take. */
  readonly deadline: number | undefined
  /** The common proxy: for accounts that name none it stands in `Account.proxy` already. */
  readonly proxy: ProxyAddress | undefined
  /** In the order of the file. */
  readonly accounts: readonly Account[]
}

/** Where the config file is looked for. */
export interface ConfigPlace {
  /** The user's home folder, for the default place and for a leading `~/`. */
  readonly home: string
  /** $XDG_CONFIG_HOME. */
  readonly xdgConfigHome?: string | undefined
  readonly archiveFault?: ArchiveFault | undefined
}

/** What is wrong with the name of an archive, undefined if nothing: this room knows no archives. */
export type ArchiveFault = (archive: string) => string | undefined

/** `popkeep/config.toml` below $XDG_CONFIG_HOME, or below `~/.config` if that is unset or not absolute. */
export function defaultConfigFile({ home, xdgConfigHome }: ConfigPlace): string {
  const isUsable = xdgConfigHome !== undefined && isAbsolute(xdgConfigHome)
  return join(isUsable ? xdgConfigHome : join(home, '.config'), 'popkeep', 'config.toml')
}

/**
 * Reads the config file: `file` if given, else the one of defaultConfigFile.
 *
 * Throws ConfigError: what readConfigFile throws, and what parseConfig throws.
 */
export function loadConfig(place: ConfigPlace, file = defaultConfigFile(place)): Config {
  return parseConfig(readConfigFile(file), file, place.home, place.archiveFault)
}

/**
 * Reads a config document. `file` is its name for messages, and relative paths in it start from its folder; `~/` is
 * `home`.
 *
 * Throws ConfigError: CONFIG_SYNTAX, CONFIG_KEY or CONFIG_VALUE.
 */
export function parseConfig(
  text: string,
  file: string,
  home: string,
  archiveFault: ArchiveFault = () => undefined,
): Config {
  // Editors on Windows begin a file with a byte order mark.
  const document = text.replace(/^\ufeff/, '')
  const locate = (path: string) => locatePath(path, home, dirname(resolve(file)))
  const tables = checkConfig(parseToml(document, file), document, file, (archive) =>
    archiveFault(locateArchive(archive, locate)),
  )
  const lines = keyLines(document)
  const archive = tables.archive === undefined ? undefined : locateArchive(tables.archive, locate)
  const common = { archive, proxy: tables.proxy, providers: tables.oauth ?? {} }
  return {
    file,
    archive,
    jobs: tables.jobs,
    jobsPerHost: tables.jobs_per_host,
    deadline: tables.deadline,
    proxy: tables.proxy,
    accounts: Object.entries(tables.accounts ?? {}).map(([name, table]) =>
      accountOf(name, table, common, locate, {
        file,
        line: lineOfKey(lines, ['accounts', name]),
      }),
    ),
  }
}

function parseToml(text: string, file: string): object {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const { line, column } = error
    const [reason = ''] = error.message.split('\n', 1)
    const [, key = ''] = /^\s*([\w-]+)\s*=/.exec(text.split('\n')[line - 1] ?? '') ?? []
    const where = KEYS.has(key) ? `, at "${key}"` : ''
    // No piece of the file, and no cause, which has one: what is no TOML may be a password.
    const message = `${file}:${line}:${column}: ${reason}${where}`
    throw new ConfigError('CONFIG_SYNTAX', message, { file, line })
  }
}

const KEYS: ReadonlySet<string> = new Set([...ROOT_KEYS, ...ACCOUNT_KEYS, ...OAUTH_KEYS])

/** What the root of a file says for all of its accounts. */
interface Common {
  readonly archive: string | undefined
  readonly proxy: ProxyAddress | undefined
  readonly providers: NonNullable<ConfigTables['oauth']>
}

function accountOf(
  name: string,
  table: AccountTable,
  common: Common,
  locate: (path: string) => string,
  place: Place,
): Account {
  const tls = table.tls ?? 'implicit'
  return {
    name,
    host: table.host,
    port: table.port ?? defaultPort(tls),
    tls,
    ca: table.tls_ca === undefined ? undefined : locate(table.tls_ca),
    pin: table.tls_pin,
    clientCertificate: clientCertificateOf(table, locate),
    proxy: table.proxy ?? common.proxy,
    user: table.user,
    auth: table.auth,
    archive: table.archive === undefined ? common.archive : locateArchive(table.archive, locate),
    policy: policyOf(table),
    secret: secretSourceOf(table, locate),
    token: tokenSourceOf(table, common.providers),
    place,
  }
}

function policyOf(table: AccountTable): Policy {
  const { delete_after: afterMs, delete_older: olderMs } = table
  const deletes = table.delete === true || afterMs !== undefined || olderMs !== undefined
  return {
    delete: deletes ? { afterMs: afterMs ?? 0, olderMs } : 'never',
    keepLatest: table.keep_latest,
    deleteShort: table.delete_short,
    deleteRemoved: table.delete_removed ?? false,
    maxMessages: table.max_messages,
    limitOctets: table.limit_octets,
    quit: table.quit,
  }
}

function secretSourceOf(
  table: AccountTable,
  locate: (path: string) => string,
): SecretSource | undefined {
  const { password_file, password_command, keyring, oauth } = table
  if (password_file !== undefined) return { type: 'file', path: locate(password_file) }
  if (password_command !== undefined) return { type: 'command', command: password_command }
  return keyring === true && oauth === undefined ? { type: 'keyring' } : undefined
}

function tokenSourceOf(
  { token_command, oauth, keyring }: AccountTable,
  providers: Common['providers'],
): TokenSource | undefined {
  if (token_command !== undefined) return { type: 'command', command: token_command }
  if (oauth === undefined) return undefined
  return {
    type: 'oauth',
    provider: oauthProvider(oauth, providers[oauth] ?? {}),
    storage: keyring === true ? 'keyring' : 'file',
  }
}

function clientCertificateOf(
  { tls_certificate, tls_key }: AccountTable,
  locate: (path: string) => string,
): Account['clientCertificate'] {
  if (tls_certificate === undefined || tls_key === undefined) return undefined
  return { certificate: locate(tls_certificate), key: locate(tls_key) }
}

function locatePath(path: string, home: string, folder: string): string {
  return path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : resolve(folder, path)
}
