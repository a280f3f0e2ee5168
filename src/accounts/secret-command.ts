/** Runs the command that prints an account's password or token. */
import { type ChildProcess, spawn } from 'node:child_process'

import { SecretError } from './errors.ts'
import { COMMAND_GRACE_MS, MAX_SECRET_OCTETS } from './limits.ts'

export interface SecretCommandOptions {
  /** What the command is, for messages: "password command". */
  readonly what: string
  readonly timeoutMs: number
  /** Ends the command. */
  readonly signal?: AbortSignal | undefined
  /** How long the command may tidy up when it is ended. */
  readonly graceMs?: number | undefined
  /** Whether a person sits at our terminal; undefined: if stdin is one. */
  readonly isInteractive?: boolean | undefined
}

/**
 * Runs `command` and returns what it wrote to stdout, at most 64 KiB. An array runs without a shell, so nothing in it is
 * interpreted; a string is for the shell. stdin is ours, for a command that asks its own questions, and so is the
 * environment but for POPKEEP_PASSWORD and POPKEEP_PROXY_PASSWORD.
 *
 * It runs in a process group of its own, so that all it started can be ended with it. At a terminal it stays in ours:
 * programs such as ssh and sudo ask there only while it is theirs too, and Ctrl-C reaches all of them by itself.
 *
 * Throws SecretError if the command cannot be run, fails (with its status and the first line of its stderr, without what it
 * wrote to stdout), or takes longer than `timeoutMs`; throws the reason of `signal` if that aborts. Either way the command
 * is told to end, and killed if it does not, before this throws.
 */
export async function runSecretCommand(
  command: string | readonly string[],
  options: SecretCommandOptions,
): Promise<string> {
  const { what, timeoutMs, signal, graceMs = COMMAND_GRACE_MS } = options
  const { isInteractive = process.stdin.isTTY } = options
  signal?.throwIfAborted()
  const isShell = typeof command === 'string'
  const [program = '', ...args] = isShell ? [command] : command
  const hasGroup = !isInteractive && process.platform !== 'win32'
  const child = spawn(program, args, {
    shell: isShell,
    stdio: ['inherit', 'pipe', 'pipe'],
    detached: hasGroup,
    env: withoutPasswords(process.env),
  })
  const output = collect(child.stdout)
  const complaint = collect(child.stderr)
  const expiry = AbortSignal.timeout(timeoutMs)
  const stop = signal ? AbortSignal.any([signal, expiry]) : expiry
  const end = await endOf(child, { stop, graceMs, hasGroup })
  if (end.type === 'stopped') {
    signal?.throwIfAborted()
    throw new SecretError(`the ${what} gave nothing within ${Math.ceil(timeoutMs / 1000)} s`)
  }
  if (end.type === 'error') {
    throw new SecretError(`the ${what} cannot be run: ${end.cause.message}`, { cause: end.cause })
  }
  if (end.status === 0) return output()
  const how = end.status === null ? `was ended by ${end.by}` : `left with status ${end.status}`
  const line = withoutSecret(firstLine(complaint()), output()).slice(0, 200)
  throw new SecretError(line === '' ? `the ${what} ${how}` : `the ${what} ${how}: ${line}`)
}

/** The passwords given to us are nobody else's: others may see what a program has in its environment. */
function withoutPasswords(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { POPKEEP_PASSWORD: _, POPKEEP_PROXY_PASSWORD: __, ...rest } = env
  return rest
}

type CommandEnd =
  | { readonly type: 'left'; readonly status: number | null; readonly by: string | null }
  | { readonly type: 'error'; readonly cause: Error }
  | { readonly type: 'stopped' }

/** Waits for the end of a command, and ends it when `stop` aborts. */
function endOf(
  child: ChildProcess,
  how: { readonly stop: AbortSignal; readonly graceMs: number; readonly hasGroup: boolean },
): Promise<CommandEnd> {
  const { stop, graceMs, hasGroup } = how
  return new Promise((resolve) => {
    let grace: NodeJS.Timeout | undefined
    const settle = (end: CommandEnd) => {
      stop.removeEventListener('abort', onStop)
      clearTimeout(grace)
      resolve(stop.aborted ? { type: 'stopped' } : end)
    }
    const onStop = () => {
      kill(child, 'SIGTERM', hasGroup)
      grace = setTimeout(() => {
        kill(child, 'SIGKILL', hasGroup)
        // A grandchild may hold the pipes open, in a group of its own; we wait for it no longer.
        child.stdout?.destroy()
        child.stderr?.destroy()
        settle({ type: 'stopped' })
      }, graceMs)
    }
    stop.addEventListener('abort', onStop)
    child.once('error', (cause) => settle({ type: 'error', cause }))
    child.once('close', (status, by) => settle({ type: 'left', status, by }))
  })
}

function kill(child: ChildProcess, signal: NodeJS.Signals, hasGroup: boolean): void {
  if (child.pid === undefined) return
  try {
    if (hasGroup) process.kill(-child.pid, signal)
    else child.kill(signal)
  } catch (error) {
    // ESRCH: all of it has ended just now. EPERM: macOS says so of a group of zombies.
    if (!(error instanceof Error && 'code' in error)) throw error
    if (error.code !== 'ESRCH' && error.code !== 'EPERM') throw error
  }
}

/** Keeps the first MAX_SECRET_OCTETS of a stream, and lets the rest flow by so that the writer does not hang. */
function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = []
  let octets = 0
  stream.on('data', (chunk: Buffer) => {
    if (octets < MAX_SECRET_OCTETS) chunks.push(chunk.subarray(0, MAX_SECRET_OCTETS - octets))
    octets += chunk.length
  })
  return () => Buffer.concat(chunks).toString('utf8')
}

/** A shell that traces its commands (`set -x`) complains with the secret in it. */
function withoutSecret(complaint: string, output: string): string {
  const secret = firstLine(output)
  return secret === '' ? complaint : complaint.replaceAll(secret, '[redacted]')
}

function firstLine(text: string): string {
  return text.trim().split(/[\r\n]/, 1)[0] ?? ''
}
