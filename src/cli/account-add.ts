/** `popkeep account add`: ask, find, log in once, and only then write. */
import { dirname } from 'node:path'
import type { Account } from '../accounts/account.ts'
import { type Config, defaultConfigFile, loadConfig } from '../accounts/config.ts'
import { configHasOAuthTable, previewAddition } from '../accounts/config-writer.ts'
import { discoverServer } from '../accounts/discovery.ts'
import { ConfigError } from '../accounts/errors.ts'
import { openKeyring } from '../accounts/keyring.ts'
import type { Credential } from '../client/credential.ts'
import { type Asker, choose, confirm, openAsker } from './account-add-asker.ts'
import { type AccountAddOptions, additionOf, type Draft } from './account-add-draft.ts'
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
import { configPlace } from './configuration.ts'
import type { CommandContext } from './context.ts'
import { obtainCredential } from './credential.ts'
import { describeFailure, InterruptedError } from './failure.ts'
import { safeText } from './safe.ts'
import { serverOf } from './server.ts'
import { openTrace, type TraceFile } from './trace.ts'

/** The exit code of a refused login. */
const REFUSED = 77

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
 * throws, and InterruptedError; in all these cases nothing was written.
 */
export async function runAccountAdd(
  given: string | undefined,
  options: AccountAddOptions,
  context: CommandContext,
  signal: AbortSignal,
): Promise<void> {
  const place = configPlace(context)
  const file = options.config ?? defaultConfigFile(place)
  const asker = options.yes ? undefined : openAsker(context, signal)
  const trace =
    options.trace === undefined
      ? undefined
      : openTrace(options.trace, context.now, (error) => {
          context.output.problem(`the trace ends here: ${describeFailure(error).sentence}`)
        })
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
  const { text } = previewAddition(additionOf(draft, options), keep)
  if (options.dryRun) {
    return context.output.data(safeText(text))
  }
  const isChecked = options.check && draft.login.type !== 'oauth'
  const proven = isChecked ? await provenDraft(draft, run) : draft
  if (proven === undefined) return
  await keepAccount(additionOf(proven, options), proven.login, keep)
  run.kept()
  asker?.say(`${proven.name} is added to ${keep.file}.`)
  if (proven.login.type === 'oauth') return grantNow(proven.name, run)
  asker?.say(`Next: ${context.invocation} sync ${shellWord(proven.name)}`)
}

async function firstDraft(given: string | undefined, run: Run): Promise<Draft> {
  const { options, asker, keep } = run
  const config = existingConfig(run)
  const world: LoginWorld = {
    asker,
    config,
    discover: async (address) => {
      const route = await serverOf(routeOf(run), run.context.env)
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
      asker?.say(`Logging in to ${draft.server.host} as ${draft.user} ...`)
      const { account } = previewAddition(additionOf(draft, options), keep)
      const { messages, octets } = await logIn(account, draft, run)
      const size = octets === undefined ? '' : `, ${humanOctets(octets)}`
      asker?.say(`The login works: ${counted(messages, 'message')}${size}.`)
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
  const retypes = isRefused && 'secret' in draft.login
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

async function logIn(account: Account, { login }: Draft, run: Run) {
  const { context, signal, trace } = run
  const { env, now } = context
  const server = await serverOf(account, env)
  const typed = 'secret' in login ? login.secret : undefined
  const credential: Credential =
    typed === undefined
      ? await obtainCredential(account, { env, now, isSingle: true, signal })
      : { type: 'password', secret: typed }
  const { name } = account
  const line = trace && ((text: string) => trace.write(name, text))
  return tryLogin(account, { ...server, trace: line }, credential, signal)
}

async function grantNow(name: string, { asker, context, options, signal }: Run): Promise<void> {
  const command = `${context.invocation} login ${shellWord(name)}`
  if (asker === undefined) return
  if (!(await confirm(asker, 'Grant access now?', true))) {
    return asker.say(`Next: ${command}`)
  }
  const { runLogin } = await import('./login-run.ts')
  const config = options.config === undefined ? {} : { config: options.config }
  await runLogin(name, { browser: true, ...config }, context, signal)
}

function shellWord(name: string): string {
  return /^[\w@.+-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`
}

/** How any server is reached, as options and config say: which certificates count, by which proxy. */
function routeOf({ options, keep }: Run): Account {
  const server = { host: 'pop.invalid', port: 995, tls: 'implicit' } as const
  const draft: Draft = {
    ...{ name: '-route-', server, user: '-', archive: undefined, isFirst: false },
    login: { type: 'certificate' },
  }
  return previewAddition(additionOf(draft, reachOf(options)), keep).account
}

/** Without the mechanism, which means nothing before the way to log in is known. */
function reachOf({ auth: _, ...options }: AccountAddOptions): AccountAddOptions {
  return options
}
