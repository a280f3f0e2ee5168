/** Which names a certificate is for, and whether a host is one of them. */
import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import { domainToASCII } from 'node:url'

/**
 * A host name as DNS and certificates have it: letters of other scripts in their ASCII form, no dot at the end. An
 * address stays as it is.
 */
export function asciiHost(host: string): string {
  const ascii = /[^\0-\x7f]/.test(host) ? domainToASCII(host) || host : host
  return ascii.endsWith('.') ? ascii.slice(0, -1) : ascii
}

/**
 * Whether the certificate is for the host (RFC 9525 section 6). Node and OpenSSL must both say so, as each has been wrong
 * before. A wildcard stands for one whole left-most label, never below a top-level domain; an address must be an iPAddress; the
 * common name counts only where there are no subject alternative names at all. A NUL in any name refuses the certificate.
 */
export function isForHost(certificate: X509Certificate, configured: string): boolean {
  // A zone (RFC 4007) says by which interface an address is reached, and is no part of it.
  const host = asciiHost(configured).replace(/^([0-9a-f:.]+)%.*$/i, '$1')
  // OpenSSL and Node take a dot in front for a question about all names below.
  if (host === '' || host.startsWith('.') || hasNul(certificate)) return false
  if (checkServerIdentity(host, certificate.toLegacyObject()) !== undefined) return false
  if (isIP(host) !== 0) return certificate.checkIP(host) !== undefined
  const found = certificate.checkHost(host, {
    subject: certificate.subjectAltName === undefined ? 'default' : 'never',
    wildcards: true,
    partialWildcards: false,
    multiLabelWildcards: false,
    singleLabelSubdomains: false,
  })
  return found !== undefined
}

/** CVE-2009-2666: a CA signs `good.example\0.evil.example` for the owner of evil.example, and C strings end at the NUL. */
function hasNul({ subject, subjectAltName = '' }: X509Certificate): boolean {
  // Node writes the NUL of an alternative name as the JSON escape, OpenSSL that of a subject as \00.
  return /\0|\\u0000|\\00/.test(`${subject}\n${subjectAltName}`)
}

/** The DNS names and addresses that it is for, as it has them; the common name where there are none. */
export function namesOf(certificate: X509Certificate): readonly string[] {
  const { subject, subjectAltName } = certificate
  if (subjectAltName === undefined)
    return [...subject.matchAll(/^CN=(.*)$/gm)].map(([, cn = '']) => cn)
  // "DNS:a.example, IP Address:192.0.2.1"; a name with odd characters is a JSON string.
  const entries = subjectAltName.matchAll(/(DNS|IP Address):("(?:[^"\\]|\\.)*"|[^,]*)/g)
  return [...entries].map(([, , name = '']) => name)
}
