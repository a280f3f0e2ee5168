/** Questions to a person at a terminal. */
import { createInterface } from 'node:readline/promises'
import { askHidden, openTerminal } from '../accounts/hidden-prompt.ts'
import type { CommandContext } from './context.ts'
import { InterruptedError } from './failure.ts'
import { safe } from './safe.ts'

/** What a dialogue is made of. What it says and asks may hold untrusted text; it is made safe here. */
export interface Asker {
  say(line: string): void
  /** The answer without blanks around it; if it is empty, `fallback`, which is shown in brackets. */
  line(question: string, fallback?: string): Promise<string>
  /** The same without echo, as it was typed; asked again while it is empty, unless that is an answer. */
  hidden(question: string, options?: { readonly mayBeEmpty: boolean }): Promise<string>
}

/**
 * Undefined where nobody can answer: stdin or stderr is no terminal. Ctrl-C does what it does elsewhere, and Ctrl-D ends
 * the dialogue alike; both throw InterruptedError, the former as the reason of `signal`.
 */
export function openAsker(
  { stdin, output }: Pick<CommandContext, 'stdin' | 'output'>,
  signal: AbortSignal,
): Asker | undefined {
  if (!stdin.isTTY || !output.stderr.isTTY) return undefined
  return {
    say: (line) => output.talk(safe(line)),
    async line(question, fallback) {
      const shown = fallback ? `${question} [${fallback}]` : question
      const answer = (await readLine(`${safe(shown)}: `, stdin, output.stderr, signal)).trim()
      return answer === '' ? (fallback ?? '') : answer
    },
    async hidden(question, { mayBeEmpty } = { mayBeEmpty: false }) {
      const terminal = openTerminal()
      if (terminal === undefined) throw new InterruptedError(130)
      try {
        for (;;) {
          const answer = await askHidden(`${safe(question)}: `, terminal, signal)
          if (answer !== '' || mayBeEmpty) return answer
        }
      } finally {
        terminal.close()
      }
    },
  }
}

async function readLine(
  question: string,
  stdin: CommandContext['stdin'],
  stderr: CommandContext['output']['stderr'],
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted()
  const lines = createInterface({ input: stdin, output: stderr, terminal: true, historySize: 0 })
  // In raw mode Ctrl-C is a key.
  lines.on('SIGINT', () => void process.emit('SIGINT'))
  try {
    const ended = new Promise<undefined>((resolve) => lines.once('close', () => resolve(undefined)))
    const answer = await Promise.race([lines.question(question, { signal }), ended])
    if (answer !== undefined) return answer
    stderr.write('\n')
    throw new InterruptedError(130)
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    lines.close()
  }
}

/** Asks until the answer is one of the numbers before the labels; returns its index. */
export async function choose(
  asker: Asker,
  question: string,
  labels: readonly string[],
  fallback = 0,
): Promise<number> {
  asker.say(question)
  labels.forEach((label, index) => {
    asker.say(`  ${index + 1}  ${label}`)
  })
  for (;;) {
    const answer = await asker.line('Choice', String(fallback + 1))
    const number = /^\d{1,2}$/.test(answer) ? Number(answer) : 0
    if (number >= 1 && number <= labels.length) return number - 1
    asker.say(`Type a number from 1 to ${labels.length}.`)
  }
}

/** Asks for yes or no. */
export async function confirm(asker: Asker, question: string, fallback: boolean): Promise<boolean> {
  for (;;) {
    const answer = await asker.line(`${question} (y/n)`, fallback ? 'y' : 'n')
    if (/^y(es)?$/i.test(answer)) return true
    if (/^no?$/i.test(answer)) return false
  }
}
