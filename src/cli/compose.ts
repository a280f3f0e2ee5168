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
import type { AccountIdentity, Archive, Maildrop } from '../sync/ports.ts'
import { chooseAccounts } from './account-choice.ts'
import { configLoader } from './configuration.ts'
import type { CommandContext } from './context.ts'
import { type CredentialSurroundings, obtainCredential } from './credential.ts'
import { describeFailure } from './failure.ts'
import { withLoginHint } from './login-hint.ts'
import { serverOf } from './server.ts'
import { chooseServer } from './server-choice.ts'
import type { ServerOptions } from './server-options.ts'
import type { SyncOptions } from './sync-options.ts'
import { openTrace, type TraceFile } from './trace.ts'

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
  /** Closes the trace. */
  close(): void
}

const JOBS = 8

/** What the command line asks for. Throws UsageError, ConfigError, or what opening the trace throws; asks no secret. */
export function composeSync(
  names: readonly string[],
  options: SyncOptions,
  context: CommandContext,
): SyncPlan {
  const choice = chooseAccounts(names, options, configLoader(options.config, context))
  const { env, now } = context
  const locations = choice.accounts.map(({ archive }) => parseLocation(archive))
  const trace = traceOf(options, context)
  const tasks = choice.accounts.map((account, index) => ({
    identity: { name: account.name, host: account.host, user: account.user },
    location: locations[index] ?? parseLocation(account.archive),
    policy: account.policy,
    configured: choice.configured,
    warning: clearTextWarning(account),
    prepare: (signal: AbortSignal) =>
      prepareMaildrop(account, { trace, env, now, isSingle: choice.isSingle, signal }),
  }))
  return { tasks, jobs: choice.jobs ?? JOBS, close: () => trace?.close() }
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

/** One server, for a command that talks to it by itself. */
export interface ServerChoice {
  readonly account: Account
  /** How to reach it. */
  readonly server: Server
  /** What to log in with; asks commands, keyring, environment or a person, and connects to no POP3 server. */
  credential(signal: AbortSignal): Promise<Credential>
  /** The error that a login ended with, together with what this provider is known to want. */
  explained(error: unknown): unknown
  /** Closes the trace. */
  close(): void
}

/** The server of an account of the config or of a POP-URL. Throws as `composeSync`; asks no secret. */
export async function composeServer(
  target: string,
  options: ServerOptions,
  context: CommandContext,
): Promise<ServerChoice> {
  const { env, now } = context
  const account = chooseServer(target, options, configLoader(options.config, context))
  const trace = traceOf(options, context)
  const server = await serverOf(account, env)
  return {
    account,
    server: { ...server, trace: trace && ((line) => trace.write(account.name, line)) },
    credential: (signal) => obtainCredential(account, { env, now, isSingle: true, signal }),
    explained: (error) => withLoginHint(error, providerOfHost(account.host)?.hint),
    close: () => trace?.close(),
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
  { trace, ...surroundings }: Preparation,
): Promise<Maildrop> {
  const { name, user, auth } = account
  const server = await serverOf(account, surroundings.env)
  // Last, so that nobody types a password for an account that cannot be synced.
  const credential = await obtainCredential(account, surroundings)
  const hint = providerOfHost(account.host)?.hint
  return maildropOf(
    { ...server, user, auth, credential, trace: trace && ((line) => trace.write(name, line)) },
    hint,
  )
}

function maildropOf(
  options: Omit<MaildropOptions, 'pipelining' | 'window'>,
  hint?: string,
): Maildrop {
  return {
    open: async (signal, limits) => {
      try {
        return await createMaildrop({ ...options, ...limits }).open(signal)
      } catch (error) {
        throw withLoginHint(error, hint)
      }
    },
  }
}

function traceOf(
  { trace }: ServerOptions,
  { output, now }: Pick<CommandContext, 'output' | 'now'>,
): TraceFile | undefined {
  if (trace === undefined) return undefined
  return openTrace(trace, now, (error) => {
    output.problem(`the trace ends here: ${describeFailure(error).sentence}`)
  })
}
