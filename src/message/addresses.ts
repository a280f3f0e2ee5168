/** Address lists (RFC 5322 section 3.4), as people and programs write them. */
import { MAX_ADDRESSES, MAX_VALUE_OCTETS } from './limits.ts'

export interface Address {
  /** Empty if there is none. */
  readonly name: string
  /** `local@domain` as it stands there; empty where only a name does. */
  readonly address: string
}

/**
 * Reads an address list: a field body after unfolding, or what formatAddresses wrote.
 *
 * Takes anything and never throws; one pass, no backtracking. Groups are flattened, an empty one (such as
 * `undisclosed-recipients:;`) is a name without address; `;` separates too. A quote, comment or bracket without its end
 * is text. At most 64 Ki characters and 1,000 addresses are read. `decodeName` is applied to names only, after the list
 * was taken apart: an encoded word cannot forge an address.
 */
export function parseAddresses(text: string, decodeName = (name: string) => name): Address[] {
  return new AddressReader(withinBound(text), decodeName).read()
}

/** Cuts before the address that would be cut in two. */
function withinBound(text: string): string {
  if (text.length < MAX_VALUE_OCTETS) return text
  const comma = text.lastIndexOf(',', MAX_VALUE_OCTETS)
  return text.slice(0, comma < 0 ? MAX_VALUE_OCTETS : comma)
}

// `Name <local@domain>` or `local@domain`, of letters and digits mostly. Nothing in it separates but what separates items, so
// an item that does not match is tried again once at most.
const PLAIN = String.raw`(?:[A-Za-z0-9]+(?: [A-Za-z0-9]+)* <[\w.+-]+@[\w.-]+>|[\w.+-]+@[\w.-]+)`
const PLAIN_LIST = new RegExp(`^${PLAIN}(?:, ${PLAIN})*$`)
// Fewer than MAX_ADDRESSES, then, and nothing that a pattern would take long for.
const PLAIN_LIST_CHARACTERS = 1000

/** Whether formatAddresses would write of this list what it is, as of most. False may be wrong: the list is to be read. */
export function isFormattedList(text: string): boolean {
  return text.length <= PLAIN_LIST_CHARACTERS && PLAIN_LIST.test(text)
}

/** Writes `Name <address>, ...` so that parseAddresses reads the same list again. */
export function formatAddresses(addresses: readonly Address[]): string {
  return addresses.map(formatAddress).join(', ')
}

function formatAddress({ name, address }: Address): string {
  if (name === '') return isBareAddress(address) ? address : `<${address}>`
  const phrase = isPlainPhrase(name, address !== '') ? name : quote(name)
  return address === '' ? phrase : `${phrase} <${address}>`
}

/** A single word that stands alone would be read as an address, an encoded word would be decoded again. */
function isPlainPhrase(name: string, hasAddress: boolean): boolean {
  if (name.includes('=?') || (!hasAddress && !name.includes(' '))) return false
  return /^[\p{L}\p{M}\p{N}!#$%&'*+\-/=?^_`{|}~.]+(?: [\p{L}\p{M}\p{N}!#$%&'*+\-/=?^_`{|}~.]+)*$/u.test(
    name,
  )
}

