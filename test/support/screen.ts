import { Writable } from 'node:stream'

/** A terminal as a person sees it: the few controls that our own programs use, and a list of all it was ever shown. */
export class Screen extends Writable {
  readonly isTTY = true
  readonly columns: number
  /** Everything that was written, control sequences included. */
  raw = ''
  readonly #rows: string[][] = [[]]
  #row = 0
  #column = 0

  constructor(columns = 80) {
    super({ decodeStrings: false })
    this.columns = columns
  }

  /** The rows without trailing blanks, and without empty ones at the end. */
  get text(): string {
    const rows = this.#rows.map((row) => row.join('').trimEnd())
    return rows.join('\n').trimEnd()
  }

  get cursor(): readonly [row: number, column: number] {
    return [this.#row, this.#column]
  }

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    const text = chunk.toString()
    this.raw += text
    const pieces = /\x1b\[(\d*)(?:;\d+)?([A-Z])|([^\x1b])/gsu
    for (const [, count, control, character] of text.matchAll(pieces)) {
      if (control !== undefined) this.#control(control, count === '' ? 1 : Number(count))
      else if (character !== undefined) this.#put(character)
    }
    done()
  }

  #control(control: string, count: number): void {
    if (control === 'A') this.#row = Math.max(0, this.#row - count)
    else if (control === 'B') this.#row += count
    else if (control === 'C') this.#column += count
    else if (control === 'D') this.#column = Math.max(0, this.#column - count)
    else if (control === 'G') this.#column = count - 1
    else if (control === 'J') {
      this.#rows.length = this.#row + 1
      this.#rows[this.#row]?.splice(this.#column)
    } else throw new Error(`unknown control ${control}`)
  }

  #put(character: string): void {
    if (character === '\r') this.#column = 0
    else if (character === '\n') this.#feed()
    else {
      // At the right edge the line break waits for the next character.
      if (this.#column === this.columns) this.#feed()
      const row = this.#rows[this.#row] ?? []
      this.#rows[this.#row] = row
      while (row.length < this.#column) row.push(' ')
      row[this.#column] = character
      this.#column += 1
    }
  }

  /** A terminal set to translate LF to CR LF. */
  #feed(): void {
    this.#column = 0
    this.#row += 1
    this.#rows[this.#row] ??= []
  }
}
