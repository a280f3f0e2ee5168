/**
 * Extended response codes (RFC 2449 section 8, RFC 3206, RFC 6856 section 5; REFERRAL as Dovecot's login sends it).
 *
 * Only codes of this set are taken as such: Exchange ends its greeting with a bracketed base64 word that looks like one.
 */
export type ResponseCode =
  | 'AUTH'
  | 'IN-USE'
  | 'LOGIN-DELAY'
  | 'REFERRAL'
  | 'SYS'
  | 'SYS/PERM'
  | 'SYS/TEMP'
  | 'UTF8'

const known: ReadonlySet<string> = new Set<ResponseCode>([
  'AUTH',
  'IN-USE',
  'LOGIN-DELAY',
  'REFERRAL',
  'SYS',
  'SYS/PERM',
  'SYS/TEMP',
  'UTF8',
])

/**
 * The code at the beginning of the text after the status indicator, or undefined. Codes are hierarchical: an unknown
 * detail falls back to its parent (`[sys/temp/disk]` is SYS/TEMP), as RFC 2449 section 8 demands.
 */
export function parseResponseCode(text: string): ResponseCode | undefined {
  const end = text.startsWith('[') ? text.indexOf(']') : -1
  if (end < 0) return undefined
  let code = text.slice(1, end).toUpperCase()
  while (!isKnown(code)) {
    const slash = code.lastIndexOf('/')
    if (slash < 0) return undefined
    code = code.slice(0, slash)
  }
  return code
}

function isKnown(code: string): code is ResponseCode {
  return known.has(code)
}
