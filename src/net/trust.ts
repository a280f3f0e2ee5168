/** What a connection trusts: the certificates and the key that its owner named, else those of the machine. */
import { constants, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { NetworkError } from './errors.ts'

export interface TrustOptions {
  /** As configured. The certificate must be for this name or address. */
  readonly host: string
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string | undefined
  /** SHA-256 of the server's public key, 64 lower-case hex digits. Replaces the checks of chain and name. */
  readonly pin?: string | undefined
  /** PEM, the key without passphrase. Shown to the server where it asks for one. */
  readonly clientCertificate?: ClientCertificate | undefined
}

export interface ClientCertificate {
  readonly certificate: string
  readonly key: string
}

/** All that a TLS handshake needs to know, read and found good before anything is connected. */
export interface Trust {
  readonly host: string
  readonly pin: string | undefined
  readonly hasOwnCa: boolean
  readonly context: SecureContext
}

/**
 * Reads certificates and keys. Throws NetworkError: NET_ARGUMENT if one of them cannot be read, NET_POLICY if the
 * environment switches off certificate checks.
 */
export function trustOf(options: TrustOptions, environment: NodeJS.ProcessEnv): Trust {
  const { host, ca, pin, clientCertificate } = options
  refuseUncheckedTls(environment)
  if (ca !== undefined) requireCertificate(ca, 'the file of CA certificates')
  if (clientCertificate) requireCertificate(clientCertificate.certificate, 'the client certificate')
  const context = secureContext(ca, clientCertificate)
  return { host, pin, hasOwnCa: ca !== undefined, context }
}

/**
 * Node drops all certificate checks if NODE_TLS_REJECT_UNAUTHORIZED is 0, for every connection of the process: whoever
 * set it for another program must not expose passwords here. Throws NetworkError (NET_POLICY).
 */
function refuseUncheckedTls(environment: NodeJS.ProcessEnv): void {
  if (environment.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    throw new NetworkError(
      'NET_POLICY',
      'NODE_TLS_REJECT_UNAUTHORIZED=0 is set, which switches off certificate checks: unset it',
    )
  }
}

/** Node takes a CA file without any certificate for an empty list, and then every server fails. */
function requireCertificate(pem: string, what: string): void {
  try {
    new X509Certificate(pem)
  } catch (error) {
    throw new NetworkError('NET_ARGUMENT', `${what} holds no readable PEM certificate`, error)
  }
}

function secureContext(
  ca: string | undefined,
  client: ClientCertificate | undefined,
): SecureContext {
  try {
    return createSecureContext({
      ...(ca === undefined ? {} : { ca }),
      ...(client ? { cert: client.certificate, key: client.key } : {}),
      minVersion: 'TLSv1.2',
      // Node looks at the certificate once; TLS 1.2 would let the server show another one later.
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    throw new NetworkError('NET_ARGUMENT', keyProblem(code, client?.key), error)
  }
}

function keyProblem(code: string, key: string | undefined): string {
  if (code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH') {
    return 'the key does not belong to the client certificate'
  }
  // By the label (RFC 7468) or header (RFC 1421): OpenSSL tries the empty passphrase, and one in some 256 keys comes out
  // of that with right padding, so that its error is about the contents.
  if (/^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(key ?? '')) {
    return 'the key of the client certificate has a passphrase: give it as a file without one'
  }
  return 'the client certificate or its key cannot be read as PEM'
}
