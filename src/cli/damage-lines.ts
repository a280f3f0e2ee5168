import type { Output } from './output.ts'

/** So many lines of one kind are said; the rest are counted. */
const SHOWN = 20

/** So many digits tell messages apart, in one output as for `show`, but for chance. */
const DIGITS = 12

/** What is wrong with messages, a line each on stderr: short, and not thousands of them. */
export class DamageLines {
  readonly #output: Output
  readonly #more: string
  readonly #counts = new Map<string, number>()
  /** Ids by what was said for them. */
  readonly #named = new Map<string, string>()

  /** `more`: where the rest is to be found, as in "and 5 more (...)"; empty if nowhere else. */
  constructor(output: Output, more: string) {
    this.#output = output
    this.#more = more === '' ? '' : ` (${more})`
  }

  /** The first digits of an id; all of them where others of this output begin alike. */
  readonly name = (id: string): string => {
    const short = id.slice(0, DIGITS)
    const first = this.#named.get(short)
    if (first === undefined) this.#named.set(short, id)
    return first === undefined || first === id ? short : id
  }

  /** Says one line of this kind, if there were not too many of it. */
  say(kind: string, sentence: (name: (id: string) => string) => string): void {
    const count = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, count)
    if (count <= SHOWN) this.#output.problem(sentence(this.name))
  }

  /** Says how many of each kind were not said. `subject` is the archive or account; `words` are those for a kind. */
  close(subject: string, words: (kind: string) => string): void {
    for (const [kind, count] of this.#counts) {
      if (count <= SHOWN) continue
      const rest = (count - SHOWN).toLocaleString('en-US')
      this.#output.problem(`${subject}: and ${rest} more ${words(kind)}${this.#more}`)
    }
    this.#counts.clear()
  }
}
