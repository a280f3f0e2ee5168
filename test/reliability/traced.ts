/**
 * Runs the built command with strace on the thread that writes to the archive, and reads what strace wrote.
 *
 * Three traps. `when=N` counts for each thread and each syscall by itself, and the main thread makes many of the same
 * calls: so strace is attached to the writer's thread alone. With --seccomp-bpf a signal is never injected, and nothing
 * says so. A signal lands before the call, which then does not happen.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finished } from '../support/popkeep.ts'
import { type LaunchOptions, launch } from './program.ts'

const HOLD_THREAD = join(import.meta.dirname, 'hold-thread.cjs')

/** What writes, or makes something that is there afterwards. Opening counts only where it creates. */
const WRITING_CALLS = [
  'write',
  'writev',
  'pwrite64',
  'pwritev',
  'pwritev2',
  'fsync',
  'fdatasync',
  'sync_file_range',
  'syncfs',
  'ftruncate',
  'truncate',
  'fallocate',
  'rename',
  'renameat',
  'renameat2',
  'link',
  'linkat',
  'symlink',
  'unlink',
  'unlinkat',
  'rmdir',
  'mkdir',
  'mkdirat',
  'open',
  'openat',
] as const

/** One call of a traced thread. */
export interface TracedCall {
  readonly thread: number
  readonly name: string
  /** The how-manieth call of this name in the thread: what `when=` counts. */
  readonly ordinal: number
  /** When it began, in ms since the epoch. */
  readonly ms: number
  /** As strace has it, with the path of each descriptor. */
  readonly text: string
}

/** A fault at one call: a signal before it, or an error instead of it. */
export interface Injection {
  readonly name: string
  readonly ordinal: number
  readonly fault: `signal=${string}` | `error=${string}`
}

export interface TraceOptions {
  /** The writer's thread alone, or all threads (then nothing is injected: the count would be of no use). */
  readonly threads: 'writer' | 'all'
  readonly injection?: Injection | undefined
}

/** Runs the program; one of its threads waits, before it has opened a file of the archive, until `whileHeld` is done. */
export async function runHeld(
  options: LaunchOptions,
  held: 'main' | 'writer',
  whileHeld: (ids: { readonly process: number; readonly thread: number }) => Promise<void>,
): Promise<Finished> {
  const { child, finished } = launch({
    ...options,
    requires: [...(options.requires ?? []), HOLD_THREAD],
    env: { ...options.env, POPKEEP_TEST_HOLD: held },
  })
  const channel = child.stdio[3]
  if (!channel || !('write' in channel)) throw new Error('descriptor 3 is a pipe')
  // The program may be gone before it has read the answer.
  channel.on('error', () => undefined)
  channel.on('data', (said: Buffer) => {
    whileHeld({ process: child.pid ?? 0, thread: Number(said.toString()) }).then(
      () => channel.write('\n'),
      () => child.kill('SIGKILL'),
    )
  })
  return finished
}

/** Runs the program and returns the calls that were traced; without an injection it only watches. */
export async function runTraced(
  options: LaunchOptions,
  { threads, injection }: TraceOptions,
): Promise<{ readonly finished: Finished; readonly calls: readonly TracedCall[] }> {
  const log = join(options.home, 'strace.log')
  const follow = threads === 'all'
  let tracer: ReturnType<typeof attach> | undefined
  const finished = await runHeld(options, follow ? 'main' : 'writer', async ({ thread }) => {
    tracer = attach({ thread, log, injection, follow })
    await tracer.begun
  })
  if (tracer === undefined) throw new Error(`no thread was traced: ${finished.stderr}`)
  await tracer.begun
  await tracer.ended
  return { finished, calls: readCalls(readFileSync(log, 'utf8')) }
}

function attach(options: {
  readonly thread: number
  readonly log: string
  readonly injection: Injection | undefined
  readonly follow: boolean
}) {
  const { thread, log, injection, follow } = options
  const words = ['-p', String(thread), '-o', log, '-y', '-ttt', '-s', '0', '-e', 'signal=none']
  if (follow) words.push('-f')
  words.push('-e', `trace=${WRITING_CALLS.map((name) => `?${name}`).join(',')}`)
  if (injection) {
    words.push('-e', `inject=${injection.name}:${injection.fault}:when=${injection.ordinal}`)
  }
  const tracer = spawn('strace', words, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(tracer, 'close')
  const begun = new Promise<void>((resolve, reject) => {
    let said = ''
    tracer.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes(' attached')) resolve()
    })
    tracer.on('error', reject)
    tracer.on('close', () => reject(new Error(`strace ended: ${said}`)))
  })
  return { begun, ended }
}

/** Lines begin with the thread's id where several were followed. */
function readCalls(log: string): readonly TracedCall[] {
  const seen = new Map<string, number>()
  return log.split('\n').flatMap((text) => {
    const [, id, seconds, name] = /^(?:(\d+) +)?(\d+\.\d+) (\w+)\(/.exec(text) ?? []
    if (name === undefined) return []
    const thread = Number(id ?? 0)
    const ordinal = (seen.get(`${thread} ${name}`) ?? 0) + 1
    seen.set(`${thread} ${name}`, ordinal)
    return [{ thread, name, ordinal, ms: Number(seconds) * 1000, text }]
  })
}

/** Whether the call is on a path below `folder` and, where it opens, creates. */
export function isBelow({ name, text }: TracedCall, folder: string): boolean {
  return text.includes(`${folder}/`) && (!name.startsWith('open') || text.includes('O_CREAT'))
}
