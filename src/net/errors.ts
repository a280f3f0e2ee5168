/**
 * Why there is no connection, or no longer one. NET_DNS: no such host. NET_REFUSED: nobody listens, or no route.
 * NET_TIMEOUT: a deadline passed. NET_CLOSED: the other side ended or reset it. NET_NO_TLS: what answers there does not
 * speak TLS. NET_TLS: the handshake, the certificate or the pin failed. NET_POLICY: what was asked for is not permitted;
 * nothing was sent.
 */
export type NetworkErrorCode =
  | 'NET_DNS'
  | 'NET_REFUSED'
  | 'NET_TIMEOUT'
  | 'NET_CLOSED'
  | 'NET_NO_TLS'
  | 'NET_TLS'
  | 'NET_POLICY'

export class NetworkError extends Error {
  override readonly name = 'NetworkError'
  readonly code: NetworkErrorCode

  constructor(code: NetworkErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

const byNodeCode: Readonly<Record<string, NetworkErrorCode>> = {
  ENOTFOUND: 'NET_DNS',
  EAI_AGAIN: 'NET_DNS',
  EAI_FAIL: 'NET_DNS',
  EAI_NODATA: 'NET_DNS',
  ECONNREFUSED: 'NET_REFUSED',
  EHOSTUNREACH: 'NET_REFUSED',
  ENETUNREACH: 'NET_REFUSED',
  EACCES: 'NET_REFUSED',
  EADDRNOTAVAIL: 'NET_REFUSED',
  ETIMEDOUT: 'NET_TIMEOUT',
  ECONNRESET: 'NET_CLOSED',
  ECONNABORTED: 'NET_CLOSED',
  EPIPE: 'NET_CLOSED',
  // A greeting in clear text, taken for the head of a TLS record.
  ERR_SSL_WRONG_VERSION_NUMBER: 'NET_NO_TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'NET_NO_TLS',
}

const sentences: Readonly<Record<NetworkErrorCode, string>> = {
  NET_DNS: 'the host name does not resolve',
  NET_REFUSED: 'the connection was refused',
  NET_TIMEOUT: 'the connection timed out',
  NET_CLOSED: 'the connection was reset',
  NET_NO_TLS: 'this port does not speak TLS (is it the clear-text port?)',
  NET_TLS: 'no TLS session came about',
  NET_POLICY: 'not permitted',
}

/** Wraps what a Node socket reports. What no network cause explains comes from TLS. */
export function networkError(error: Error, where: string): NetworkError {
  if (error instanceof NetworkError) return error
  const nodeCode = 'code' in error ? String(error.code) : ''
  const code = byNodeCode[nodeCode] ?? 'NET_TLS'
  const reason = reasonOf(error)
  const detail = code === 'NET_TLS' && reason !== '' ? ` (${reason})` : ''
  return new NetworkError(code, `${where}: ${sentences[code]}${detail}`, error)
}

/** OpenSSL's message is a line of its error stack; Node has the words of it in `reason`. */
function reasonOf(error: Error): string {
  const isFromOpenSsl = 'library' in error && 'reason' in error
  return isFromOpenSsl ? String(error.reason) : error.message.trim()
}
