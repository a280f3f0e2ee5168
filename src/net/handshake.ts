/** TLS over a socket that is open already: the same for implicit TLS and for STLS. */
import type { X509Certificate } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { certificateFacts, peerChain, pinOf, type TlsFacts } from './certificate.ts'
import { asciiHost, isForHost } from './certificate-name.ts'
import { certificateProblem, WRONG_NAME } from './certificate-problem.ts'
import { NetworkError, networkError } from './errors.ts'
import type { Trust } from './trust.ts'

export interface Handshake {
  /** Nothing may be read from it or written to it before `secured`. */
  readonly socket: TLSSocket
  /** Rejects with NetworkError; then the socket is destroyed. */
  readonly secured: Promise<Secured>
}

export interface Secured {
  readonly facts: TlsFacts
  readonly certificate: X509Certificate | undefined
  /** Why the certificate is not to be trusted; always undefined after `verify`. */
  readonly problem: NetworkError | undefined
}

export interface HandshakeOptions {
  readonly trust: Trust
  /** The server, in errors. */
  readonly where: string
  /** `inspect` comes about with any certificate: only to look at it. */
  readonly purpose: 'verify' | 'inspect'
  /** Changes what clear text instead of TLS means. */
  readonly isAfterStls: boolean
}

/**
 * Begins at once; `raw` must not be used any more. TLS 1.2 or newer, and no session is resumed, so the certificate is
 * looked at each time.
 */
export function beginHandshake(raw: Socket, options: HandshakeOptions): Handshake {
  const { trust, purpose } = options
  const host = asciiHost(trust.host)
  let chain: readonly X509Certificate[] = []
  const socket = connectTls({
    socket: raw,
    secureContext: trust.context,
    // RFC 6186 section 4; Gmail shows a self-signed certificate to a client that names no host.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    rejectUnauthorized: purpose === 'verify' && trust.pin === undefined,
    checkServerIdentity: () => {
      const [certificate] = peerChain(socket)
      return certificate && isForHost(certificate, trust.host) ? undefined : wrongName()
    },
  })
  // Node emits this before it verifies, and after a failure the chain is gone. Only sentences depend on it.
  socket.prependOnceListener('secure', () => {
    chain = peerChain(socket)
  })
  const secured = new Promise<Secured>((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.destroy()
      reject(handshakeError(error, chain, options))
    }
    socket.on('error', fail)
    socket.once('close', () => fail(closedError(options.where)))
    socket.once('secureConnect', () => {
      chain = peerChain(socket)
      const result = securedBy(socket, chain, options)
      if (result.problem && purpose === 'verify') fail(result.problem)
      else resolve(result)
    })
  })
  return { socket, secured }
}

function wrongName(): Error {
  return Object.assign(new Error('the certificate is for another host'), { code: WRONG_NAME })
}

function securedBy(
  socket: TLSSocket,
  chain: readonly X509Certificate[],
  { trust, where }: HandshakeOptions,
): Secured {
  const [certificate] = chain
  const isPinned =
    trust.pin !== undefined && certificate !== undefined && pinOf(certificate) === trust.pin
  const facts = {
    version: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().standardName,
    chain: chain.map(certificateFacts),
    isPinned,
  }
  const sentence = trust.pin === undefined ? verdict(socket, chain, trust) : pinVerdict(isPinned)
  const problem =
    sentence === undefined ? undefined : new NetworkError('NET_TLS', `${where}: ${sentence}`)
  return { facts, certificate, problem }
}

function pinVerdict(isPinned: boolean): string | undefined {
  return isPinned ? undefined : "the server's key is not the pinned one"
}

function verdict(
  socket: TLSSocket,
  chain: readonly X509Certificate[],
  trust: Trust,
): string | undefined {
  if (socket.authorized && chain.length > 0) return undefined
  const code = String(socket.authorizationError ?? '')
  return certificateProblem(code, chain, trust) ?? `the certificate is not valid (${code})`
}

/** What failed, as the person at the other end of it all needs to hear it. */
function handshakeError(
  error: Error,
  chain: readonly X509Certificate[],
  { trust, where, isAfterStls }: HandshakeOptions,
): NetworkError {
  if (error instanceof NetworkError) return error
  const code = 'code' in error ? String(error.code) : ''
  const problem = certificateProblem(code, chain, trust)
  if (problem !== undefined) return new NetworkError('NET_TLS', `${where}: ${problem}`, error)
  if (code === 'ECONNRESET') return closedError(where, error)
  const failure = networkError(error, where)
  if (failure.code !== 'NET_NO_TLS' || !isAfterStls) return failure
  return new NetworkError(
    'NET_TLS',
    `${where}: clear text came behind the reply to STLS; somebody may be tampering with the connection`,
    error,
  )
}

function closedError(where: string, cause?: unknown): NetworkError {
  return new NetworkError(
    'NET_CLOSED',
    `${where}: the connection was closed during the TLS handshake`,
    cause,
  )
}
