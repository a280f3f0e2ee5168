/** Fills the draft of an account: from options, from what is known, and by asking where somebody can be asked. */
import { defaultPort } from '../accounts/account.ts'
import type { Config } from '../accounts/config.ts'
import type { Discovery, FoundServer } from '../accounts/discovery.ts'
import { UsageError } from '../accounts/errors.ts'
import { parseHostPort } from '../accounts/host-port.ts'
import { parseMailAddress } from '../accounts/mail-address.ts'
import type { PopServer } from '../accounts/mail-provider.ts'
import { parseLocation } from '../archive/location.ts'
import { type Asker, confirm } from './account-add-asker.ts'
import type { AccountAddOptions } from './account-add-draft.ts'
import { repeatable } from './argument.ts'

/** What the questions depend on. */
export interface QuestionWorld {
  /** Undefined: nobody can be asked, or nobody wants to be. */
  readonly asker: Asker | undefined
  /** Undefined: there is none yet. */
  readonly config: Config | undefined
  /** Undefined if it is no address. */
  discover(address: string): Promise<Discovery | undefined>
  /** Whether passwords can be kept in a keyring here. */
  hasKeyring(): Promise<boolean>
  /** A name for a new password file beside the config. */
  freshFile(name: string): string
}

/** A server and who logs in there. */
export interface Place {
  readonly server: PopServer
  readonly user: string
}

/** The address; undefined where it is not needed, since server and user are given. Throws UsageError. */
export async function askAddress(
  given: string | undefined,
  options: AccountAddOptions,
  { asker }: QuestionWorld,
): Promise<string | undefined> {
  if (given !== undefined) {
    if (parseMailAddress(given) === undefined)
      throw new UsageError(`${repeatable(given)} is no mail address`)
    return given
  }
  if (options.host !== undefined && options.user !== undefined) return undefined
  if (asker === undefined) throw missing('the mail address, or --host and --user')
  for (;;) {
    const address = await asker.line('Mail address')
    if (parseMailAddress(address) !== undefined) return address
    asker.say('A mail address is name@domain.')
  }
}

/** Where the maildrop is. Throws UsageError. */
export async function askPlace(
  address: string | undefined,
  options: AccountAddOptions,
  world: QuestionWorld,
): Promise<Place> {
  const { asker } = world
  const given = serverOfOptions(options)
  if (given !== undefined) {
    const user = options.user ?? address
    if (user === undefined) throw missing('--user')
    return { server: given, user: await confirmedUser(user, options, asker) }
  }
  if (options.port !== undefined || options.tls !== undefined) {
    throw new UsageError('--port and --tls are those of a --host')
  }
  const found = await search(address ?? '', world)
  if (asker === undefined) {
    if (found?.origin === 'table') return { server: found.server, user: options.user ?? found.user }
    const result = found
      ? `it may be ${serverText(found.server)} (${evidenceOf(found)})`
      : `none was found for ${repeatable(address ?? '')}`
    throw new UsageError(`name the server by --host: ${result}`)
  }
  const server = await askServer(found, address, asker)
  const user = found?.server.host === server.host ? found.user : (address ?? '')
  return { server, user: await confirmedUser(options.user ?? user, options, asker) }
}

/** The same again, with what was chosen before as the answers in brackets. */
export async function askPlaceAgain({ server, user }: Place, asker: Asker): Promise<Place> {
  const text = `${server.host}:${server.port}`
  const chosen = await typedServer(asker, text)
  const isSame = chosen.host === server.host && chosen.port === server.port
  return { server: isSame ? server : chosen, user: await asker.line('User', user) }
}

/** Names are keys of config and archive. Throws UsageError if it is taken. */
export async function askName(
  { server, user }: Place,
  address: string | undefined,
  options: AccountAddOptions,
  { asker, config }: QuestionWorld,
): Promise<string> {
  const taken = new Set(config?.accounts.map(({ name }) => name))
  const requireFree = (name: string): string => {
    const fault = faultOfName(name, taken)
    if (fault === undefined) return name
    throw new UsageError(`${fault}; choose another --name`)
  }
  const twin = config?.accounts.find((one) => one.host === server.host && one.user === user)
  if (twin) asker?.say(`The account ${twin.name} is of this maildrop already.`)
  if (options.name !== undefined) return requireFree(options.name)
  const mail = address ?? (user.includes('@') ? user : `${user}@${server.host}`)
  const parsed = parseMailAddress(mail)
  const proposals = [parsed?.domain.split('.')[0], parsed?.localPart, mail]
  const proposal = proposals.find((name) => name && !taken.has(name))
  if (asker === undefined) return proposal ?? requireFree(mail)
  for (;;) {
    const name = await asker.line('Name of the account', proposal)
    const fault = faultOfName(name, taken)
    if (fault === undefined) return name
    asker.say(`${fault}.`)
  }
}

