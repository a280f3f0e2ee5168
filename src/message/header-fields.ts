/**
 * The header section of a message (RFC 5322 section 2.2): where it ends, and its fields.
 *
 * Field bodies are octet strings: one UTF-16 unit per octet (latin1), since their charset is known only later. Names come
 * from strangers, so fields live in a Map: a field called `__proto__` is a field like any other.
 */
import { MAX_FIELDS, MAX_HEADER_OCTETS, MAX_VALUE_OCTETS } from './limits.ts'

/** Bodies by lower-case field name, unfolded, in the order of the message. */
export type HeaderFields = ReadonlyMap<string, readonly string[]>

const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const TAB = 0x09

/**
 * Collects the header section from octets that come in any chunks, at most MAX_HEADER_OCTETS of it.
 *
 * The section ends after its first blank line: LF, CR LF, or the CR CR LF that some servers make of it. A view that was
 * written is not kept.
 */
export class HeaderCollector {
  #isComplete = false
  #octets = 0
  #pieces: Uint8Array[] = []
  // The line so far holds nothing but CRs.
  #isBlank = true

  /** The blank line was seen, or the bound was reached. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** Takes the octets of `chunk` that belong to the header section and returns how many these are. */
  write(chunk: Uint8Array): number {
    if (this.#isComplete) return 0
    const room = MAX_HEADER_OCTETS - this.#octets
    const taken = this.#scan(chunk.length > room ? chunk.subarray(0, room) : chunk)
    // Not slice: that of a Buffer is a view.
    if (taken > 0) this.#pieces.push(Buffer.from(chunk.subarray(0, taken)))
    this.#octets += taken
    if (this.#octets >= MAX_HEADER_OCTETS) this.#isComplete = true
    return taken
  }

  /** What was collected, its blank line included. The caller owns it. */
  octets(): Uint8Array {
    const [first] = this.#pieces
    if (first === undefined || this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces)]
    return this.#pieces[0] ?? new Uint8Array(0)
  }

  #scan(chunk: Uint8Array): number {
    let from = 0
    while (from < chunk.length) {
      const lf = chunk.indexOf(LF, from)
      const end = lf < 0 ? chunk.length : lf
      for (; this.#isBlank && from < end; from++) this.#isBlank = chunk[from] === CR
      if (lf < 0) return chunk.length
      if (this.#isBlank) {
        this.#isComplete = true
        return lf + 1
      }
      this.#isBlank = true
      from = lf + 1
    }
    return chunk.length
  }
}

/** The header section at the start of a message that is read in chunks. Stops reading as soon as it has it. */
export function readHeader(message: Iterable<Uint8Array>): Uint8Array {
  const collector = new HeaderCollector()
  for (const chunk of message) {
    collector.write(chunk)
    if (collector.isComplete) break
  }
  return collector.octets()
}

/** One line of a header section. Offsets are those of its octets. */
export interface HeaderLine {
  /** One UTF-16 unit per octet, without its line end: LF and all CRs before it. */
  readonly text: string
  readonly start: number
  /** Where the next line starts. */
  readonly next: number
  /** It begins with white space, so it belongs to the line before it. */
  readonly isContinuation: boolean
  /** Lower-case name of the field that begins here; undefined if none does (see fieldName). */
  readonly name: string | undefined
  /** Offset of the field body in `text`. */
  readonly bodyStart: number
}

/**
 * The lines of a header section up to its blank line, which is not among them. At most MAX_HEADER_OCTETS are read. A body
 * may follow.
 */
export function headerLines(header: Uint8Array): HeaderLine[] {
  const bounded = Buffer.from(
    header.buffer,
    header.byteOffset,
    Math.min(header.length, MAX_HEADER_OCTETS),
  )
  // The section may end before, by other line ends, but not behind: no more need become text.
  const blank = bounded.indexOf('\r\n\r\n')
  const length = blank < 0 ? bounded.length : blank + 4
  const octets = bounded.toString('latin1', 0, length)
  const lines: HeaderLine[] = []
  for (let start = 0; start < length; ) {
    const lf = octets.indexOf('\n', start)
    const next = lf < 0 ? length : lf + 1
    let end = lf < 0 ? length : lf
    while (end > start && octets.charCodeAt(end - 1) === CR) end--
    if (end === start) break
    const text = octets.slice(start, end)
    const first = text.charCodeAt(0)
    const isContinuation = first === SPACE || first === TAB
    const colon = isContinuation ? -1 : text.indexOf(':')
    lines.push({
      text,
      start,
      next,
      isContinuation,
      name: fieldName(text, colon),
      bodyStart: colon + 1,
    })
    start = next
  }
  return lines
}

/**
 * The fields of a header section. Lines that are no field (RFC 5322 section 3.6.8) are left out with their
 * continuations; so is what passes MAX_FIELDS, and of each body what passes MAX_VALUE_OCTETS. Never throws.
 */
export function parseHeaderFields(header: Uint8Array): HeaderFields {
  return fieldsOf(headerLines(header))
}

/** The same for a header section that was taken apart already; where names are given, the fields of these names only. */
export function fieldsOf(lines: readonly HeaderLine[], wanted?: ReadonlySet<string>): HeaderFields {
  const fields = new Map<string, string[]>()
  let bodies: string[] | undefined
  let count = 0
  for (const line of lines) {
    if (line.isContinuation) {
      const last = bodies?.pop()
      if (last !== undefined)
        bodies?.push(last + line.text.slice(0, MAX_VALUE_OCTETS - last.length))
      continue
    }
    bodies = undefined
    if (line.name === undefined) continue
    if (++count > MAX_FIELDS) break
    if (wanted?.has(line.name) === false) continue
    const body = line.text.slice(line.bodyStart, line.bodyStart + MAX_VALUE_OCTETS)
    bodies = fields.get(line.name)
    if (bodies === undefined) {
      // Of one: push makes room for 17.
      bodies = [body]
      fields.set(line.name, bodies)
    } else bodies.push(body)
  }
  return fields
}

/**
 * The name before a colon, or undefined if it is none: nothing there, or an octet that is not printable ASCII. White
 * space between name and colon is obsolete (RFC 5322 section 4.5), but is tolerated.
 */
function fieldName(text: string, colon: number): string | undefined {
  let end = colon
  while (end > 0 && (text.charCodeAt(end - 1) === SPACE || text.charCodeAt(end - 1) === TAB)) end--
  if (end <= 0) return undefined
  for (let at = 0; at < end; at++) {
    const octet = text.charCodeAt(at)
    if (octet <= SPACE || octet >= 0x7f) return undefined
  }
  return text.slice(0, end).toLowerCase()
}
