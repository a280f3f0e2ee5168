/** Why a certificate is not accepted, in a sentence for the person who reads it. */
import type { X509Certificate } from 'node:crypto'
import { namesOf } from './certificate-name.ts'

/** Names listed in the sentence; certificates of large hosters have hundreds. */
const NAMED = 3

const UNKNOWN_ISSUER = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_UNTRUSTED',
])

/** The code that Node gives to an error about the name. */
export const WRONG_NAME = 'ERR_TLS_CERT_ALTNAME_INVALID'

/**
 * `code` is Node's name for the outcome of OpenSSL's verification, or WRONG_NAME. `chain` may be empty if it could not
 * be seen; then the sentence is shorter. Undefined for a code that is not about certificates.
 */
export function certificateProblem(
  code: string,
  chain: readonly X509Certificate[],
  { host, hasOwnCa }: { readonly host: string; readonly hasOwnCa: boolean },
): string | undefined {
  const [leaf] = chain
  if (code === WRONG_NAME) return wrongName(leaf, host)
  if (code === 'CERT_HAS_EXPIRED') return expired(chain)
  if (code === 'CERT_NOT_YET_VALID') return notYetValid(chain)
  if (code === 'DEPTH_ZERO_SELF_SIGNED_CERT') {
    return 'the certificate is self-signed: nobody vouches for it'
  }
  if (UNKNOWN_ISSUER.has(code)) {
    return hasOwnCa
      ? 'none of the given CA certificates signed the certificate'
      : 'nobody that this machine trusts signed the certificate'
  }
  if (code === 'CERT_REVOKED') return 'the certificate was revoked'
  return undefined
}

function wrongName(leaf: X509Certificate | undefined, host: string): string {
  const names = leaf ? namesOf(leaf) : []
  const named = names.slice(0, NAMED).join(', ')
  const others = names.length > NAMED ? ` and ${names.length - NAMED} more` : ''
  return names.length === 0
    ? `the certificate is for no host, so not for ${host}`
    : `the certificate is for ${named}${others}, not for ${host}`
}

function expired(chain: readonly X509Certificate[]): string {
  const link = chain.findIndex(({ validTo }) => Date.parse(validTo) < Date.now())
  const date = dayOf(chain[link]?.validTo)
  return `${whose(link)} expired${date && ` on ${date}`}`
}

function notYetValid(chain: readonly X509Certificate[]): string {
  const link = chain.findIndex(({ validFrom }) => Date.parse(validFrom) > Date.now())
  const date = dayOf(chain[link]?.validFrom)
  return `${whose(link)} is not valid ${date ? `before ${date}` : 'yet'} (is the clock right here?)`
}

function whose(link: number): string {
  return link > 0 ? 'the certificate of its issuer' : 'the certificate'
}

function dayOf(date: string | undefined): string {
  const time = Date.parse(date ?? '')
  return Number.isNaN(time) ? '' : new Date(time).toISOString().slice(0, 10)
}
