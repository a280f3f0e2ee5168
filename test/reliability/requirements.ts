/** What the machine must offer for these tests. Where it does not, they are skipped, and say why. */
import { spawn, spawnSync } from 'node:child_process'

/**
 * True where tests are to be skipped for `problem`, which is then said. With `variable`=1 in the environment they are not
 * skipped, and fail. CI does not ask for that: a machine without mount rights or strace is no fault of a change, and its log
 * says in words what was skipped.
 */
export function isSkipped(tests: string, problem: string | undefined, variable: string): boolean {
  if (problem === undefined || process.env[variable] === '1') return false
  console.warn(`${tests}: skipped. ${problem}`)
  return true
}

/** Why strace cannot be attached to a process of ours; undefined where it can. */
export function straceProblem(): string | undefined {
  if (process.platform !== 'linux') return 'strace is a program of Linux.'
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  try {
    // Containers and hardened kernels let one start strace, and refuse the attaching. timeout ends it by SIGTERM.
    const words = ['1', 'strace', '-p', String(child.pid), '-e', 'trace=none']
    const { error, stderr } = spawnSync('timeout', words, { encoding: 'utf8' })
    if (error) return error.message
    return stderr.includes(' attached') ? undefined : `strace cannot be attached: ${stderr.trim()}`
  } finally {
    child.kill('SIGKILL')
  }
}
