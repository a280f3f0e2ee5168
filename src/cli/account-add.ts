/** `popkeep account add`: ask, find, log in once, and only then write. */
import { dirname } from 'node:path'
import type { Account } from '../accounts/account.ts'
import { type Config, defaultConfigFile, loadConfig } from '../accounts/config.ts'
import { configHasOAuthTable, previewAddition } from '../accounts/config-writer.ts'
import { discoverServer } from '../accounts/discovery.ts'
import { ConfigError } from '../accounts/errors.ts'
import { openKeyring } from '../accounts/keyring.ts'
import { loginCommand, shellWord } from '../accounts/login-command.ts'
import type { Credential } from '../client/credential.ts'
import { type Asker, choose, openAsker } from './account-add-asker.ts'
import { type AccountAddOptions, additionOf, type Draft } from './account-add-draft.ts'
import { askAccess } from './account-add-grant.ts'
import { freshFileName, type KeepOptions, keepAccount } from './account-add-keep.ts'
import { askLogin, askSecretAgain, type LoginWorld } from './account-add-login.ts'
import {
  askAddress,
  askArchive,
  askName,
  askPlace,
  askPlaceAgain,
} from './account-add-questions.ts'
import { discoveryPorts, tryLogin } from './account-add-server.ts'
import { counted, humanOctets } from './columns.ts'
import { composeLogin } from './compose.ts'
import { configPlace } from './configuration.ts'
import type { CommandContext } from './context.ts'
import { describeFailure, InterruptedError } from './failure.ts'
import { safe, safeText } from './safe.ts'
import { routeTo, serverOf } from './server.ts'
import { requireServerOptions, routeOf } from './server-choice.ts'
import { type TraceFile, traceOf } from './trace.ts'

/** The exit code of a refused login. */
const REFUSED = 77

const PASSWORD_AGAIN = 'Password again (Return alone: other choices)'

/** What is there once on a machine, and no test can bring. */
export interface AddMachine {
  readonly openAsker: typeof openAsker
}

/** What the run of one `account add` shares. */
interface Run {
  readonly options: AccountAddOptions
  readonly context: CommandContext
  readonly signal: AbortSignal
  readonly asker: Asker | undefined
  readonly keep: KeepOptions
  readonly trace: TraceFile | undefined
  /** Hears that config and password are written. */
  readonly kept: () => void
}

/**
 * Adds an account. Throws UsageError for what is missing where nobody can be asked, ConfigError, SecretError, what a login
 * throws, and InterruptedError; in all these cases nothing was written, but for an account by OAuth to which access was
 * granted: it is kept, and its first login may still fail.
 */
export async function runAccountAdd(
  given: string | undefined,
  options: AccountAddOptions,
  context: CommandContext,
  signal: AbortSignal,
  machine: AddMachine = { openAsker },
): Promise<void> {
  requireServerOptions(options)
  const place = configPlace(context)
  const file = options.config ?? defaultConfigFile(place)
  const asker = options.yes ? undefined : machine.openAsker(context, signal)
  const trace = traceOf(options, context)
  let isKept = false
  const kept = (): void => {
    isKept = true
  }
  try {
    const keep = { file, home: place.home, archiveFault: place.archiveFault }
    await add(given, { options, context, signal, asker, keep, trace, kept })
  } catch (error) {
    if (!(error instanceof InterruptedError) || isKept) throw error
    context.output.problem('interrupted; nothing was written')
    context.end(error.exit)
  } finally {
    trace?.close()
  }
}

async function add(given: string | undefined, run: Run): Promise<void> {
  const { options, context, asker, keep } = run
  const draft = await firstDraft(given, run)
  // What contradicts itself ends here, before anybody is asked for help with it.
  const { text, account } = previewAddition(additionOf(draft, options), keep)
  if (options.dryRun) {
    return context.output.data(safeText(text))
  }
  if (account.token?.type === 'oauth') return addByOAuth(draft, account, account.token, run)
  const proven = options.check ? await provenDraft(draft, run) : draft
  if (proven === undefined) return
  await keepAccount(additionOf(proven, options), proven.login, keep)
  run.kept()
  asker?.say(`${proven.name} is added to ${keep.file}.`)
  sayNext(proven, run)
}

/** Access is granted before anything is written; the login that proves it follows, since its tokens are kept by then. */
async function addByOAuth(
  draft: Draft,
  account: Account,
  token: Extract<Account['token'], { readonly type: 'oauth' }>,
  run: Run,
): Promise<void> {
  const { options, context, asker, keep } = run
  const wish =
    asker && options.check ? await askAccess(account, token, { ...run, asker }) : 'without'
  if (wish === 'nothing') return
  const access = wish === 'without' ? undefined : wish
  await keepAccount(additionOf(draft, options), draft.login, { ...keep, access })
  run.kept()
  if (access === undefined) {
    const login = loginCommand(account.name, undefined, context.invocation)
    const line = `${account.name} is added to ${keep.file}, and not logged in yet: run ${login}`
    return context.output.talk(safe(line))
  }
  asker?.say(`${account.name} is added to ${keep.file}; its tokens are in ${access.place}.`)
  await proveLogin(account, draft, run)
  sayNext(draft, run)
}

