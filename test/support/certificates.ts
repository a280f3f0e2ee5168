import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Paths of PEM files. */
export interface Certificates {
  readonly ca: string
  readonly certificate: string
  readonly key: string
}

/**
 * Makes a throwaway CA, and a certificate signed by it for `localhost` and 127.0.0.1, both valid for two days.
 * Needs the openssl command (1.1.1 or newer).
 */
export function makeCertificates(folder: string): Certificates {
  const at = (name: string) => join(folder, name)
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'] as const
  // Without a configuration of its own, openssl would add what the machine's asks for.
  writeFileSync(at('openssl.cnf'), '[req]\ndistinguished_name = dn\n[dn]\n')
  const config = ['-config', at('openssl.cnf')] as const

  openssl(
    ...['req', '-x509', ...config, ...newKey, '-days', '2', '-subj', '/CN=popkeep test CA'],
    ...['-addext', 'basicConstraints=critical,CA:TRUE'],
    ...['-keyout', at('ca.key'), '-out', at('ca.pem')],
  )
  openssl(
    ...['req', ...config, ...newKey, '-subj', '/CN=localhost'],
    ...['-keyout', at('server.key'), '-out', at('server.csr')],
  )
  writeFileSync(at('server.ext'), 'subjectAltName = DNS:localhost, IP:127.0.0.1\n')
  openssl(
    ...['x509', '-req', '-in', at('server.csr'), '-days', '2', '-extfile', at('server.ext')],
    ...['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial'],
    ...['-out', at('server.pem')],
  )
  return { ca: at('ca.pem'), certificate: at('server.pem'), key: at('server.key') }
}

/** What a certificate to be made says. */
export interface CertificateWishes {
  /** `/CN=pop.example.com` by default. */
  readonly subject?: string | undefined
  /** As openssl's configuration has it: `DNS:a.example, IP:192.0.2.1`, or `DER:30:...`. Undefined: no such extension. */
  readonly altNames?: string | undefined
  /** Default: the CA that the folder has. */
  readonly signedBy?: 'ca' | 'itself' | undefined
  /** In days from now; by default from yesterday to tomorrow. */
  readonly days?: readonly [from: number, to: number] | undefined
  /** What `openssl genpkey` takes; default: an EC key. */
  readonly key?: readonly string[] | undefined
  /** The hash of the signature, and options of its own; by default SHA-256. */
  readonly signature?: readonly string[] | undefined
}

/** PEM. */
export interface MadeCertificate {
  readonly cert: string
  readonly key: string
}

/** Makes one more certificate in the folder of `makeCertificates`. */
export function makeCertificate(
  { ca }: Pick<Certificates, 'ca'>,
  wishes: CertificateWishes = {},
): MadeCertificate {
  const folder = mkdtempSync(join(dirname(ca), 'made-'))
  const at = (name: string) => join(folder, name)
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  const { subject = '/CN=pop.example.com', altNames, signedBy = 'ca', days = [-1, 1] } = wishes
  const { key = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:prime256v1'] } = wishes
  const { signature = ['-md', 'sha256'] } = wishes

  openssl('genpkey', ...key, '-out', at('key.pem'))
  const names = altNames === undefined ? '' : `subjectAltName = ${altNames}\n`
  writeFileSync(at('index.txt'), '')
  writeFileSync(at('serial'), `10${randomBytes(8).toString('hex')}\n`)
  writeFileSync(
    at('ca.cnf'),
    `[ca]
default_ca = made
[made]
database = ${at('index.txt')}
new_certs_dir = ${folder}
serial = ${at('serial')}
policy = policy
unique_subject = no
[policy]
commonName = optional
[req]
distinguished_name = dn
[dn]
[extensions]
basicConstraints = CA:FALSE
${names}`,
  )
  const request = ['-new', '-key', at('key.pem'), '-subj', subject, '-out', at('csr.pem')]
  openssl('req', '-config', at('ca.cnf'), ...request)
  const signer =
    signedBy === 'ca'
      ? ['-cert', ca, '-keyfile', join(dirname(ca), 'ca.key')]
      : ['-selfsign', '-keyfile', at('key.pem')]
  openssl(
    ...['ca', '-batch', '-notext', '-config', at('ca.cnf')],
    ...['-extensions', 'extensions', ...signature, ...signer, '-in', at('csr.pem')],
    ...['-startdate', asn1Date(days[0]), '-enddate', asn1Date(days[1]), '-out', at('cert.pem')],
  )
  return { cert: readFileSync(at('cert.pem'), 'utf8'), key: readFileSync(at('key.pem'), 'utf8') }
}

/** The `altNames` of DNS names, octet by octet: openssl's own syntax has no way to write a NUL. */
export function rawDnsNames(...names: readonly string[]): string {
  const element = (tag: number, content: Buffer) =>
    Buffer.concat([Buffer.from([tag, content.length]), content])
  const dnsNames = names.map((name) => element(0x82, Buffer.from(name, 'latin1')))
  const der = element(0x30, Buffer.concat(dnsNames))
  return `DER:${der.toString('hex').replace(/(..)(?!$)/g, '$1:')}`
}

/** `days` from now at the same time of day, as `YYYYMMDDHHMMSSZ`. */
function asn1Date(days: number): string {
  const date = new Date(Date.now() + days * 24 * 60 * 60 * 1000)
  return date.toISOString().replace(/[-:T]/g, '').replace(/\.\d+/, '')
}
