import type { Writable } from 'node:stream'
import { jsonLine, safe } from './safe.ts'

/** A standard stream: a terminal, a pipe or a file. */
export type Stream = Writable & { readonly isTTY?: boolean; readonly columns?: number }

/** The reader of stdout went away (`popkeep list | head`): nothing more to do, and nothing to complain about. */
export class ClosedPipeError extends Error {
  override readonly name = 'ClosedPipeError'
  readonly code = 'CLOSED_PIPE'
}

/** stdout carries data, stderr talk. Nothing else in the program writes to either. */
export class Output {
  readonly stdout: Stream
  readonly stderr: Stream
  #isClosed = false

  constructor(stdout: Stream, stderr: Stream) {
    this.stdout = stdout
    this.stderr = stderr
    stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      this.#isClosed = true
    })
    // Nobody is left to hear it; the exit code still tells.
    stderr.on('error', () => undefined)
  }

  /**
   * Writes data, and waits while the reader is slower than we are. The text must be safe already.
   * Throws ClosedPipeError once nobody reads any more.
   */
  async data(chunk: string | Uint8Array): Promise<void> {
    if (this.#isClosed) throw new ClosedPipeError()
    if (this.stdout.write(chunk)) return
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        this.stdout.off('drain', settle).off('error', settle).off('close', settle)
        resolve()
      }
      this.stdout.on('drain', settle).on('error', settle).on('close', settle)
    })
    if (this.#isClosed) throw new ClosedPipeError()
  }

  /** Writes one object a line, without waiting. A sync goes on though its events are no longer read. */
  event(value: object): void {
    this.lines(jsonLine(value))
  }

  /** Writes whole lines without waiting. They must be safe already. */
  lines(text: string): void {
    if (!this.#isClosed) this.stdout.write(text)
  }

  /** Says one line to the person at the terminal. */
  talk(line: string): void {
    this.stderr.write(`${line}\n`)
  }

  /** Says what went wrong, in one line that begins with the program's name as cron mail wants it. */
  problem(sentence: string): void {
    this.talk(`popkeep: ${safe(sentence)}`)
  }

  /** Says several problems, a line each. What stands after an empty line only illustrates them. */
  problems(text: string): void {
    const [lines = '', ...frames] = text.split('\n\n')
    for (const line of lines.split('\n')) this.problem(line)
    for (const line of frames.flatMap((frame) => frame.split('\n'))) this.talk(safe(line))
  }
}
