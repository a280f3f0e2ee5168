import { createInterface } from 'node:readline'

/** Where the lines of a session by hand come from. */
export interface Keyboard {
  /** The next line; undefined behind the last. `isAnswer`: it answers a SASL challenge, so that all of it is secret. */
  read(isAnswer: boolean): Promise<string | undefined>
  /** Runs `write`, which writes what the server said, with nothing of ours in its way. */
  aside(write: () => Promise<void>): Promise<void>
  /** Gives the terminal, or the pipe, back. Safe to call twice. */
  close(): void
}

/** Lines of a pipe or a file, in UTF-8. Empty ones are left out, but where a challenge waits for its answer. */
export function scriptKeyboard(stdin: NodeJS.ReadableStream): Keyboard {
  const script = createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY })
  const lines = script[Symbol.asyncIterator]()
  return {
    async read(isAnswer) {
      for (;;) {
        const { done, value } = await lines.next()
        if (done) return undefined
        if (isAnswer || value.trim() !== '') return value
      }
    },
    aside: (write) => write(),
    close: () => script.close(),
  }
}
