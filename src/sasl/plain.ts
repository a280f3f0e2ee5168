import { Buffer } from 'node:buffer'

/**
 * The message of PLAIN (RFC 4616 section 2) in base64: no authorization identity, user and password in UTF-8. Neither
 * may hold NUL; the caller has checked that.
 */
export function plainMessage(user: string, secret: string): string {
  return Buffer.from(`\0${user}\0${secret}`, 'utf8').toString('base64')
}
