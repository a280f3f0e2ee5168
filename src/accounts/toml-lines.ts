/**
 * Finds the lines on which a TOML document says things: the parser gives values without their places.
 *
 * It reads documents that the parser took, so it only has to tell keys from values; on others it ends early.
 */

/** A key from the root: names of tables and keys, and positions in arrays. */
export type KeyPath = readonly (string | number)[]

/** The line of the key at `path`, counted from 1; failing that, of its nearest parent. Undefined if none is there. */
export function lineOfKey(lines: ReadonlyMap<string, number>, path: KeyPath): number | undefined {
  for (let depth = path.length; depth > 0; depth--) {
    const line = lines.get(JSON.stringify(path.slice(0, depth)))
    if (line !== undefined) return line
  }
  return undefined
}

/** The first line of each key and each table of a document, by JSON.stringify of its path. */
export function keyLines(toml: string): ReadonlyMap<string, number> {
  const scanner = new Scanner(toml)
  scanner.document()
  return scanner.lines
}

const BARE_KEY = /[A-Za-z0-9_-]+/y
const BLANK = /[ \t]+/y
// White space, line ends and comments, as they may stand between statements and in arrays.
const FILLER = /(?:[ \t\r\n]|#[^\n]*)+/y
const STRINGS = [
  /"""(?:[^\\"]|\\[\s\S]|"(?!""))*"{3,5}/y,
  /'''(?:[^']|'(?!''))*'{3,5}/y,
  /"(?:[^"\\\n]|\\.)*"/y,
  /'[^'\n]*'/y,
]
// Numbers, dates and booleans: all that ends at a delimiter.
const OTHER_VALUE = /[^,\]}#\n]+/y

class Scanner {
  readonly lines = new Map<string, number>()
  readonly #toml: string
  #at = 0
  // The line of #countedTo, so that counting goes over the text only once.
  #line = 1
  #countedTo = 0

  constructor(toml: string) {
    this.#toml = toml
  }

  document(): void {
    let table: KeyPath = []
    const elements = new Map<string, number>()
    for (this.#take(FILLER); this.#at < this.#toml.length; this.#take(FILLER)) {
      const before = this.#at
      const header = /\[\[?/y
      const bracket = this.#take(header)
      if (bracket === '') {
        this.#pair(table)
      } else {
        table = this.#key([], bracket === '[[' ? elements : undefined)
        this.#take(/\]\]?/y)
      }
      if (this.#at === before) return
    }
  }

  #pair(table: KeyPath): void {
    const path = this.#key(table)
    this.#take(BLANK)
    if (this.#take(/=/y) === '') return
    this.#take(BLANK)
    this.#value(path)
  }

  /** Reads a dotted key and notes the line of each of its steps. `elements` counts the tables of an array. */
  #key(table: KeyPath, elements?: Map<string, number>): KeyPath {
    let path = table
    do {
      this.#take(BLANK)
      const line = this.#lineHere()
      const step = this.#take(BARE_KEY) || unquote(this.#string())
      path = [...path, step]
      this.#note(path, line)
      this.#take(BLANK)
    } while (this.#take(/\./y) !== '')
    if (elements === undefined) return path
    const key = JSON.stringify(path)
    const position = elements.get(key) ?? 0
    elements.set(key, position + 1)
    const element = [...path, position]
    this.#note(element, this.#lineHere())
    return element
  }

  #value(path: KeyPath): void {
    if (this.#take(/\{/y) !== '') {
      this.#list(/\}/y, () => this.#pair(path))
    } else if (this.#take(/\[/y) !== '') {
      let position = 0
      this.#list(/\]/y, () => {
        const element = [...path, position++]
        this.#note(element, this.#lineHere())
        this.#value(element)
      })
    } else if (this.#string() === '') {
      this.#take(OTHER_VALUE)
    }
  }

  #list(end: RegExp, item: () => void): void {
    for (;;) {
      this.#take(FILLER)
      if (this.#take(end) !== '' || this.#at >= this.#toml.length) return
      const before = this.#at
      item()
      this.#take(FILLER)
      this.#take(/,/y)
      if (this.#at === before) return
    }
  }

  #string(): string {
    for (const kind of STRINGS) {
      const text = this.#take(kind)
      if (text !== '') return text
    }
    return ''
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const taken = pattern.exec(this.#toml)?.[0] ?? ''
    this.#at += taken.length
    return taken
  }

  #note(path: KeyPath, line: number): void {
    const key = JSON.stringify(path)
    if (!this.lines.has(key)) this.lines.set(key, line)
  }

  #lineHere(): number {
    for (; this.#countedTo < this.#at; this.#countedTo++) {
      if (this.#toml.charCodeAt(this.#countedTo) === 0x0a) this.#line++
    }
    return this.#line
  }
}

/** The text of a quoted key. Keys are short and rarely quoted, so JSON's escapes do for TOML's. */
function unquote(quoted: string): string {
  if (!quoted.startsWith('"')) return quoted.slice(1, -1)
  try {
    return JSON.parse(quoted) as string
  } catch {
    // \U00000041 and \e are TOML's alone: the key keeps its spelling, and only loses its line.
    return quoted.slice(1, -1)
  }
}
