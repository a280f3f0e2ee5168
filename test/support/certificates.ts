import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

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
