/** Runs the built command so that a test can stop, kill or trace it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Finished } from '../support/popkeep.ts'

const PROGRAM = join(import.meta.dirname, '../../bin/popkeep.js')

/** Against hangs. */
const TIMEOUT_MS = 90_000

export interface LaunchOptions {
  readonly args: readonly string[]
  /** HOME of the program. */
  readonly home: string
  /** Further modules for --import, loaded before the program. */
  readonly imports?: readonly string[]
  readonly requires?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Descriptor 3 of the program is a pipe, both ways. */
export interface Launched {
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
}

/** Starts the built command with one thread for node:fs and with the password that every test maildrop takes. */
export function launch({ args, home, imports = [], requires = [], env }: LaunchOptions): Launched {
  const options = [
    ...requires.map((path) => `--require=${path}`),
    ...imports.map((path) => `--import=${path}`),
  ]
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: home,
    env: {
      PATH: process.env.PATH,
      HOME: home,
      POPKEEP_PASSWORD: 'pw',
      UV_THREADPOOL_SIZE: '1',
      NODE_OPTIONS: options.join(' '),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  const finished = once(child, 'close').then(([code, signal]) => ({
    code,
    signal,
    stdout: Buffer.concat(stdout),
    stderr: Buffer.concat(stderr),
  }))
  return { child, finished }
}

/** The words of a sync from this test's server. */
export function syncWords(port: number, archive: string, mode: 'keep' | 'delete'): string[] {
  const words = ['sync', `pop://me@127.0.0.1:${port}`, '--tls', 'none', '--archive', archive]
  return mode === 'delete' ? [...words, '--delete'] : words
}

function collect(stream: NodeJS.ReadableStream | null): Buffer[] {
  const chunks: Buffer[] = []
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk))
  return chunks
}
