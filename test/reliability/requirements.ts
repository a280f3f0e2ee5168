/** What the machine must offer for these tests. Where it does not, they are skipped, and say why. */
import { spawnSync } from 'node:child_process'

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
  // Containers and hardened kernels let one start strace, and refuse the attaching. Its first word ends the process, and that
  // ends strace; how long it takes to say one is the machine's affair.
  const script =
    'sleep 60 & strace -p $! -e trace=none 2>&1 | while read -r said; do echo "$said"; kill $!; done'
  const { error, stdout } = spawnSync('sh', ['-c', script], { encoding: 'utf8', timeout: 60_000 })
  if (error) return error.message
  return / attached/.test(stdout) ? undefined : `strace cannot be attached: ${stdout.trim()}`
}
