/** Runs the command that prints an account's secret. */
import { spawn } from 'node:child_process'

import { SecretError } from './errors.ts'
import { MAX_SECRET_OCTETS } from './limits.ts'

/**
 * Runs `command` and returns what it wrote to stdout, at most 64 KiB. An array runs without a shell, so nothing in it is
 * interpreted; a string is for the shell. stdin is ours, for a command that asks its own questions.
 *
 * Throws SecretError if it cannot be run, fails (with its status and the first line of its stderr), or takes longer
 * than `timeoutMs`; it is killed then.
 */
export function runSecretCommand(
  command: string | readonly string[],
  timeoutMs: number,
): Promise<string> {
  const isShell = typeof command === 'string'
  const [program = '', ...args] = isShell ? [command] : command
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { shell: isShell, stdio: ['inherit', 'pipe', 'pipe'] })
    const output = collect(child.stdout)
    const complaint = collect(child.stderr)
    const fail = (what: string, options?: ErrorOptions) => {
      clearTimeout(timer)
      reject(new SecretError(`the password command ${what}`, options))
    }
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      // A grandchild may hold the pipes open; we wait for it no longer.
      child.stdout.destroy()
      child.stderr.destroy()
      fail(`gave nothing within ${Math.ceil(timeoutMs / 1000)} s`)
    }, timeoutMs)
    child.once('error', (cause) => fail(`cannot be run: ${cause.message}`, { cause }))
    child.once('close', (status, signal) => {
      if (status === 0) {
        clearTimeout(timer)
        resolve(output())
        return
      }
      const end = status === null ? `was ended by ${signal}` : `left with status ${status}`
      const line = firstLine(complaint())
      fail(line === '' ? end : `${end}: ${line}`)
    })
  })
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

function firstLine(text: string): string {
  return (
    text
      .trim()
      .split(/[\r\n]/, 1)[0]
      ?.slice(0, 200) ?? ''
  )
}
