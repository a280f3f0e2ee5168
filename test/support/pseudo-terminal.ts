import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'

/** Whether pseudo-terminals can be made here; tests that need one are skipped where not. */
export const hasPseudoTerminal = ((): boolean => {
  try {
    execFileSync('python3', ['-c', 'import pty'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

// Node has no pty of its own. The child becomes the leader of a session with the new terminal.
const RELAY = `
import os, pty, select, sys
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
sources = [0, terminal]
while True:
    ready, _, _ = select.select(sources, [], [])
    if terminal in ready:
        try:
            octets = os.read(terminal, 65536)
        except OSError:
            break
        if not octets:
            break
        os.write(1, octets)
    if 0 in ready:
        octets = os.read(0, 65536)
        if octets:
            os.write(terminal, octets)
        else:
            sources.remove(0)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.exit(status if status >= 0 else 128 - status)
`

/** A program at a terminal, and whoever sits there. */
export class PseudoTerminal implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>
  #shown = ''
  #read = 0
  #hasEnded = false
  #wake: () => void = () => undefined

  /** Starts the program; its whole environment is `env`. */
  constructor(
    command: readonly string[],
    options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  ) {
    const child = spawn('python3', ['-c', RELAY, ...command], { ...options, timeout: 100_000 })
    this.#child = child
    child.stdout.on('data', (octets: Buffer) => {
      this.#shown += octets.toString('utf8')
      this.#wake()
    })
    child.stdin.on('error', () => undefined)
    this.#ended = once(child, 'close').then(([code]) => {
      this.#hasEnded = true
      this.#wake()
      return code as number | null
    })
  }

  /** All that was shown so far, echo and control sequences included. */
  get shown(): string {
    return this.#shown
  }

  /** Waits until `text` is shown behind what earlier calls waited for. */
  async until(text: string): Promise<void> {
    for (;;) {
      const at = this.#shown.indexOf(text, this.#read)
      if (at >= 0) {
        this.#read = at + text.length
        return
      }
      if (this.#hasEnded) throw new Error(`ended without ${JSON.stringify(text)}:\n${this.#shown}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Waits for `question`, then types the answer and Return. */
  async answer(question: string, answer: string): Promise<void> {
    await this.until(question)
    this.type(`${answer}\r`)
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys)
  }

  /** The exit code; 128 and the signal's number if one ended it. */
  ended(): Promise<number | null> {
    return this.#ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) this.#child.kill('SIGKILL')
    await this.#ended
  }
}
