/** What the certificates of a server say, for people and for `probe`. */
import { createHash, X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { namesOf } from './certificate-name.ts'

/** What a TLS handshake came to. */
export interface TlsFacts {
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly version: string
  /** The name of the cipher suite in its RFC. */
  readonly cipher: string
  /** The server's own certificate first; then who signed it, as far as the server or this machine shows them. */
  readonly chain: readonly CertificateFacts[]
  /** Whether a pinned key was found, in place of chain and name. */
  readonly isPinned: boolean
}

/** Untrusted text, but for hex digits and dates. */
export interface CertificateFacts {
  /** `CN=pop.example.com, O=Example`. */
  readonly subject: string
  readonly issuer: string
  /** DNS names and addresses; without any, the common name. */
  readonly names: readonly string[]
  /** RFC 3339, UTC; as the certificate has it where that is no date. */
  readonly validFrom: string
  readonly validTo: string
  /** SHA-256 of the whole certificate, hex. */
  readonly fingerprint: string
  /** SHA-256 of its public key (SubjectPublicKeyInfo), hex: what `--tls-pin` takes. */
  readonly pin: string
  readonly isSelfSigned: boolean
}

/** Longer chains are not shown to the end; OpenSSL itself verifies at most 100 links. */
const CHAIN_LIMIT = 16

/**
 * The chain of the peer, its own certificate first; empty before the handshake has brought one. Not by
 * `getPeerX509Certificate`: on Node 20 that removes the certificate from the chain, and whoever looks next, Node's own
 * check of the name among them, takes the issuer's for the server's.
 */
export function peerChain(socket: TLSSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = []
  const seen = new Set<string>()
  // Node types it as always there; it is an empty object if the peer showed none.
  let link: PeerLink | undefined = socket.getPeerCertificate(true)
  while (link?.raw && chain.length < CHAIN_LIMIT) {
    const certificate = new X509Certificate(link.raw)
    // The issuer of a root is the root itself.
    if (seen.has(certificate.fingerprint256)) break
    seen.add(certificate.fingerprint256)
    chain.push(certificate)
    link = link.issuerCertificate
  }
  return chain
}

interface PeerLink {
  readonly raw?: Buffer | undefined
  readonly issuerCertificate?: PeerLink | undefined
}

export function certificateFacts(certificate: X509Certificate): CertificateFacts {
  const { subject, issuer, validFrom, validTo, raw } = certificate
  return {
    subject: oneLine(subject),
    issuer: oneLine(issuer),
    names: namesOf(certificate),
    validFrom: rfc3339(validFrom),
    validTo: rfc3339(validTo),
    fingerprint: createHash('sha256').update(raw).digest('hex'),
    pin: pinOf(certificate),
    isSelfSigned: subject === issuer && certificate.verify(certificate.publicKey),
  }
}

/** SHA-256 of the SubjectPublicKeyInfo, in hex: it stays the same when the certificate is renewed for the same key. */
export function pinOf(certificate: X509Certificate): string {
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(key).digest('hex')
}

/** Node puts each part of a name on a line of its own, the most general first. */
function oneLine(name: string): string {
  return name.split('\n').reverse().join(', ')
}

/** Node has `Jan  2 03:04:05 2024 GMT`. */
function rfc3339(date: string): string {
  const time = Date.parse(date)
  return Number.isNaN(time) ? date : new Date(time).toISOString().replace('.000Z', 'Z')
}
