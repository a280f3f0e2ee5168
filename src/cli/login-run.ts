/** `popkeep login`: what a person does once, so that later runs log in alone. */
import type { Account, TokenSource } from '../accounts/account.ts'
import { SecretError, UsageError } from '../accounts/errors.ts'
import { askHidden, openTerminal } from '../accounts/hidden-prompt.ts'
import { formatPassword } from '../accounts/kept-password.ts'
import { openKeyring } from '../accounts/keyring.ts'
import { grantByFlow } from '../accounts/oauth-login.ts'
import type { OAuthFlow } from '../accounts/oauth-provider.ts'
import { passwordQuestion } from '../accounts/secret-source.ts'
import { openTokenStore, type TokenStore } from '../accounts/token-store.ts'
import { configLoader } from './configuration.ts'
import type { CommandContext } from './context.ts'
import { LoginConversation } from './login-talk.ts'
import { safe } from './safe.ts'
import { namedAccount } from './server-choice.ts'

/** `login` as it was asked for on the command line. */
export interface LoginOptions {
  readonly flow?: OAuthFlow
  readonly browser: boolean
  readonly forget?: true
  readonly config?: string
}

/** What is there once on a machine, and no test can bring. */
export interface LoginMachine {
  readonly openKeyring: typeof openKeyring
  readonly openTerminal: typeof openTerminal
}

/**
 * Throws UsageError where the account has nothing to log in to, what loading the config throws, AuthorizationError,
 * SecretError, what durable/ throws, and the signal's reason.
 */
export async function runLogin(
  name: string,
  options: LoginOptions,
  context: CommandContext,
  signal: AbortSignal,
  machine: LoginMachine = { openKeyring, openTerminal },
): Promise<void> {
  const config = configLoader(options.config, context)({ mayBeMissing: false })
  const account = namedAccount(name, config)
  if (account.token?.type === 'oauth') {
    return await logInByOAuth(account, account.token, options, context, signal)
  }
  if (account.secret?.type !== 'keyring') throw new UsageError(nothingToDo(account))
  if (options.flow !== undefined) {
    throw new UsageError(
      `--flow is for OAuth, and ${name} has none; its password is in the keyring`,
    )
  }
  return await keepPassword(account, options, context, machine, signal)
}

function nothingToDo({ name, token }: Account): string {
  if (token?.type === 'command') {
    return `${name} gets its tokens from token_command; log in with the program that it runs`
  }
  return (
    `there is nothing to log in to for ${name}: give it oauth = "google", "microsoft" or the name of a table ` +
    '[oauth.NAME] in the config, or keyring = true for a password in the keyring'
  )
}

async function logInByOAuth(
  account: Account,
  token: OAuthSource,
  options: LoginOptions,
  context: CommandContext,
  signal: AbortSignal,
): Promise<void> {
  const { output } = context
  const { name } = account
  if (options.forget) {
    const store = await storeOf(account, token, context)
    const isRemoved = await store.locked(signal, () => store.remove())
    return output.talk(safe(forgotten(isRemoved, `tokens of ${name}`, store.place)))
  }
  const access = await grantAccess(account, token, options, context, signal)
  await access.keep()
  output.talk(safe(`${name} is logged in; its tokens are in ${access.place}`))
}

type OAuthSource = Extract<TokenSource, { readonly type: 'oauth' }>

/** What a person has granted, and nobody has kept yet. */
export interface GrantedAccess {
  readonly place: string
  keep(): Promise<void>
  remove(): Promise<void>
}

/**
 * Lets the person grant access. Throws UsageError for a flow that the provider has not, AuthorizationError, SecretError,
 * what durable/ throws, and the signal's reason.
 */
export async function grantAccess(
  account: Account,
  token: OAuthSource,
  options: Pick<LoginOptions, 'flow' | 'browser'>,
  context: CommandContext,
  signal: AbortSignal,
): Promise<GrantedAccess> {
  const { provider } = token
  // First, so that nobody grants access which then cannot be kept.
  const store = await storeOf(account, token, context)
  const flow = options.flow ?? provider.flow
  if (flow === 'device' && provider.deviceEndpoint === undefined) {
    throw new UsageError(
      `${provider.name} has no device flow for mail; use --flow browser or paste`,
    )
  }
  await store.locked(signal, async () => (await store.draft()).discard())
  const talk = new LoginConversation(context, { mayOpen: options.browser })
  try {
    const { env, now } = context
    const grant = await grantByFlow(flow, account, provider, talk, { env, now }, signal)
    return {
      place: store.place,
      keep: () => store.locked(signal, () => store.write(grant)),
      remove: async () => void (await store.locked(signal, () => store.remove())),
    }
  } finally {
    talk.close()
  }
}

function storeOf(
  { name, host, user }: Account,
  { provider, storage }: OAuthSource,
  { env }: CommandContext,
): Promise<TokenStore> {
  return openTokenStore({ account: name, host, user, provider }, storage, { env })
}

async function keepPassword(
  account: Account,
  { forget }: LoginOptions,
  { output }: CommandContext,
  machine: LoginMachine,
  signal: AbortSignal,
): Promise<void> {
  const { name } = account
  const keyring = await machine.openKeyring('popkeep')
  if (keyring === undefined) {
    throw new SecretError(
      'there is no keyring here; use password_command or password_file in the config',
    )
  }
  const attempt = async <T>(act: () => Promise<T>): Promise<T> => {
    try {
      return await act()
    } catch (cause) {
      signal.throwIfAborted()
      throw new SecretError(`the keyring does not take the password of ${name}`, { cause })
    }
  }
  if (forget) {
    const isThere = (await attempt(() => keyring.get(name, signal))) !== undefined
    await attempt(() => keyring.remove(name, signal))
    return output.talk(safe(forgotten(isThere, `password of ${name}`, 'the keyring')))
  }
  const password = await askPassword(account, machine, signal)
  await attempt(() => keyring.set(name, formatPassword(account, password), signal))
  output.talk(safe(`the password of ${name} is in the keyring`))
}

async function askPassword(
  account: Account,
  machine: LoginMachine,
  signal: AbortSignal,
): Promise<string> {
  const terminal = machine.openTerminal()
  if (terminal === undefined) {
    throw new SecretError('there is no terminal to ask for the password at')
  }
  try {
    const password = await askHidden(safe(passwordQuestion(account)), terminal, signal)
    if (password === '') throw new SecretError('no password was typed')
    return password
  } finally {
    terminal.close()
  }
}

function forgotten(isRemoved: boolean, what: string, place: string): string {
  return isRemoved
    ? `removed the ${what} from ${place}`
    : `there is nothing to remove: no ${what} in ${place}`
}
