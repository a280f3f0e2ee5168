/** Which server an argument means: a POP-URL or an account of the config, with what the options change about it. */
import {
  type Account,
  defaultPort,
  MECHANISMS,
  PASSWORD_MECHANISMS,
  PIN_FORM,
  parseMechanism,
  parsePin,
  TOKEN_MECHANISMS,
} from '../accounts/account.ts'
import type { Config } from '../accounts/config.ts'
import { configFault, UsageError } from '../accounts/errors.ts'
import { defaultAccountName, isPopUrl, parsePopUrl } from '../accounts/pop-url.ts'
import { parseProxyUrl } from '../accounts/proxy-url.ts'
import type { SecretSource } from '../accounts/secret-source.ts'
import { KEEP_ALL } from '../sync/policy.ts'
import { repeatable } from './argument.ts'
import type { ConfigLoader } from './configuration.ts'
import type { ServerOptions } from './server-options.ts'

/** The one account that `target` names. Throws UsageError, and what loading the config throws. */
export function chooseServer(
  target: string,
  options: ServerOptions,
  loadConfig: ConfigLoader,
): Account {
  requireOnePassword(options)
  if (isPopUrl(target)) {
    const common = loadConfig({ mayBeMissing: true })
    return withServerChoice(accountAt(target, options, { proxy: common?.proxy }), options)
  }
  requireNoUrl([target])
  const config = loadConfig({ mayBeMissing: isServerLike(target) })
  const account = namedAccount(target, config)
  return withServerChoice(account, options)
}

/** The account of a POP-URL, called `name` or as its user is. `proxy` is that of the config for all accounts. */
export function accountAt(
  url: string,
  options: ServerOptions,
  { name, proxy }: { readonly name?: string | undefined; readonly proxy: Account['proxy'] },
): Account {
  const { host, port, tls: tlsOfScheme, user, auth } = parsePopUrl(url)
  if (tlsOfScheme === 'implicit' && (options.tls ?? 'implicit') !== 'implicit') {
    throw new UsageError(
      `pops:// and --tls ${options.tls} contradict each other; write pop:// for it`,
    )
  }
  const tls = options.tls ?? tlsOfScheme
  return {
    name: name ?? defaultAccountName({ host, user }),
    host,
    port: port ?? defaultPort(tls),
    tls,
    ca: undefined,
    pin: undefined,
    clientCertificate: undefined,
    proxy,
    user,
    auth,
    archive: undefined,
    policy: KEEP_ALL,
    secret: undefined,
    token: undefined,
    place: undefined,
  }
}

/** The account as the options want it: what they say goes before what the config says. Throws UsageError. */
export function withServerChoice(account: Account, options: ServerOptions): Account {
  const tls = options.tls ?? account.tls
  const isDefaultPort = account.port === defaultPort(account.tls)
  const secret = secretSourceOf(options)
  const token = secret === undefined ? account.token : undefined
  if (tls === 'none' && token !== undefined) {
    throw new UsageError(
      `${account.name} logs in with a token, which crosses no network without TLS`,
    )
  }
  const auth = mechanismOf(options.auth) ?? account.auth
  const clientCertificate = clientCertificateOf(options) ?? account.clientCertificate
  requireFitting(auth, { token, clientCertificate })
  return {
    ...account,
    tls,
    // A port that nobody chose follows the TLS mode.
    port: isDefaultPort ? defaultPort(tls) : account.port,
    ...routeOf(options, account),
    clientCertificate,
    auth,
    secret: secret ?? account.secret,
    token,
  }
}

/** How a server is reached: what the options say goes before `otherwise`. Throws UsageError. */
export function routeOf(
  options: Pick<ServerOptions, 'tlsCa' | 'tlsPin' | 'proxy'>,
  otherwise: Pick<Account, 'ca' | 'pin' | 'proxy'>,
): Pick<Account, 'ca' | 'pin' | 'proxy'> {
  return {
    ca: options.tlsCa ?? otherwise.ca,
    pin: pinOf(options.tlsPin) ?? otherwise.pin,
    proxy: proxyOf(options.proxy) ?? otherwise.proxy,
  }
}

