import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { UsageError } from '../accounts/errors.ts'
import { type ArchiveLocation, formatLocation } from '../archive/location.ts'
import { openReader } from '../archive/reader.ts'
import { listen, type Pop3Server } from '../server/listen.ts'
import { MemoryMaildrop } from '../server/memory-maildrop.ts'
import { qpopper } from '../server/personality.ts'
import { SEED_HOST, SEED_PASSWORD, SEED_USER, seedMaildrop } from '../server/seed-maildrop.ts'
import { KEEP_ALL } from '../sync/policy.ts'
import { plainMaildrop, type SyncTask } from './compose.ts'
import type { CommandContext } from './context.ts'
import { demoMail } from './demo-mail.ts'
import { describeFailure } from './failure.ts'
import { interruptibly } from './interruption.ts'
import { messageLine } from './message-lines.ts'
import { Output } from './output.ts'
import { runSyncTasks } from './sync-run.ts'

const HOST = '127.0.0.1'
const SERVE_PORT = 1110

/** Whose maildrops the server has. One password serves both. */
const ACCOUNTS = [
  { name: 'quest', user: SEED_USER, source: seedMaildrop },
  { name: 'example', user: 'paul@example.org', source: () => new MemoryMaildrop(demoMail()) },
] as const

/** Serves, syncs twice, lists, and says what to try next. All on stdout: here the talk is what was asked for. */
export async function runDemo(context: CommandContext): Promise<number> {
  const { stdout } = context.output
  const output = new Output(stdout, stdout)
  const folder = await mkdtemp(join(tmpdir(), 'popkeep-demo-'))
  const location: ArchiveLocation = { kind: 'sqlite', path: join(folder, 'mail.sqlite') }
  let isComplete = false
  try {
    const exit = await show(location, output, context)
    isComplete = exit === 0
    return exit
  } finally {
    // What is only half there is nothing to try commands on.
    if (!isComplete) await rm(folder, { recursive: true, force: true })
  }
}

/** Returns the exit code of the sync that failed, else 0. */
async function show(
  location: ArchiveLocation,
  output: Output,
  context: CommandContext,
): Promise<number> {
  const server = await startServer(0, context)
  try {
    await output.data(
      `A POP3 server of popkeep's own is listening on ${HOST}:${server.port}. It has two maildrops: quest,\n` +
        'with mail of 1997, and example, with mail of today.\n\nThe first sync retrieves all of it:\n\n',
    )
    const tasks = ACCOUNTS.map((account) => taskOf(account, server.port, location))
    const sync = () =>
      runSyncTasks(
        tasks,
        { jobs: 2, jobsPerHost: 2, progress: 'auto', summaries: true },
        { ...context, output },
      )
    const first = await sync()
    if (first !== 0) return first
    await output.data('\nThe second sync finds nothing new:\n\n')
    const second = await sync()
    if (second !== 0) return second
  } finally {
    await server.close()
  }
  await output.data('\nThe archive has, newest first:\n\n')
  const ids = await list(location, output)
  await output.data(whatNext(context.invocation, location, ids))
  return 0
}

/** Keeps the server up until a signal ends it. */
export async function serveDemo(port: number | undefined, context: CommandContext): Promise<void> {
  const { output, signals, quit, invocation } = context
  const server = await startServer(port ?? SERVE_PORT, context)
  try {
    await output.data(howToConnect(invocation, server.port))
    await interruptibly(signals, quit, async (signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      context.end(describeFailure(signal.reason).exit)
    })
  } finally {
    await server.close()
  }
}

async function startServer(port: number, { output, now }: CommandContext): Promise<Pop3Server> {
  let connections = 0
  try {
    return await listen({
      host: HOST,
      port,
      maildrops: ACCOUNTS.map(({ user, source }) => ({
        user,
        secret: SEED_PASSWORD,
        source: source(),
      })),
      personality: qpopper({ hostName: SEED_HOST, now, pid: () => ++connections }),
      onFault: (fault) => output.problem(describeFailure(fault).sentence),
    })
  } catch (error) {
    if (describeFailure(error).code !== 'EADDRINUSE') throw error
    throw new UsageError(`port ${port} is in use; choose another one by --port`, { cause: error })
  }
}

function taskOf(
  { name, user }: { readonly name: string; readonly user: string },
  port: number,
  location: ArchiveLocation,
): SyncTask {
  return {
    identity: { name, host: HOST, user },
    location,
    policy: KEEP_ALL,
    configured: new Set(ACCOUNTS.map((account) => account.name)),
    warning: undefined,
    prepare: async () => plainMaildrop({ port, user, password: SEED_PASSWORD }),
  }
}

async function list(location: ArchiveLocation, output: Output): Promise<readonly string[]> {
  const ids: string[] = []
  const reader = openReader(location)
  try {
    for (const message of reader.list()) {
      ids.push(message.id.slice(0, 8))
      await output.data(messageLine(message, output.stdout.columns))
    }
  } finally {
    reader.close()
  }
  return ids
}

function whatNext(
  invocation: string,
  location: ArchiveLocation,
  [newest = '', ...older]: readonly string[],
): string {
  const archive = `--archive ${formatLocation(location)}`
  const oldest = older.at(-1) ?? newest
  return `
It is one file, ${location.path}. Try next:

  ${invocation} show ${newest} ${archive}
  ${invocation} show ${oldest} --raw ${archive}
  ${invocation} export ${join(dirname(location.path), 'eml')} ${archive}
  ${invocation} verify ${archive}

Then your own mail. It asks for the password, and deletes nothing on the server:

  ${invocation} sync pops://me%40example.com@pop.example.com --archive sqlite:~/Mail/popkeep.sqlite
`
}

function howToConnect(invocation: string, port: number): string {
  const sync = (user: string) =>
    `  ${invocation} sync pop://${user}@${HOST}:${port} --tls none --archive sqlite:demo.sqlite`
  return `A POP3 server is listening on ${HOST}:${port}; Ctrl-C ends it. By hand, as in 1997:

  telnet ${HOST} ${port}
  user ${SEED_USER}
  pass ${SEED_PASSWORD}
  stat
  list
  retr 4
  quit

By popkeep, with the same password; the second maildrop has mail of today:

${sync(SEED_USER)}
${sync('paul%40example.org')}
`
}
