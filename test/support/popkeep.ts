import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { temporaryFolder } from './temp.ts'

const PROGRAM = join(import.meta.dirname, '../../bin/popkeep.js')

/** The bound against hangs, not a speed limit. */
const TIMEOUT_MS = 100_000

export interface RunOptions {
  /** Added to a bare environment: nothing of the caller's but PATH is passed on. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** HOME, with all XDG folders below it; a fresh folder if not given. */
  readonly home?: string
  readonly input?: string | Uint8Array
  readonly timeoutMs?: number
}

/** How a process ended, and all it said. */
export interface Finished {
  /** Null if a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: Buffer
}

export interface Running {
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
}

/** Runs the built command to its end, without a shell and without a terminal. */
export function popkeep(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return startPopkeep(args, options).finished
}

/** Starts the built command, for tests that watch it or kill it. */
export function startPopkeep(args: readonly string[], options: RunOptions = {}): Running {
  const ownHome = options.home === undefined ? temporaryFolder('home') : undefined
  const home = options.home ?? ownHome?.path ?? ''
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: options.cwd ?? home,
    env: {
      PATH: process.env.PATH,
      HOME: home,
      XDG_CONFIG_HOME: join(home, '.config'),
      XDG_DATA_HOME: join(home, '.local/share'),
      XDG_STATE_HOME: join(home, '.local/state'),
      XDG_CACHE_HOME: join(home, '.cache'),
      ...options.env,
    },
    timeout: options.timeoutMs ?? TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  // It may end before it has read its input.
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input)
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  const finished = once(child, 'close').then(([code, signal]) => {
    ownHome?.remove()
    return { code, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) }
  })
  return { child, finished }
}

/** Resolves when the running command has printed so many lines on stdout that contain `text`; false if it ended before. */
export async function printed({ child }: Running, text: string, lines: number): Promise<boolean> {
  if (child.stdout === null) throw new Error('stdout is a pipe')
  let seen = 0
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes(text)) seen++
    if (seen === lines) break
  }
  // Leaving the loop paused the stream; the command would wait for its reader.
  child.stdout.resume()
  return seen === lines
}

function collect(stream: NodeJS.ReadableStream): Buffer[] {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return chunks
}