function sayNext({ name }: Draft, { asker, context }: Run): void {
  asker?.say(`Next: ${context.invocation} sync ${shellWord(name)}`)
}

async function firstDraft(given: string | undefined, run: Run): Promise<Draft> {
  const { options, asker, keep } = run
  const config = existingConfig(run)
  const world: LoginWorld = {
    asker,
    config,
    discover: async (address) => {
      const way = routeOf(options, { ca: undefined, pin: undefined, proxy: config?.proxy })
      const route = routeTo(way, run.context.env)
      return discoverServer(address, discoveryPorts(route), run.signal)
    },
    hasKeyring: async () => (await openKeyring('popkeep')) !== undefined,
    freshFile: (name) => freshFileName(name, dirname(keep.file)),
    environment: run.context.env.POPKEEP_PASSWORD,
    logsIn: options.check && !options.dryRun,
    writes: !options.dryRun,
    hasOAuthTable: (name) => configHasOAuthTable(keep.file, name),
  }
  asker?.say('Answers in brackets are taken by Return. Ctrl-C leaves, and nothing is written.')
  const address = await askAddress(given, options, world)
  const place = await askPlace(address, options, world)
  const name = await askName(place, address, options, world)
  // Names and servers that no config takes end here, before anybody types a password.
  const named = { ...place, name, archive: await askArchive(options, world), isFirst: !config }
  previewAddition(additionOf({ ...named, login: { type: 'certificate' } }, reachOf(options)), keep)
  return { ...named, login: await askLogin(name, place.server.host, options, world) }
}

/** Undefined if there is no file yet, also at the place of --config. */
function existingConfig({ context, keep }: Run): Config | undefined {
  try {
    return loadConfig(configPlace(context), keep.file)
  } catch (error) {
    const { cause } = error instanceof ConfigError ? error : {}
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    if (isMissing) return undefined
    throw error
  }
}

/** The draft with which a login worked; undefined if the person gave up, who then has heard why. */
async function provenDraft(first: Draft, run: Run): Promise<Draft | undefined> {
  const { asker, context, signal, options, keep } = run
  for (let draft = first; ; ) {
    try {
      const { account } = previewAddition(additionOf(draft, options), keep)
      await proveLogin(account, draft, run)
      return draft
    } catch (error) {
      signal.throwIfAborted()
      const { exit, sentence } = describeFailure(error)
      if (asker === undefined || exit === 70 || error instanceof InterruptedError) throw error
      context.output.problems(sentence)
      const next = await nextDraft(draft, exit === REFUSED, asker)
      if (next === undefined) {
        asker.say('Nothing was written.')
        context.end(exit)
        return undefined
      }
      draft = next
    }
  }
}

/** What the person wants to change after a login that failed; undefined: nothing any more. */
async function nextDraft(
  draft: Draft,
  isRefused: boolean,
  asker: Asker,
): Promise<Draft | undefined> {
  const { login } = draft
  const retypes = isRefused && 'secret' in login
  if (retypes) {
    // Who sees a password refused types it again: it must not fall into a question that echoes.
    const secret = await asker.hidden(PASSWORD_AGAIN, { mayBeEmpty: true })
    if (secret !== '') return { ...draft, login: { ...login, secret } }
  }
  const again = retypes ? 'type the password again' : 'try again'
  const ways = [again, 'change server or user', 'leave, and write nothing']
  const way = await choose(asker, 'What now?', ways)
  if (way === 2) return undefined
  if (way === 0) return retypes ? withSecretAgain(draft, asker) : draft
  // What was typed for one server goes to no other.
  return withSecretAgain({ ...draft, ...(await askPlaceAgain(draft, asker)) }, asker)
}

async function withSecretAgain(draft: Draft, asker: Asker): Promise<Draft> {
  return { ...draft, login: await askSecretAgain(draft.login, asker) }
}

/** Throws what keeps the account from logging in. */
async function proveLogin(account: Account, { login }: Draft, run: Run): Promise<void> {
  const { context, signal, trace, asker } = run
  const { env, now, shielded } = context
  asker?.say(`Logging in to ${account.host} as ${account.user} ...`)
  const server = await serverOf(account, env)
  const known = composeLogin(account, server, { trace, env, now, shielded, isSingle: true })
  const typed = 'secret' in login ? login.secret : undefined
  const credential: Credential =
    typed === undefined ? await known.credential(signal) : { type: 'password', secret: typed }
  const { messages, octets } = await tryLogin(known, credential, signal)
  const size = octets === undefined ? '' : `, ${humanOctets(octets)}`
  asker?.say(`The login works: ${counted(messages, 'message')}${size}.`)
}

/** Without the mechanism, which means nothing before the way to log in is known. */
function reachOf({ auth: _, ...options }: AccountAddOptions): AccountAddOptions {
  return options
}
