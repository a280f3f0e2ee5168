/** What ties a login to one TLS connection (RFC 5929, RFC 9266), so that nobody between can relay it. */
import { createHash, type X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'

export interface ChannelBinding {
  readonly type: 'tls-exporter' | 'tls-server-end-point'
  readonly data: Uint8Array
}

/**
 * TLS 1.3: `tls-exporter`, 32 octets of keying material, to be used once a connection (RFC 9266 section 2). TLS 1.2:
 * `tls-server-end-point`, a hash of the certificate (RFC 5929 section 4.1); undefined where its signature has no single
 * hash function, as with Ed25519. `tls-unique` is left out: it breaks where sessions are resumed.
 */
export function channelBindingOf(
  socket: TLSSocket,
  certificate: X509Certificate | undefined,
): ChannelBinding | undefined {
  if (socket.getProtocol() === 'TLSv1.3') {
    const context = Buffer.alloc(0)
    const data = socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', context)
    return { type: 'tls-exporter', data: new Uint8Array(data) }
  }
  const hash = certificate && endPointHash(certificate.raw)
  if (!hash) return undefined
  const data = new Uint8Array(createHash(hash).update(certificate.raw).digest())
  return { type: 'tls-server-end-point', data }
}

/** By the content of the OBJECT IDENTIFIER in hex. MD5 and SHA-1 become SHA-256 (RFC 5929 section 4.1). */
const HASH_OF_SIGNATURE: ReadonlyMap<string, string> = new Map([
  ['2a864886f70d010104', 'sha256'], // md5WithRSAEncryption
  ['2a864886f70d010105', 'sha256'], // sha1WithRSAEncryption
  ['2a864886f70d01010e', 'sha224'],
  ['2a864886f70d01010b', 'sha256'],
  ['2a864886f70d01010c', 'sha384'],
  ['2a864886f70d01010d', 'sha512'],
  ['2a8648ce3d0401', 'sha256'], // ecdsa-with-SHA1
  ['2a8648ce3d040301', 'sha224'],
  ['2a8648ce3d040302', 'sha256'],
  ['2a8648ce3d040303', 'sha384'],
  ['2a8648ce3d040304', 'sha512'],
  ['2a8648ce380403', 'sha256'], // dsa-with-sha1
  ['608648016503040301', 'sha224'], // DSA
  ['608648016503040302', 'sha256'],
])

const RSASSA_PSS = '2a864886f70d01010a'

/** The hash functions that the parameters of RSASSA-PSS may name (RFC 4055 section 2.1). */
const HASH_OF_DIGEST: ReadonlyMap<string, string> = new Map([
  ['2b0e03021a', 'sha256'], // SHA-1
  ['608648016503040204', 'sha224'],
  ['608648016503040201', 'sha256'],
  ['608648016503040202', 'sha384'],
  ['608648016503040203', 'sha512'],
])

const SEQUENCE = 0x30
const OBJECT_IDENTIFIER = 0x06
const FIRST_PARAMETER = 0xa0

/**
 * The hash for `tls-server-end-point`, from the certificate's DER: Node 20 does not tell the signature algorithm.
 * `Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { OID, parameters }, ... }`
 */
export function endPointHash(der: Uint8Array): string | undefined {
  const [toBeSigned, algorithm] = elements(elements(der)[0]?.content)
  if (toBeSigned?.tag !== SEQUENCE || algorithm?.tag !== SEQUENCE) return undefined
  const [identifier, parameters] = elements(algorithm.content)
  if (identifier?.tag !== OBJECT_IDENTIFIER) return undefined
  const name = hex(identifier.content)
  return name === RSASSA_PSS ? pssHash(parameters) : HASH_OF_SIGNATURE.get(name)
}

/** `SEQUENCE { [0] SEQUENCE { OID of the hash, ... } DEFAULT sha1, ... }` */
function pssHash(parameters: Element | undefined): string | undefined {
  const [first] = elements(parameters?.content)
  if (first?.tag !== FIRST_PARAMETER) return 'sha256'
  const [identifier] = elements(elements(first.content)[0]?.content)
  return identifier && HASH_OF_DIGEST.get(hex(identifier.content))
}

interface Element {
  readonly tag: number
  readonly content: Uint8Array
}

/** The DER elements one after another; those before the first that is cut off. */
function elements(der: Uint8Array = new Uint8Array(0)): readonly Element[] {
  const found: Element[] = []
  let at = 0
  while (at + 2 <= der.length) {
    const tag = der[at] ?? 0
    let length = der[at + 1] ?? 0
    at += 2
    if (length >= 0x80) {
      const octets = length - 0x80
      if (octets === 0 || octets > 4) break
      length = der.subarray(at, at + octets).reduce((sum, octet) => sum * 256 + octet, 0)
      at += octets
    }
    if (at + length > der.length) break
    found.push({ tag, content: der.subarray(at, at + length) })
    at += length
  }
  return found
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex')
}
