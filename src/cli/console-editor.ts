/**
 * The line that a person types, with editing and history, its secrets shown as asterisks.
 *
 * node:readline keeps the text and knows the keys; what it would write on the screen goes nowhere. The screen gets our
 * own picture of the line after each key, in which a secret never is.
 */
import {
  clearScreenDown,
  createInterface,
  cursorTo,
  type Interface,
  moveCursor,
} from 'node:readline'
import { Writable } from 'node:stream'
import { secretStart } from '../pop3/typed.ts'
import { textWidth } from './columns.ts'
import type { Keyboard } from './console-script.ts'
import type { Stream } from './output.ts'
import { safe } from './safe.ts'

const HISTORY_LINES = 200
const COLUMNS = 80
/** What the end of the input means, for the picture of the session to be whole. */
const QUIT = 'quit'

export interface EditorOptions {
  /** A terminal. */
  readonly input: NodeJS.ReadableStream
  /** Where the person sees it; undefined if that is nowhere. */
  readonly screen: Stream | undefined
  /** Ctrl-C, which is a key in raw mode. */
  interrupt(): void
}

/** Reads from a terminal. What is typed ahead waits unseen until it is asked for. */
export class LineEditor implements Keyboard {
  readonly #screen: Stream | undefined
  readonly #readline: Interface
  readonly #release: () => void
  readonly #typedAhead: string[] = []
  #asked: ((line: string | undefined) => void) | undefined
  #isAnswer = false
  /** The line held a secret, and may still hold it though its keyword was edited away. */
  #heldSecret = false
  #isClosed = false
  /** Row of the cursor below the first row of the picture. */
  #cursorRow = 0
  #isPictured = false
  #isAside = false

  constructor({ input, screen, interrupt }: EditorOptions) {
    this.#screen = screen
    this.#readline = createInterface({
      input,
      output: new Writable({ write: (_chunk, _encoding, done) => done() }),
      terminal: true,
      historySize: HISTORY_LINES,
      removeHistoryDuplicates: true,
    })
    this.#readline
      .on('line', (line) => this.#entered(line))
      .on('history', (history: string[]) => this.#forget(history))
      .on('SIGINT', interrupt)
      // Ctrl-Z does nothing. Where no shell stands behind us it would stop nothing, but bring back the echo.
      .on('SIGTSTP', () => undefined)
      .on('close', () => this.#end())
    // Behind the listener of readline: the key has had its effect.
    const draw = (): void => this.#draw()
    input.on('keypress', draw)
    this.#release = () => input.off('keypress', draw)
  }

  read(isAnswer: boolean): Promise<string | undefined> {
    this.#isAnswer = isAnswer
    const line = this.#typedAhead.shift()
    if (line !== undefined) {
      this.#write(`${this.#masked(line)}\n`)
      return Promise.resolve(line)
    }
    if (this.#isClosed) {
      this.#leave(QUIT)
      return Promise.resolve(undefined)
    }
    return new Promise((resolve) => {
      this.#asked = resolve
      this.#draw()
    })
  }

  async aside(write: () => Promise<void>): Promise<void> {
    this.#erase()
    this.#isAside = true
    await write()
    this.#isAside = false
    this.#draw()
  }

  close(): void {
    this.#asked = undefined
    if (this.#readline.line === '') this.#erase()
    else if (this.#isPictured) this.#leave(this.#masked(this.#readline.line))
    this.#release()
    this.#readline.close()
  }

  #entered(line: string): void {
    const asked = this.#asked
    if (!asked) {
      this.#typedAhead.push(line)
      return
    }
    if (line.trim() === '' && !this.#isAnswer) return
    this.#asked = undefined
    this.#leave(this.#masked(line))
    this.#heldSecret = false
    asked(line)
  }

  /** Ctrl-D, or the terminal is gone. */
  #end(): void {
    this.#isClosed = true
    const asked = this.#asked
    if (!asked) return
    this.#asked = undefined
    this.#leave(QUIT)
    asked(undefined)
  }

  /** Keeps out of the history what is secret, and what was typed ahead: it may be an answer to a challenge. */
  #forget(history: string[]): void {
    const { line } = this.#readline
    const isSecret = this.#isAnswer || this.#heldSecret || secretStart(line) !== undefined
    if ((isSecret || !this.#asked) && history[0] === line) history.shift()
  }

  /** Draws the line and puts the cursor in its place. Nothing while the server has the screen. */
  #draw(): void {
    if (!this.#asked || this.#isAside || !this.#screen) return
    const { line, cursor } = this.#readline
    if (line === '') this.#heldSecret = false
    else if (secretStart(line) !== undefined) this.#heldSecret = true
    const columns = this.#screen.columns || COLUMNS
    const picture = this.#masked(line)
    const width = textWidth(picture)
    const before = textWidth(this.#masked(line, cursor))
    this.#erase()
    // At the right edge a terminal waits with the line break until one more character comes.
    this.#write(width > 0 && width % columns === 0 ? `${picture} ` : picture)
    cursorTo(this.#screen, before % columns)
    this.#cursorRow = Math.floor(before / columns)
    moveCursor(this.#screen, 0, this.#cursorRow - Math.floor(width / columns))
    this.#isPictured = true
  }

  /** Writes the final form of the line in place of its picture. */
  #leave(line: string): void {
    this.#erase()
    this.#write(`${line}\n`)
  }

  #erase(): void {
    if (!this.#screen || !this.#isPictured) return
    cursorTo(this.#screen, 0)
    moveCursor(this.#screen, 0, -this.#cursorRow)
    clearScreenDown(this.#screen)
    this.#cursorRow = 0
    this.#isPictured = false
  }

  /** The line up to `end` as it may be seen. */
  #masked(line: string, end = line.length): string {
    const hidden = this.#isAnswer ? 0 : secretStart(line)
    const start = Math.min(hidden ?? (this.#heldSecret ? 0 : end), end)
    return safe(line.slice(0, start)) + '*'.repeat([...line.slice(start, end)].length)
  }

  #write(text: string): void {
    this.#screen?.write(text)
  }
}