/** Undefined: the config's common archive. Throws UsageError, or ArchiveError for a name that is none. */
export async function askArchive(
  options: AccountAddOptions,
  { asker, config }: QuestionWorld,
): Promise<string | undefined> {
  const common = config?.archive
  if (options.archive !== undefined) {
    parseLocation(options.archive)
    return options.archive
  }
  if (asker === undefined) {
    if (common === undefined) throw missing('--archive')
    return undefined
  }
  for (;;) {
    const answer = await asker.line('Archive', common ?? 'sqlite:~/Mail/popkeep.sqlite')
    if (answer === common) return undefined
    try {
      parseLocation(answer)
      return answer
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ARCHIVE_NAME')) throw error
      asker.say(`${error.message}.`)
    }
  }
}

function faultOfName(name: string, taken: ReadonlySet<string>): string | undefined {
  if (name === '') return 'an account needs a name'
  // Commands take such an argument for a POP-URL.
  if (name.includes('://')) return 'no account has :// in its name'
  if (name.startsWith('-')) return 'commands take a name that begins with - for an option'
  return taken.has(name) ? `there is an account called ${name} already` : undefined
}

export function missing(what: string): UsageError {
  return new UsageError(`account add needs ${what}, since nobody can be asked`)
}

function serverOfOptions({ host, port, tls }: AccountAddOptions): PopServer | undefined {
  if (host === undefined) return undefined
  const parsed = parseHostPort(host)
  if (typeof parsed === 'string') throw new UsageError('--host is a host name or an address')
  const number = port ?? parsed.port
  const mode = tls ?? (number === 110 ? 'stls' : 'implicit')
  return { host: parsed.host, port: number ?? defaultPort(mode), tls: mode }
}

async function search(
  address: string,
  { asker, discover }: QuestionWorld,
): Promise<FoundServer | undefined> {
  const domain = parseMailAddress(address)?.domain
  asker?.say(`Looking for the POP3 server of ${domain} ...`)
  const discovery = await discover(address)
  for (const target of discovery?.ignored ?? []) {
    asker?.say(`The DNS names ${target}, which cannot be a server; it is left out.`)
  }
  if (discovery?.refusal !== undefined) {
    throw new UsageError(`${discovery.refusal}; --host names a server all the same`)
  }
  return discovery?.found
}

/** Shows what was found and how. Nothing goes to a server that the person has not seen. */
async function askServer(
  found: FoundServer | undefined,
  address: string | undefined,
  asker: Asker,
): Promise<PopServer> {
  if (found === undefined) {
    asker.say('No server was found; the provider has its name in its help, often as "POP3" or')
    asker.say('"incoming mail". Give HOST or HOST:PORT.')
    return typedServer(asker)
  }
  const { server, isElsewhere, provider } = found
  asker.say(`${serverText(server)}: ${evidenceOf(found)}.`)
  const text = `${server.host}:${server.port}`
  const chosen = await typedServer(asker, text)
  if (chosen.host !== server.host || chosen.port !== server.port) return chosen
  if (!isElsewhere || provider) return server
  const domain = parseMailAddress(address ?? '')?.domain
  const question = `${server.host} is not within ${domain}, and only the DNS says that it serves it. Log in there?`
  return (await confirm(asker, question, false)) ? server : typedServer(asker)
}

async function typedServer(asker: Asker, proposal?: string): Promise<PopServer> {
  for (;;) {
    const parsed = parseHostPort(await asker.line('Server', proposal))
    if (typeof parsed !== 'string') {
      const tls = parsed.port === 110 ? 'stls' : 'implicit'
      return { host: parsed.host, port: parsed.port ?? defaultPort(tls), tls }
    }
    asker.say('A server is HOST or HOST:PORT.')
  }
}

async function confirmedUser(
  user: string,
  options: AccountAddOptions,
  asker: Asker | undefined,
): Promise<string> {
  return options.user !== undefined || asker === undefined ? user : asker.line('User', user)
}

function serverText({ host, port, tls }: PopServer): string {
  const mode = { implicit: 'TLS', stls: 'STLS', none: 'in clear text' }[tls]
  return `${host}, port ${port}, ${mode}`
}

function evidenceOf({ origin, evidence, provider }: FoundServer): string {
  switch (origin) {
    case 'table':
      return `the server of ${evidence}`
    case 'srv':
      return `announced in the DNS as ${evidence}`
    case 'mx':
      return `the server of ${provider?.name ?? 'its provider'}, whose ${evidence} takes the mail of this domain`
    case 'guess':
      return 'a guess; a POP3 server answers there and proves its name'
  }
}