/** Throws UsageError, which names the option, for what none of these may say: before anything is asked or written. */
export function requireServerOptions(options: ServerOptions): void {
  requireOnePassword(options)
  pinOf(options.tlsPin)
  proxyOf(options.proxy)
  mechanismOf(options.auth)
  clientCertificateOf(options)
}

/** Throws UsageError, or ConfigError if the config has no accounts. */
export function namedAccount(name: string, config: Config | undefined): Account {
  const all = accountsOf(config)
  const account = all.find((one) => one.name === name)
  if (account) return account
  const known = config
    ? `the config has ${all.map((one) => one.name).join(', ')}`
    : 'there is no config file'
  const hint = isServerLike(name) ? `. ${URL_HINT}` : ''
  throw new UsageError(`no account is called ${repeatable(name)}; ${known}${hint}`)
}

/** Throws ConfigError if there are none in a config that exists. */
export function accountsOf(config: Config | undefined): readonly Account[] {
  const all = config?.accounts ?? []
  if (config && all.length === 0) {
    const place = { file: config.file, line: undefined }
    throw configFault(place, 'there are no accounts in it; popkeep account add ADDRESS adds one')
  }
  return all
}

/** Host names and addresses, which people give where an account is asked for. */
export function isServerLike(name: string): boolean {
  return /[.:@]/.test(name)
}

/** Refuses what looks like a URL and is none of ours. It is not repeated: a password may be in it. */
export function requireNoUrl(names: readonly string[]): void {
  if (names.some((name) => name.includes('://'))) {
    throw new UsageError(`what has :// in it is no account and no POP-URL. ${URL_HINT}`)
  }
}

export function requireOnePassword(options: ServerOptions): void {
  if (options.passwordFile !== undefined && options.passwordCommand !== undefined) {
    throw new UsageError('give --password-file or --password-command, not both')
  }
}

const URL_HINT = 'A server is named as pops://user@host'

/** What a config file cannot say, and options can: a mechanism without what it logs in with. */
function requireFitting(
  auth: string | undefined,
  { token, clientCertificate }: Pick<Account, 'token' | 'clientCertificate'>,
): void {
  if (auth === undefined) return
  if (auth === 'EXTERNAL' && clientCertificate === undefined) {
    throw new UsageError('external logs in with a client certificate: give --tls-cert')
  }
  if (TOKEN_MECHANISMS.includes(auth) && token === undefined) {
    const name = auth.toLowerCase()
    throw new UsageError(
      `${name} logs in with a token: give the account token_command or oauth in the config`,
    )
  }
  if (PASSWORD_MECHANISMS.includes(auth) && token !== undefined) {
    throw new UsageError(
      `${auth.toLowerCase()} logs in with a password: give --password-file or --password-command`,
    )
  }
}

function pinOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const pin = parsePin(text)
  if (pin === undefined) throw new UsageError(`--tls-pin ${PIN_FORM}`)
  return pin
}

function proxyOf(text: string | undefined): Account['proxy'] {
  try {
    return text === undefined ? undefined : parseProxyUrl(text)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw new UsageError(`--proxy: ${error.message}`)
  }
}

function mechanismOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const mechanism = parseMechanism(text)
  if (mechanism === undefined)
    throw new UsageError(`--auth is one of ${MECHANISMS.join(', ').toLowerCase()}, not ${text}`)
  return mechanism
}

function clientCertificateOf({ tlsCert, tlsKey }: ServerOptions): Account['clientCertificate'] {
  if (tlsCert === undefined && tlsKey !== undefined) {
    throw new UsageError('--tls-key is the key of a --tls-cert: give both')
  }
  return tlsCert === undefined ? undefined : { certificate: tlsCert, key: tlsKey ?? tlsCert }
}

function secretSourceOf(options: ServerOptions): SecretSource | undefined {
  if (options.passwordFile !== undefined) return { type: 'file', path: options.passwordFile }
  if (options.passwordCommand === undefined) return undefined
  return { type: 'command', command: options.passwordCommand }
}
