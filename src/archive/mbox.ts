/**
 * The mboxrd format: all messages in one file, each after a line `From SENDER DATE`.
 *
 * Each line of a message that is `From ` after any number of `>` gets one `>` more, so that a reader takes exactly one away
 * again. Line ends are LF, a missing last one is added, and a blank line ends each message. What LF says in place of CRLF,
 * and that added line end, are all that a reader cannot know.
 */
import { parseAddresses } from '../message/addresses.ts'
import { parseHeaderFields } from '../message/header-fields.ts'

const CR = 0x0d
const LF = 0x0a
const QUOTE = 0x3e
const FROM = new TextEncoder().encode('From ')

/** No line prefix is being compared: `From ` is not possible any more in this line. */
const PAST_PREFIX = -1

/** Writes one message as it stands in an mboxrd file, without its From_ line. */
export class MboxEncoder {
  #heldCr = false
  /** How much of `From ` was seen in this line, after nothing but `>`; it is held back. */
  #matched = 0
  #isAtLineStart = true

  /** The next part. Octets may be cut anywhere. */
  write(octets: Uint8Array): Uint8Array {
    const out = new Uint8Array(octets.length + Math.ceil(octets.length / FROM.length) + FROM.length)
    let end = 0
    for (const octet of octets) {
      if (this.#heldCr && octet !== LF) out[end++] = CR
      this.#heldCr = octet === CR
      if (this.#matched !== PAST_PREFIX) end = this.#matchPrefix(octet, out, end)
      else if (octet !== CR) out[end++] = octet
      if (octet === LF) this.#matched = 0
      this.#isAtLineStart = octet === LF
    }
    return out.subarray(0, end)
  }

  /** What is left: the last line end if it was missing, and the blank line. */
  end(): Uint8Array {
    const rest: number[] = [...FROM.subarray(0, Math.max(0, this.#matched))]
    if (this.#heldCr) rest.push(CR)
    if (!this.#isAtLineStart) rest.push(LF)
    rest.push(LF)
    return Uint8Array.from(rest)
  }

  #matchPrefix(octet: number, out: Uint8Array, at: number): number {
    let end = at
    if (octet === FROM[this.#matched]) {
      this.#matched += 1
      if (this.#matched < FROM.length) return end
      out[end++] = QUOTE
      out.set(FROM, end)
      this.#matched = PAST_PREFIX
      return end + FROM.length
    }
    out.set(FROM.subarray(0, this.#matched), end)
    end += this.#matched
    if (octet !== QUOTE || this.#matched > 0) this.#matched = PAST_PREFIX
    if (octet !== CR) out[end++] = octet
    return end
  }
}

/**
 * The line before a message. qmail's rules: blanks in the sender become hyphens, no sender is MAILER-DAEMON; the date as
 * asctime() writes it, in UTC.
 */
export function fromLine(sender: string | undefined, date: Date): Uint8Array {
  // One word of printable characters: a line end would begin a line of the message.
  const word = (sender ?? '').replace(/[\s\p{C}]/gu, '-').slice(0, 320)
  return new TextEncoder().encode(`From ${word === '' ? 'MAILER-DAEMON' : word} ${asctime(date)}\n`)
}

/** The address in Return-Path, where the last server wrote the SMTP sender; else that of Sender or From. */
export function senderOf(header: Uint8Array): string | undefined {
  const fields = parseHeaderFields(header)
  const path = fields.get('return-path')?.[0]
  // An empty path, `<>`, is a sender: that of notices, which have none to answer to.
  if (path !== undefined) return /<([^<>]*)>/.exec(path)?.[1] ?? path.trim()
  for (const name of ['sender', 'from']) {
    const address = parseAddresses(fields.get(name)?.[0] ?? '')[0]?.address
    if (address) return address
  }
  return undefined
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

function asctime(date: Date): string {
  const day = String(date.getUTCDate()).padStart(2, ' ')
  const time = date.toISOString().slice(-13, -5)
  const year = String(date.getUTCFullYear()).padStart(4, '0')
  return `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${day} ${time} ${year}`
}
