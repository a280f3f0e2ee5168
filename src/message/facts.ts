/** What a catalog says of a message: the fields that people look for, read from its header section. */
import type { Address } from './addresses.ts'
import { formatAddresses, isFormattedList, parseAddresses } from './addresses.ts'
import type { HeaderFields, HeaderLine } from './header-fields.ts'
import { fieldsOf, headerLines } from './header-fields.ts'
import { charsetOf, decodeOctets, decodeWords, toLine } from './header-text.ts'
import { MAX_ADDRESSES, MAX_VALUE_OCTETS } from './limits.ts'
import { parseMailDate } from './mail-date.ts'

/** Each is null where the message does not say it. Texts are one line; control characters in them are not escaped. */
export interface HeaderFacts {
  /** `YYYY-MM-DDTHH:MM:SSZ`; null also where the Date field is invalid or implausible. */
  readonly date: string | null
  /** From, as formatAddresses writes it. */
  readonly sender: string | null
  /** To and Cc, as formatAddresses writes them, at most 1,000 addresses and about 64 KiB. */
  readonly recipients: string | null
  readonly subject: string | null
  /** With its angle brackets, if it has any. */
  readonly messageId: string | null
}

const FACT_FIELDS: ReadonlySet<string> = new Set([
  ...['date', 'from', 'to', 'cc', 'subject', 'message-id', 'content-type'],
])

/** Reads a header section (what follows its blank line is not looked at). Takes any octets and never throws. */
export function headerFacts(header: Uint8Array): HeaderFacts {
  return factsOfLines(headerLines(header))
}

/** The same for a header section that was taken apart already. */
export function factsOfLines(lines: readonly HeaderLine[]): HeaderFacts {
  const fields = fieldsOf(lines, FACT_FIELDS)
  const charset = charsetOf(fields.get('content-type')?.[0])
  const subject = fields.get('subject')?.[0]
  return {
    date: parseMailDate(toLine(fields.get('date')?.[0] ?? '')),
    sender: addressText(bodiesOf(fields, 'from'), charset),
    recipients: addressText([...bodiesOf(fields, 'to'), ...bodiesOf(fields, 'cc')], charset),
    subject:
      subject === undefined ? null : toLine(decodeWords(decodeOctets(subject, charset))) || null,
    messageId: messageIdOf(fields.get('message-id')?.[0] ?? '', charset),
  }
}

const NO_BODIES: readonly string[] = []

function bodiesOf(fields: HeaderFields, name: string): readonly string[] {
  return fields.get(name) ?? NO_BODIES
}

function addressText(bodies: readonly string[], charset: string | undefined): string | null {
  const lists = bodies.map((body) => toLine(decodeOctets(body, charset)))
  const text = lists.length === 1 ? lists[0] : lists.join(', ')
  if (text === undefined || text === '' || isFormattedList(text)) return text || null
  const addresses: Address[] = []
  for (const list of lists) {
    // Decoded after the list was taken apart: see parseAddresses.
    addresses.push(...parseAddresses(list, decodeName))
    if (addresses.length >= MAX_ADDRESSES) break
  }
  return formatWithinBound(addresses.slice(0, MAX_ADDRESSES)) || null
}

function decodeName(name: string): string {
  return toLine(decodeWords(name))
}

/** Leaves out whole addresses at the end, so that none is cut in two. */
function formatWithinBound(addresses: readonly Address[]): string {
  const text = formatAddresses(addresses)
  if (text.length <= MAX_VALUE_OCTETS) return text
  let room = MAX_VALUE_OCTETS
  const fitting = addresses.findIndex((address) => {
    room -= formatAddresses([address]).length + 2
    return room < 0
  })
  return formatAddresses(addresses.slice(0, fitting))
}

function messageIdOf(body: string, charset: string | undefined): string | null {
  const text = toLine(decodeOctets(body, charset))
  return (/<[^<>]*>/.exec(text)?.[0] ?? text) || null
}
