/** How a new account logs in, and where what it takes for that is kept. */

import { UsageError } from '../accounts/errors.ts'
import type { MailProvider } from '../accounts/mail-provider.ts'
import { OAUTH_PRESETS } from '../accounts/oauth-provider.ts'
import { providerOfHost } from '../accounts/providers.ts'
import { type Asker, choose } from './account-add-asker.ts'
import type { AccountAddOptions, DraftLogin } from './account-add-draft.ts'
import { missing, type QuestionWorld } from './account-add-questions.ts'
import { requireOnePassword } from './server-choice.ts'

/** Besides the questions' world: what only the login depends on. */
export interface LoginWorld extends QuestionWorld {
  /** POPKEEP_PASSWORD, for a password that nobody can be asked for. */
  readonly environment: string | undefined
  /** What a typed password is for: to log in once, to be kept. Neither in a dry run. */
  readonly logsIn: boolean
  readonly writes: boolean
  /** Whether the config has a table [oauth.NAME] already. */
  hasOAuthTable(name: string): boolean
}

/** Throws UsageError. */
export async function askLogin(
  name: string,
  host: string,
  options: AccountAddOptions,
  world: LoginWorld,
): Promise<DraftLogin> {
  const given = await loginOfOptions(options, world)
  if (given !== undefined) return given
  const { asker } = world
  if (asker === undefined) {
    throw missing(
      'a way to log in: --password-file, --password-command, --keyring, --ask-password, --token-command or --oauth',
    )
  }
  const provider = providerOfHost(host)
  if (provider?.hint !== undefined) asker.say(`${provider.hint}.`)
  switch (await askWay(provider, asker)) {
    case 'oauth':
      return askOAuth(provider?.oauth ?? '', world, asker)
    case 'token-command':
      return { type: 'token-command', command: await someLine(asker, 'Command') }
    case 'password':
      return askPassword(name, world, asker)
  }
}

type Way = 'oauth' | 'token-command' | 'password'

/** Only where the provider leaves a choice. */
async function askWay(provider: MailProvider | undefined, asker: Asker): Promise<Way> {
  if (provider?.oauth === undefined) return 'password'
  const ways: { readonly way: Way; readonly label: string }[] = [
    { way: 'oauth', label: 'OAuth, with a client id of yours' },
    { way: 'token-command', label: 'OAuth, by a command that prints tokens (pizauth, oama)' },
  ]
  if (provider.login !== 'oauth') ways.push({ way: 'password', label: 'an app password' })
  const labels = ways.map(({ label }) => label)
  const fallback = provider.login === 'oauth' ? 0 : ways.length - 1
  return ways[await choose(asker, 'How to log in?', labels, fallback)]?.way ?? 'password'
}

async function someLine(asker: Asker, question: string): Promise<string> {
  for (;;) {
    const answer = await asker.line(question)
    if (answer !== '') return answer
  }
}

/** Asks for the password again, where it was typed. */
export async function askSecretAgain(login: DraftLogin, asker: Asker): Promise<DraftLogin> {
  return 'secret' in login ? { ...login, secret: await asker.hidden('Password') } : login
}

async function loginOfOptions(
  options: AccountAddOptions,
  world: LoginWorld,
): Promise<DraftLogin | undefined> {
  const { keyring, askPassword: ask, oauth, tokenCommand } = options
  const { passwordFile, passwordCommand, tlsCert } = options
  requireOnePassword(options)
  if (options.clientId !== undefined && oauth === undefined) {
    throw new UsageError('--client-id is that of an --oauth provider')
  }
  const ways = [passwordFile ?? passwordCommand, oauth ?? keyring, ask, tokenCommand]
  if (ways.filter((way) => way !== undefined).length > 1) {
    throw new UsageError(
      'give one way to log in: a password option, --keyring, --ask-password, --token-command or --oauth',
    )
  }
  if (oauth !== undefined) {
    const client = clientOfOptions(oauth, options, world)
    return { type: 'oauth', provider: oauth, client, storage: keyring ? 'keyring' : 'file' }
  }
  if (passwordFile !== undefined) return { type: 'file', path: passwordFile }
  if (passwordCommand !== undefined) return { type: 'command', command: passwordCommand }
  if (tokenCommand !== undefined) return { type: 'token-command', command: tokenCommand }
  if (keyring) {
    if (!(await world.hasKeyring())) {
      throw new UsageError('there is no keyring here; give --password-file or --password-command')
    }
    return { type: 'keyring', secret: world.writes ? await secretNow(world) : undefined }
  }
  if (ask) return { type: 'ask', secret: world.logsIn ? await secretNow(world) : undefined }
  return tlsCert === undefined ? undefined : { type: 'certificate' }
}

async function secretNow(world: LoginWorld): Promise<string> {
  if (world.asker) return world.asker.hidden('Password')
  if (world.environment !== undefined) return world.environment
  throw missing('the password in POPKEEP_PASSWORD')
}

function clientOfOptions(
  oauth: string,
  { clientId }: AccountAddOptions,
  { hasOAuthTable }: LoginWorld,
): { readonly id: string; readonly secret: undefined } | undefined {
  if (hasOAuthTable(oauth)) {
    if (clientId === undefined) return undefined
    throw new UsageError(
      `the config has a table [oauth.${oauth}] already; change the client id there`,
    )
  }
  if (!OAUTH_PRESETS.includes(oauth)) {
    throw new UsageError(
      `--oauth is ${OAUTH_PRESETS.join(', ')} or the name of a table [oauth.NAME] of the config`,
    )
  }
  if (clientId === undefined) throw missing(`--client-id, which you register with ${oauth}`)
  return { id: clientId, secret: undefined }
}

async function askOAuth(provider: string, world: LoginWorld, asker: Asker): Promise<DraftLogin> {
  const storage = (await world.hasKeyring()) ? 'keyring' : 'file'
  if (world.hasOAuthTable(provider)) {
    return { type: 'oauth', provider, client: undefined, storage }
  }
  asker.say(`popkeep brings no client id: register a client with ${provider} and give its id.`)
  const id = await someLine(asker, 'Client id')
  // Microsoft's clients of this kind have none, and are refused with one.
  const secret = provider === 'google' ? await asker.line('Client secret') : ''
  return {
    type: 'oauth',
    provider,
    client: { id, secret: secret === '' ? undefined : secret },
    storage,
  }
}

async function askPassword(name: string, world: LoginWorld, asker: Asker): Promise<DraftLogin> {
  const file = world.freshFile(name)
  const ways: {
    readonly type: 'keyring' | 'fresh-file' | 'command' | 'ask'
    readonly label: string
  }[] = [
    { type: 'fresh-file', label: `in a file that only you can read, ${file} beside the config` },
    { type: 'command', label: 'not by popkeep: a command prints it, such as pass show mail/work' },
    { type: 'ask', label: 'nowhere: popkeep asks each time' },
  ]
  if (await world.hasKeyring()) ways.unshift({ type: 'keyring', label: 'in the keyring' })
  const labels = ways.map(({ label }) => label)
  const type = ways[await choose(asker, 'Where is the password kept?', labels)]?.type
  if (type === 'command') {
    return { type, command: await someLine(asker, 'Command') }
  }
  const isNeeded = type === 'keyring' || type === 'fresh-file' ? world.writes : world.logsIn
  const secret = isNeeded ? await asker.hidden('Password') : undefined
  return type === 'fresh-file' ? { type, file, secret } : { type: type ?? 'ask', secret }
}
