import { createInterface, type Interface } from 'node:readline'
import { openBrowser } from '../accounts/oauth-browser.ts'
import type { LoginTalk } from '../accounts/oauth-login.ts'
import type { CommandContext } from './context.ts'
import { safe } from './safe.ts'

/** How `login` speaks with a person: on stderr, and from stdin, which may be a pipe. */
export class LoginConversation implements LoginTalk {
  readonly #context: CommandContext
  readonly #mayOpen: boolean
  #lines:
    | { readonly reader: Interface; readonly next: () => Promise<string | undefined> }
    | undefined

  constructor(context: CommandContext, options: { readonly mayOpen: boolean }) {
    this.#context = context
    this.#mayOpen = options.mayOpen
  }

  say(line: string): void {
    this.#context.output.talk(safe(line))
  }

  open(url: string): void {
    if (this.#mayOpen) openBrowser(url, { env: this.#context.env })
  }

  async ask(question: string, signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted()
    this.#lines ??= this.#read()
    const { reader, next } = this.#lines
    reader.setPrompt(question)
    reader.prompt()
    const onAbort = () => reader.close()
    signal.addEventListener('abort', onAbort)
    try {
      const line = await next()
      signal.throwIfAborted()
      return line
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Gives stdin back. */
  close(): void {
    this.#lines?.reader.close()
  }

  /**
   * By readline, since a terminal by itself cuts lines at 4,095 octets, and URLs with codes may be longer. One for all
   * questions: it may have read ahead.
   */
  #read() {
    const { stdin: input, output } = this.#context
    const terminal = input.isTTY === true
    const reader = createInterface({ input, output: output.stderr, terminal })
    // In raw mode Ctrl-C is a key.
    reader.on('SIGINT', () => void process.emit('SIGINT'))
    const lines = reader[Symbol.asyncIterator]()
    const next = async () => {
      const { done, value } = await lines.next()
      return done === true ? undefined : value
    }
    return { reader, next }
  }
}
