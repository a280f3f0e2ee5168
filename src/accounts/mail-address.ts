/** Mail addresses, as far as finding a server for them needs. */
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'

export interface MailAddress {
  /** As it was written; quoted forms included. */
  readonly localPart: string
  /** In lower case, each label in ASCII (RFC 5891), without a final dot. */
  readonly domain: string
}

/**
 * Reads `local-part@domain`; the last `@` counts. Undefined if it is none: an empty part, control characters or blanks,
 * an address literal, a domain that no DNS can have, or a colon outside of quotes (RFC 5322 section 3.2.3): half a URL,
 * perhaps with a password.
 */
export function parseMailAddress(text: string): MailAddress | undefined {
  const at = text.lastIndexOf('@')
  const localPart = text.slice(0, Math.max(at, 0))
  const domain = hostName(text.slice(at + 1))
  if (localPart === '' || /[\0-\x20\x7f-\xa0]/.test(localPart)) return undefined
  if (localPart.includes(':') && !localPart.startsWith('"')) return undefined
  return domain === undefined || isIP(domain) !== 0 ? undefined : { localPart, domain }
}

/** A host name as RFC 1123 has it: in lower case, ASCII, without a final dot. Undefined if it cannot be one. */
export function hostName(text: string): string | undefined {
  // domainToASCII reads hosts as URLs do: it drops tabs and ends at a slash.
  if (/[^a-z0-9.\u0080-\u{10ffff}-]/iu.test(text)) return undefined
  const name = domainToASCII(text.replace(/\.$/, '')).toLowerCase()
  return name.length <= 253 && name.split('.').every(isLabel) ? name : undefined
}

/** Whether `host` is `domain` or stands below it. Both as hostName gives them. */
export function isWithin(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`)
}

function isLabel(label: string): boolean {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label)
}
