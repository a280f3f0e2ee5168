import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Certificates } from './certificates.ts'

/** Paths of PEM files, and what is in them. */
export interface ClientCertificate {
  readonly certificatePath: string
  readonly keyPath: string
  readonly certificate: string
  readonly key: string
}

/**
 * Makes a certificate for a client in the folder of `makeCertificates`, with the user as its common name: signed by that
 * CA, or by itself. Valid for two days.
 */
export function makeClientCertificate(
  certificates: Pick<Certificates, 'ca'>,
  user: string,
  signedBy: 'ca' | 'itself' = 'ca',
): ClientCertificate {
  const folder = dirname(certificates.ca)
  const at = (ending: string) => join(folder, `client-${user}-${signedBy}.${ending}`)
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  const request = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    .concat(['-config', join(folder, 'openssl.cnf'), '-subj', `/CN=${user}`])
    .concat(['-keyout', at('key')])
  if (signedBy === 'itself') {
    openssl('req', '-x509', ...request, '-days', '2', '-out', at('pem'))
  } else {
    openssl('req', ...request, '-out', at('csr'))
    writeFileSync(at('ext'), 'extendedKeyUsage = clientAuth\n')
    openssl(
      ...['x509', '-req', '-in', at('csr'), '-days', '2', '-extfile', at('ext')],
      ...['-CA', certificates.ca, '-CAkey', join(folder, 'ca.key'), '-CAcreateserial'],
      ...['-out', at('pem')],
    )
  }
  return {
    certificatePath: at('pem'),
    keyPath: at('key'),
    certificate: readFileSync(at('pem'), 'utf8'),
    key: readFileSync(at('key'), 'utf8'),
  }
}
