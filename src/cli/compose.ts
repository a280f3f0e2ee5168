/** Joins the rooms: account and secret become a maildrop, a location becomes an archive. The only place that does. */
import type { Account } from '../accounts/account.ts'
import { providerOfHost } from '../accounts/providers.ts'
import { openLedgerForReading } from '../archive/ledger-view.ts'
import { type ArchiveLocation, parseLocation } from '../archive/location.ts'
import { ThreadArchive } from '../archive/thread-archive.ts'
import type { Credential } from '../client/credential.ts'
import type { ServerOptions as Server } from '../client/greeting.ts'
import { createMaildrop, type MaildropOptions } from '../client/maildrop.ts'
import type { Policy } from '../sync/policy.ts'
import type { AccountIdentity, Archive } from '../sync/ports/archive.ts'
import type { Maildrop } from '../sync/ports/maildrop.ts'
import { chooseAccounts } from './account-choice.ts'
import { configLoader } from './configuration.ts'
import type { CommandContext } from './context.ts'
import { type CredentialSurroundings, obtainCredential } from './credential.ts'
import { withLoginHint } from './login-hint.ts'
import { traitsOf } from './provider-traits.ts'
import { serverOf } from './server.ts'
import { chooseServer } from './server-choice.ts'
import type { ServerOptions } from './server-options.ts'
import type { SyncOptions } from './sync-options.ts'
import { type TraceFile, traceOf } from './trace.ts'

/** One account that is to be synced. */
export interface SyncTask {
  readonly identity: AccountIdentity
  readonly location: ArchiveLocation
  readonly policy: Policy
  /** All names in use, also of accounts that this run leaves out. */
  readonly configured: ReadonlySet<string>
  /** What its owner should know about it each time; undefined if nothing. */
  readonly warning: string | undefined
  /** Gets the secret, which may run a command or ask a person until `signal` aborts; connects nowhere yet. */
  prepare(signal: AbortSignal): Promise<Maildrop>
}

/** What one `sync` has to do. */
export interface SyncPlan {
  readonly tasks: readonly SyncTask[]
  readonly jobs: number
  readonly jobsPerHost: number
  /** Ms that the run may take. */
  readonly deadline: number | undefined
  /** Closes the trace. */
  close(): void
}

const JOBS = 8

/** More connections than this from one client, and a server may take it for an attack. */
const JOBS_PER_HOST = 4

/** What the command line asks for. Throws UsageError, ConfigError, or what opening the trace throws; asks no secret. */
export function composeSync(
  names: readonly string[],
  options: SyncOptions,
  context: CommandContext,
): SyncPlan {
  const choice = chooseAccounts(names, options, configLoader(options.config, context))
  const { env, now, shielded } = context
  const locations = choice.accounts.map(({ archive }) => parseLocation(archive))
  const trace = traceOf(options, context)
  const tasks = choice.accounts.map((account, index) => ({
    identity: { name: account.name, host: account.host, port: account.port, user: account.user },
    location: locations[index] ?? parseLocation(account.archive),
    policy: { ...account.policy, provider: traitsOf(account.host) },
    configured: choice.configured,
    warning: clearTextWarning(account),
    prepare: (signal: AbortSignal) =>
      prepareMaildrop(account, { trace, env, now, shielded, isSingle: choice.isSingle, signal }),
  }))
  const { jobs = JOBS, jobsPerHost = JOBS_PER_HOST, deadline } = choice
  return { tasks, jobs, jobsPerHost, deadline, close: () => trace?.close() }
}

/** Opened with its first account, closed with its last. */
export function openArchive(location: ArchiveLocation): Archive {
  return new ThreadArchive(location)
}

/** What a dry run reads of an archive. */
export function openLedger({ location, identity, configured }: SyncTask) {
  return openLedgerForReading(location, identity, { configured })
}

/** A maildrop at a server of this machine, in clear text: that of the demo. */
export function plainMaildrop(at: {
  readonly port: number
  readonly user: string
  readonly password: string
}): Maildrop {
  const { port, user, password } = at
  const credential: Credential = { type: 'password', secret: password }
  return maildropOf({ host: '127.0.0.1', port, user, credential, tls: 'none' })
}

/** One account, ready to log in, for a command that does so by itself. */
export interface AccountLogin {
  readonly account: Account
  /** How to reach its server; what is said there goes to the trace. */
  readonly server: Server
  /** What to log in with; asks commands, keyring, environment or a person, and connects to no POP3 server. */
  credential(signal: AbortSignal): Promise<Credential>
  /** The error that a login ended with, together with what this provider is known to want. */
  explained(error: unknown): unknown
}

/** One server that a command line names. */
export interface ServerChoice extends AccountLogin {
  /** Closes the trace. */
  close(): void
}

/** The server of an account of the config or of a POP-URL. Throws as `composeSync`; asks no secret. */
export async function composeServer(
  target: string,
  options: ServerOptions,
  context: CommandContext,
): Promise<ServerChoice> {
  const { env, now, shielded } = context
  const account = chooseServer(target, options, configLoader(options.config, context))
  const server = await serverOf(account, env)
  // Last, since nobody would close it if anything before fails.
  const trace = traceOf(options, context)
  const login = composeLogin(account, server, { trace, env, now, shielded, isSingle: true })
  return { ...login, close: () => trace?.close() }
}

/** The login of an account whose server serverOf has found. */
export function composeLogin(
  account: Account,
  server: Server,
  { trace, ...surroundings }: Omit<Preparation, 'signal'>,
): AccountLogin {
  const hint = providerOfHost(account.host)?.hint
  return {
    account,
    server: { ...server, trace: trace && ((line) => trace.write(account.name, line)) },
    credential: (signal) => obtainCredential(account, { ...surroundings, signal }),
    explained: (error) => withLoginHint(error, hint),
  }
}

/** RFC 8314 section 5.2. Where a person looks on: cron has heard it when the account was set up. */
function clearTextWarning({ tls, host }: Account): string | undefined {
  const isHere = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(host)
  return tls === 'none' && !isHere
    ? 'password and mail cross the network in clear text, as tls = "none" says'
    : undefined
}

interface Preparation extends CredentialSurroundings {
  readonly trace: TraceFile | undefined
}

async function prepareMaildrop(
  account: Account,
  { signal, ...surroundings }: Preparation,
): Promise<Maildrop> {
  const { user, auth } = account
  const found = await serverOf(account, surroundings.env)
  const { server, credential, explained } = composeLogin(account, found, surroundings)
  // Last, so that nobody types a password for an account that cannot be synced.
  return maildropOf({ ...server, user, auth, credential: await credential(signal) }, explained)
}

function maildropOf(
  options: Omit<MaildropOptions, 'pipelining' | 'window'>,
  explained: AccountLogin['explained'] = (error) => error,
): Maildrop {
  // One for all sessions of the run: it knows which timestamps came before.
  const maildrop = createMaildrop({ ...options, pipelining: false })
  return {
    open: async (signal, manner) => {
      try {
        return await maildrop.open(signal, manner)
      } catch (error) {
        throw explained(error)
      }
    },
  }
}
