/**
 * What a client says to prove who it is, and whether it does. No I/O.
 */
import { createHash, timingSafeEqual } from 'node:crypto'

/** Octets of the client as one UTF-16 unit each. */
export type LoginClaim =
  | { readonly type: 'password'; readonly user: string; readonly password: string }
  | {
      readonly type: 'apop'
      readonly user: string
      /** Of this connection's greeting, with its angle brackets. */
      readonly timestamp: string
      /** As sent: 32 hexadecimal digits if the client keeps to the RFC. */
      readonly digest: string
    }

/** Whether the claim follows from the secret (taken as UTF-8). Takes as long for a near miss as for a far one. */
export function isProven(claim: LoginClaim, secret: string): boolean {
  switch (claim.type) {
    case 'password':
      return isSame(Buffer.from(claim.password, 'latin1'), Buffer.from(secret, 'utf8'))
    case 'apop':
      return isSame(
        Buffer.from(claim.digest, 'latin1'),
        Buffer.from(apopDigest(claim.timestamp, secret), 'latin1'),
      )
  }
}

/** MD5 of timestamp and secret in lower-case hexadecimal (RFC 1939 section 7, APOP). */
export function apopDigest(timestamp: string, secret: string): string {
  return createHash('md5').update(timestamp, 'latin1').update(secret, 'utf8').digest('hex')
}

/**
 * Reads an initial response or client response of PLAIN (RFC 4616 section 2): base64 of authzid NUL authcid NUL
 * password. Undefined if it is not that. An authzid other than the user's own name is not understood either: nobody
 * may act for somebody else here.
 */
export function parsePlain(response: string): LoginClaim | undefined {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(response))
    return undefined
  const fields = Buffer.from(response, 'base64').toString('latin1').split('\0')
  const [authzid, user, password] = fields
  if (fields.length !== 3 || !user || !password) return undefined
  if (authzid !== '' && authzid !== user) return undefined
  return { type: 'password', user, password }
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  const hash = (octets: Uint8Array) => createHash('sha256').update(octets).digest()
  return timingSafeEqual(hash(left), hash(right))
}
