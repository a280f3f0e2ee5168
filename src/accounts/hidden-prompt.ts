/** Asks a person for a secret, without echo. */
import { openSync, writeSync } from 'node:fs'
import { ReadStream } from 'node:tty'

import { SecretError } from './errors.ts'

/** What is needed of a terminal. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream & { setRawMode(isRaw: boolean): unknown }
  readonly output: { write(text: string): unknown }
  /** Does what Ctrl-C does: in raw mode it is a key, and the system sends no signal. */
  interrupt(): void
  close(): void
}

/**
 * The terminal of this process, even if its standard streams are redirected; undefined if it has none, as under cron.
 * The caller closes it.
 */
export function openTerminal(): Terminal | undefined {
  const interrupt = () => void process.emit('SIGINT')
  if (process.platform === 'win32') {
    const { stdin, stderr } = process
    if (!stdin.isTTY) return undefined
    return { input: stdin, output: stderr, interrupt, close: () => stdin.pause() }
  }
  let descriptor: number
  try {
    descriptor = openSync('/dev/tty', 'r+')
  } catch {
    // ENXIO and its like: nobody is there to be asked, which is no failure.
    return undefined
  }
  const input = new ReadStream(descriptor)
  // The question goes to the terminal as well, since stdout is data and stderr may be a log.
  const output = { write: (text: string) => writeSync(descriptor, text) }
  return { input, output, interrupt, close: () => input.destroy() }
}

/**
 * Asks `question` and reads one line that is not shown. Backspace and Ctrl-U work. Ctrl-C interrupts, and whoever hears
 * that aborts `signal`.
 *
 * Throws SecretError on Ctrl-D or if the terminal goes away, and the signal's reason; its mode is set back first.
 */
export async function askHidden(
  question: string,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted()
  const { input, output } = terminal
  input.setRawMode(true)
  output.write(question)
  try {
    return await readLine(terminal, signal)
  } finally {
    input.setRawMode(false)
    output.write('\n')
  }
}

/** By events: iterating would destroy the stream before its mode is set back. */
function readLine({ input, interrupt }: Terminal, signal: AbortSignal): Promise<string> {
  const decoder = new TextDecoder()
  let line = ''
  return new Promise((resolve, reject) => {
    const onData = (chunk: Uint8Array | string) => {
      const keys = typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
      for (const key of keys) {
        if (key === '\r' || key === '\n') return settle(() => resolve(line))
        if (key === '\x04') return settle(() => reject(new SecretError('no password was typed')))
        if (key === '\x03') interrupt()
        else line = edited(line, key)
      }
    }
    const onEnd = () => settle(() => reject(new SecretError('the terminal was closed')))
    const onAbort = () => settle(() => reject(signal.reason))
    const settle = (how: () => void) => {
      input.pause()
      input.off('data', onData).off('end', onEnd).off('error', onEnd)
      signal.removeEventListener('abort', onAbort)
      how()
    }
    input.on('data', onData).on('end', onEnd).on('error', onEnd)
    signal.addEventListener('abort', onAbort)
  })
}

function edited(line: string, key: string): string {
  if (key === '\x7f' || key === '\b') return [...line].slice(0, -1).join('')
  return key === '\x15' ? '' : line + key
}
