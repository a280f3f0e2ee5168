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

/** One line of a header section: `[start, end)` is its text, `next` the start of the line after it. */
export interface HeaderLine {
  readonly start: number
  /** Before its line end: LF and all CRs that stand before it. */
  readonly end: number
  readonly next: number
  /** It begins with white space, so it belongs to the line before it. */
  readonly isContinuation: boolean
}

/** The lines of a header section up to its blank line, which is not among them. */
export function* headerLines(header: Uint8Array): Generator<HeaderLine> {
  const length = Math.min(header.length, MAX_HEADER_OCTETS)
  for (let start = 0; start < length; ) {
    const lf = header.indexOf(LF, start)
    const next = lf < 0 || lf >= length ? length : lf + 1
    let end = lf < 0 || lf >= length ? length : lf
    while (end > start && header[end - 1] === CR) end--
    if (end === start) return
    const first = header[start]
    yield { start, end, next, isContinuation: first === SPACE || first === TAB }
    start = next
  }
}

/**
 * The fields of a header section. Lines that are no field (RFC 5322 section 3.6.8) are left out with their
 * continuations; so is what passes MAX_FIELDS, and of each body what passes MAX_VALUE_OCTETS. Never throws.
 */
export function parseHeaderFields(header: Uint8Array): HeaderFields {
  const fields = new Map<string, string[]>()
  const text = Buffer.from(header.buffer, header.byteOffset, header.byteLength)
  let bodies: string[] | undefined
  let count = 0
  for (const line of headerLines(header)) {
    if (line.isContinuation) {
      const last = bodies?.pop()
      if (bodies === undefined || last === undefined) continue
      const room = MAX_VALUE_OCTETS - last.length
      bodies.push(last + text.toString('latin1', line.start, Math.min(line.end, line.start + room)))
      continue
    }
    bodies = undefined
    const name = fieldName(header, line)
    if (name === undefined) continue
    if (++count > MAX_FIELDS) break
    const start = text.indexOf(0x3a, line.start) + 1
    const key = name.toLowerCase()
    bodies = fields.get(key) ?? []
    fields.set(key, bodies)
    bodies.push(text.toString('latin1', start, Math.min(line.end, start + MAX_VALUE_OCTETS)))
  }
  return fields
}

/**
 * The field name of a line as it stands there, or undefined if the line is no field: no colon, nothing before it, or
 * an octet in the name that is not printable ASCII. White space between name and colon is obsolete, but is tolerated.
 */
export function fieldName(header: Uint8Array, line: HeaderLine): string | undefined {
  let colon = line.start
  while (colon < line.end && header[colon] !== 0x3a) colon++
  if (colon === line.end) return undefined
  let end = colon
  while (end > line.start && (header[end - 1] === SPACE || header[end - 1] === TAB)) end--
  if (end === line.start) return undefined
  for (let at = line.start; at < end; at++) {
    const octet = header[at] ?? 0
    if (octet <= SPACE || octet >= 0x7f) return undefined
  }
  return Buffer.from(header.buffer, header.byteOffset, header.byteLength).toString(
    'latin1',
    line.start,
    end,
  )
}