function isBareAddress(address: string): boolean {
  return /^[^\s"(),:;<>\\[\]]+$/.test(address) && !address.includes('=?')
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

// The whole word is one token, since its text may hold a comma that a careless program left bare.
const ENCODED_WORD = /=\?[^\s?]{1,80}\?[bq]\?[^?]*\?=/iy

const SPECIAL = /["(<>,;:[\\]|=\?|\s/g

class AddressReader {
  readonly #text: string
  readonly #decodeName: (name: string) => string
  readonly #found: Address[] = []
  // What was read of the present address.
  #words: { text: string; isQuoted: boolean }[] = []
  #comment = ''
  #angle: string | undefined
  #group: { name: string; members: number } | undefined
  // Closing characters that the rest of the text is known not to have.
  readonly #missing = new Set<string>()
  // The last word goes on: nothing separates it from what comes next.
  #isJoined = false

  constructor(text: string, decodeName: (name: string) => string) {
    this.#text = text
    this.#decodeName = decodeName
  }

  read(): Address[] {
    let at = 0
    while (at < this.#text.length && this.#found.length < MAX_ADDRESSES) at = this.#step(at)
    this.#finish()
    return this.#found
  }

  /** Reads one token at `at` and returns where the next one starts. */
  #step(at: number): number {
    const character = this.#text.charAt(at)
    switch (character) {
      case ',':
        this.#finish()
        return at + 1
      case ';':
        this.#finish()
        this.#endGroup()
        return at + 1
      case ':':
        this.#startGroup()
        return at + 1
      case '"':
        return this.#quoted(at)
      case '(':
        return this.#parenthesis(at)
      case '<':
        return this.#bracket(at)
      case '[':
        return this.#literal(at)
      case '\\':
        this.#add(this.#text.charAt(at + 1), true)
        return at + 2
      case '>':
        return at + 1
      default:
        return this.#plain(at)
    }
  }

  #plain(at: number): number {
    if (/\s/.test(this.#text.charAt(at))) {
      this.#isJoined = false
      return at + 1
    }
    if (this.#text.startsWith('=?', at)) {
      ENCODED_WORD.lastIndex = at
      const word = ENCODED_WORD.exec(this.#text)?.[0] ?? '=?'
      this.#add(word, false)
      return at + word.length
    }
    SPECIAL.lastIndex = at
    const end = SPECIAL.exec(this.#text)?.index ?? this.#text.length
    this.#add(this.#text.slice(at, end), false)
    return end
  }

  #quoted(at: number): number {
    let text = ''
    let from = at + 1
    const quoteEnd = /["\\]/g
    while (!this.#missing.has('"')) {
      quoteEnd.lastIndex = from
      const end = quoteEnd.exec(this.#text)?.index
      if (end === undefined) {
        this.#missing.add('"')
        break
      }
      text += this.#text.slice(from, end)
      if (this.#text.charAt(end) === '"') {
        this.#add(text, true)
        return end + 1
      }
      text += this.#text.charAt(end + 1)
      from = end + 2
    }
    return at + 1
  }

  #parenthesis(at: number): number {
    if (this.#missing.has(')')) return at + 1
    let depth = 1
    const mark = /[()\\]/g
    mark.lastIndex = at + 1
    for (let found = mark.exec(this.#text); found !== null; found = mark.exec(this.#text)) {
      if (found[0] === '\\') mark.lastIndex++
      else depth += found[0] === '(' ? 1 : -1
      if (depth > 0) continue
      this.#comment ||= this.#text.slice(at + 1, found.index)
      this.#isJoined = false
      return found.index + 1
    }
    // Every later parenthesis lacks its end too, or would have to be counted again from each start.
    this.#missing.add(')')
    return at + 1
  }

  #bracket(at: number): number {
    const end = this.#missing.has('>') ? -1 : this.#text.indexOf('>', at)
    if (end < 0) {
      this.#missing.add('>')
      return at + 1
    }
    // The last "<" counts: "<" in a careless name does not make the address longer.
    const start = this.#text.lastIndexOf('<', end)
    this.#isJoined = false
    if (start > at) {
      this.#add(this.#text.slice(at, start), true)
      this.#isJoined = false
    }
    this.#angle ??= this.#text.slice(start + 1, end).trim()
    return end + 1
  }

  #literal(at: number): number {
    const end = this.#missing.has(']') ? -1 : this.#text.indexOf(']', at)
    if (end < 0) this.#missing.add(']')
    this.#add(this.#text.slice(at, end < 0 ? at + 1 : end + 1), false)
    return end < 0 ? at + 1 : end + 1
  }

  #add(text: string, isQuoted: boolean): void {
    const last = this.#words.at(-1)
    if (!this.#isJoined || last === undefined) {
      this.#words.push({ text, isQuoted })
    } else if (last.isQuoted && !isQuoted && text.startsWith('@')) {
      // A quoted local part: "john doe"@example.com
      last.text = `${quote(last.text)}${text}`
      last.isQuoted = false
    } else {
      last.text += text
      last.isQuoted ||= isQuoted
    }
    this.#isJoined = true
  }

  #startGroup(): void {
    this.#group = { name: this.#phrase(this.#words.map((word) => word.text)), members: 0 }
    this.#clear()
  }

  #endGroup(): void {
    const group = this.#group
    this.#group = undefined
    if (group?.members === 0 && group.name !== '')
      this.#found.push({ name: group.name, address: '' })
  }

  #finish(): void {
    const words = this.#words
    const comment = this.#comment
    let address = this.#angle
    if (address === undefined) {
      const only = words.length === 1 ? words[0] : undefined
      const bare = words.findLast((word) => !word.isQuoted && word.text.includes('@')) ?? only
      if (bare !== undefined && !bare.isQuoted && !/=\?|[<>]/.test(bare.text)) {
        words.splice(words.indexOf(bare), 1)
        address = bare.text
      }
    }
    const name = this.#phrase(words.map((word) => word.text)) || this.#phrase([comment])
    this.#clear()
    if (name === '' && (address ?? '') === '') return
    if (this.#group !== undefined) this.#group.members++
    this.#found.push({ name, address: address ?? '' })
  }

  #phrase(words: readonly string[]): string {
    const phrase = words.join(' ').trim()
    return phrase === '' ? '' : this.#decodeName(phrase).trim()
  }

  #clear(): void {
    this.#words = []
    this.#comment = ''
    this.#angle = undefined
    this.#isJoined = false
  }
}
