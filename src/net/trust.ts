/** Who is at the other end: loopback hosts, certificate pins, and what the environment must not switch off. */
import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { NetworkError } from './errors.ts'

/** Whether clear text to this host stays on this machine: `localhost`, 127.0.0.0/8, ::1. */
export function isLoopback(host: string): boolean {
  const address = host.toLowerCase().replace(/^::ffff:/, '')
  if (address === 'localhost' || address === '::1') return true
  return isIP(address) === 4 && address.startsWith('127.')
}

/**
 * Node drops all certificate checks if NODE_TLS_REJECT_UNAUTHORIZED is 0, for every connection of the process: whoever
 * set it for another program must not expose passwords here. Throws NetworkError (NET_POLICY).
 */
export function refuseUncheckedTls(environment: NodeJS.ProcessEnv): void {
  if (environment.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    throw new NetworkError(
      'NET_POLICY',
      'NODE_TLS_REJECT_UNAUTHORIZED=0 is set, which switches off certificate checks: unset it',
    )
  }
}

/** Whether the certificate that the server showed has the pinned key: its SubjectPublicKeyInfo, hashed, in hex. */
export function matchesPin(socket: TLSSocket, pin: string): boolean {
  const certificate = socket.getPeerX509Certificate()
  if (!certificate) return false
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(key).digest('hex') === pin
}
