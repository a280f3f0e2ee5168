import { createHash } from 'node:crypto'
import { STAMP_CHARACTERS } from './limits.ts'

/** `msg-id` of RFC 822 without quoted strings. Nothing in it can be read in two ways, so matching takes linear time. */
const messageId = (() => {
  const atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
  const dotted = String.raw`${atom}(?:\.${atom})*`
  const literal = String.raw`\[[!-Z^-~]*\]`
  return new RegExp(`^<${dotted}@(?:${dotted}|${literal})>$`)
})()

/**
 * The stamp in the greeting (RFC 1939 section 7), with its angle brackets: the first `<a@b>` that is a msg-id of RFC 822 in
 * printable ASCII; undefined if there is none. Servers put text after it. A man in the middle who may choose other octets
 * learns the password from colliding stamps (CVE-2007-1558).
 */
export function apopStamp(greeting: string): string | undefined {
  // Split first: searching the '>' of each '<' would take quadratic time where there are many of one and none of the other.
  const parts = greeting.split('>')
  parts.pop()
  for (const part of parts) {
    const stamp = `${part.slice(part.lastIndexOf('<'))}>`
    if (stamp.length <= STAMP_CHARACTERS && messageId.test(stamp)) return stamp
  }
  return undefined
}

/** The digest that follows the user name in APOP: MD5 of stamp and password, in hex. The password goes in UTF-8. */
export function apopDigest(stamp: string, password: string): string {
  return createHash('md5').update(stamp).update(password, 'utf8').digest('hex')
}
