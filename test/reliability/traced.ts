/**
 * Runs the built command with strace on the threads that write to the archive, and reads what strace wrote: the writer's, and
 * the one of Node's pool, which syncs files for it.
 *
 * Three traps. `when=N` counts for each thread and each syscall by itself, and the main thread makes many of the same
 * calls: so each of the two has a strace of its own, and one of these injects. With --seccomp-bpf a signal is never injected,
 * and nothing says so. A signal lands before the call, which then does not happen.
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

/** A thread that is traced; `main` are all threads of the program. */
export type TracedThread = 'main' | 'writer' | 'pool'

/** One call of a traced thread. */
export interface TracedCall {
  readonly thread: TracedThread
  /** As the system numbers threads; 0 where just one was traced. */
  readonly id: number
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
  readonly thread: TracedThread
  readonly name: string
  readonly ordinal: number
  readonly fault: `signal=${string}` | `error=${string}`
}

export interface TraceOptions {
  /** Those that write, or all (then nothing is injected: the count would be of no use). */
  readonly threads: 'writing' | 'all'
  readonly injection?: Injection | undefined
}

/** Of the program, and of its threads; `pool` is undefined where the main one is held. */
export interface HeldIds {
  readonly process: number
  readonly held: number
  readonly pool: number | undefined
}

/** Runs the program; one of its threads waits, before it has opened a file of the archive, until `whileHeld` is done. */
export async function runHeld(
  options: LaunchOptions,
  held: 'main' | 'writer',
  whileHeld: (ids: HeldIds) => Promise<void>,
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
  let said = ''
  channel.on('data', (octets: Buffer) => {
    said += octets.toString()
    const idOf = (who: string) => {
      const id = new RegExp(`^${who} (\\d+)\n`, 'm').exec(said)?.[1]
      return id === undefined ? undefined : Number(id)
    }
    const [heldId, pool] = [idOf('held'), idOf('pool')]
    if (heldId === undefined || (held === 'writer' && pool === undefined)) return
    said = ''
    whileHeld({ process: child.pid ?? 0, held: heldId, pool }).then(
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
  let tracers: readonly Tracer[] = []
  const trace = (thread: TracedThread, id: number) =>
    attach({ thread, id, folder: options.home, injection })
  const finished = await runHeld(
    options,
    threads === 'all' ? 'main' : 'writer',
    async ({ held, pool }) => {
      tracers =
        pool === undefined ? [trace('main', held)] : [trace('writer', held), trace('pool', pool)]
      await Promise.all(tracers.map(({ begun }) => begun))
    },
  )
  if (tracers.length === 0) throw new Error(`no thread was traced: ${finished.stderr}`)
  await Promise.all(tracers.map(({ begun }) => begun))
  await Promise.all(tracers.map(({ ended }) => ended))
  const calls = tracers.flatMap(({ thread, log }) => readCalls(thread, readFileSync(log, 'utf8')))
  return { finished, calls: calls.toSorted((one, other) => one.ms - other.ms) }
}

interface Tracer {
  readonly thread: TracedThread
  readonly log: string
  readonly begun: Promise<void>
  readonly ended: Promise<unknown>
}

function attach(options: {
  readonly thread: TracedThread
  readonly id: number
  readonly folder: string
  readonly injection: Injection | undefined
}): Tracer {
  const { thread, id, folder, injection } = options
  const log = join(folder, `strace-${thread}.log`)
  const words = ['-p', String(id), '-o', log, '-y', '-ttt', '-s', '0', '-e', 'signal=none']
  if (thread === 'main') words.push('-f')
  words.push('-e', `trace=${WRITING_CALLS.map((name) => `?${name}`).join(',')}`)
  if (injection?.thread === thread) {
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
  return { thread, log, begun, ended }
}

/** Lines begin with the thread's id where several were followed. */
function readCalls(thread: TracedThread, log: string): readonly TracedCall[] {
  const seen = new Map<string, number>()
  return log.split('\n').flatMap((text) => {
    const [, number = 0, seconds, name] = /^(?:(\d+) +)?(\d+\.\d+) (\w+)\(/.exec(text) ?? []
    if (name === undefined) return []
    const id = Number(number)
    const ordinal = (seen.get(`${id} ${name}`) ?? 0) + 1
    seen.set(`${id} ${name}`, ordinal)
    return [{ thread, id, name, ordinal, ms: Number(seconds) * 1000, text }]
  })
}

/** Whether the call is on a path below `folder` and, where it opens, creates. */
export function isBelow({ name, text }: TracedCall, folder: string): boolean {
  return text.includes(`${folder}/`) && (!name.startsWith('open') || text.includes('O_CREAT'))
}
