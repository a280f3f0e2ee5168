/** Joins the rooms: account and secret become a maildrop, a location becomes an archive. The only place that does. */
import { readFileSync } from 'node:fs'
import { type Account, STLS_ADVICE } from '../accounts/account.ts'
import { ConfigError, configFault, UsageError } from '../accounts/errors.ts'
import { askHidden, openTerminal } from '../accounts/hidden-prompt.ts'
import type { Secret } from '../accounts/secret.ts'
import { obtainSecret } from '../accounts/secret-source.ts'
import { openLedgerForReading } from '../archive/ledger-view.ts'
import { type ArchiveLocation, parseLocation } from '../archive/location.ts'
import { ThreadArchive } from '../archive/thread-archive.ts'
import { createMaildrop, type MaildropOptions } from '../client/maildrop.ts'
import type { Policy } from '../sync/policy.ts'
import type { AccountIdentity, Archive, Maildrop } from '../sync/ports.ts'
import { chooseAccounts } from './account-choice.ts'
import { configLoader } from './configuration.ts'
import type { CommandContext } from './context.ts'
import { describeFailure } from './failure.ts'
import type { SyncOptions } from './sync-options.ts'
import { openTrace, type TraceFile } from './trace.ts'

/** One account that is to be synced. */
export interface SyncTask {
  readonly identity: AccountIdentity
  readonly location: ArchiveLocation
  readonly policy: Policy
  /** All names in use, also of accounts that this run leaves out. */
  readonly configured: ReadonlySet<string>
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
  const { output, now } = context
  const locations = choice.accounts.map(({ archive }) => parseLocation(archive))
  const trace =
    options.trace === undefined
      ? undefined
      : openTrace(options.trace, now, (error) => {
          output.problem(`the trace ends here: ${describeFailure(error).sentence}`)
        })
  const tasks = choice.accounts.map((account, index) => ({
    identity: { name: account.name, host: account.host, user: account.user },
    location: locations[index] ?? parseLocation(account.archive),
    policy: account.policy,
    configured: choice.configured,
    prepare: (signal: AbortSignal) =>
      prepareMaildrop(account, trace, () =>
        secretOf(account, choice.isSingle, context.env, signal),
      ),
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
  return maildropOf({ host: '127.0.0.1', port, user, secret: password, tls: 'none' })
}

async function prepareMaildrop(
  account: Account,
  trace: TraceFile | undefined,
  obtain: () => Promise<Secret>,
): Promise<Maildrop> {
  const { name, host, port, user, tls, pin } = account
  if (tls === 'stls') throw new UsageError(STLS_ADVICE)
  const ca = account.ca === undefined ? undefined : readCertificates(account.ca)
  const auth = mechanismOf(account.auth)
  // Last, so that nobody types a password for an account that cannot be synced.
  const secret = await obtain()
  return maildropOf({
    ...{ host, port, user, tls, pin, ca, auth },
    secret: secret.reveal(),
    trace: trace && ((line) => trace.write(name, line)),
  })
}

function maildropOf(options: Omit<MaildropOptions, 'pipelining'>): Maildrop {
  return {
    open: (signal, { pipelining }) => createMaildrop({ ...options, pipelining }).open(signal),
  }
}

async function secretOf(
  account: Account,
  isSingle: boolean,
  env: CommandContext['env'],
  signal: AbortSignal,
): Promise<Secret> {
  if (!isSingle && account.secret === undefined) {
    throw configFault(
      account.place,
      'there is no password_command and no password_file; to be asked for the password, sync this account by its name',
    )
  }
  const environment = isSingle ? env.POPKEEP_PASSWORD : undefined
  const needsPrompt = account.secret === undefined && environment === undefined
  const terminal = needsPrompt ? openTerminal() : undefined
  try {
    return await obtainSecret(account, {
      environment,
      prompt: terminal && ((question) => askHidden(question, terminal, signal)),
      credentialsDirectory: env.CREDENTIALS_DIRECTORY,
    })
  } finally {
    terminal?.close()
  }
}

function mechanismOf(name: string | undefined): 'user' | 'plain' | undefined {
  switch (name) {
    case undefined:
      return undefined
    case 'USER':
      return 'user'
    case 'PLAIN':
      return 'plain'
    default:
      throw new UsageError(`this version cannot log in by ${name}; it has USER and PLAIN`)
  }
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { sentence } = describeFailure(error)
    throw new ConfigError(
      'CONFIG_VALUE',
      `the certificates cannot be read: ${sentence}`,
      { file },
      { cause: error },
    )
  }
}
