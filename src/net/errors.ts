/**
 * Why there is no connection, or no longer one. NET_DNS: no such host. NET_REFUSED: nobody listens, or no route.
 * NET_TIMEOUT: a deadline passed. NET_CLOSED: the other side ended or reset it. NET_NO_TLS: what answers there does not
 * speak TLS. NET_TLS: the handshake, the certificate or the pin failed. NET_POLICY: what was asked for is not permitted;
 * nothing was sent. NET_ARGUMENT: a certificate, a key or a host name that cannot be used; nothing was connected. NET_SYSTEM:
 * this machine has no descriptor left for a socket.
 */
export type NetworkErrorCode =
  | 'NET_DNS'
  | 'NET_REFUSED'
  | 'NET_TIMEOUT'
  | 'NET_CLOSED'
  | 'NET_NO_TLS'
  | 'NET_TLS'
  | 'NET_POLICY'
  | 'NET_ARGUMENT'
  | 'NET_SYSTEM'

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
  EMFILE: 'NET_SYSTEM',
  ENFILE: 'NET_SYSTEM',
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
  NET_ARGUMENT: 'cannot be used',
  NET_SYSTEM: 'too many files are open',
}

/** What a code of OpenSSL's, or of the system, means to a person more closely; the sentence of NET_TLS stands for OpenSSL's others. */
const sentenceByNodeCode: Readonly<Record<string, string>> = {
  EMFILE: 'too many files are open (EMFILE)',
  ENFILE: 'too many files are open (ENFILE)',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the server offers no TLS newer than 1.1',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the server offers no TLS newer than 1.1',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the server wants a client certificate',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the server does not accept the client certificate',
  // OpenSSL has renamed it since Node 20.
  'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE': 'the server does not accept the client certificate',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'the server does not accept the client certificate',
}

/**
 * Wraps what a Node socket reports; several addresses that all failed become one error. What no network cause explains
 * comes from TLS.
 */
export function networkError(error: Error, where: string): NetworkError {
  if (error instanceof NetworkError) return error
  if (error instanceof AggregateError) return noAddressAnswers(error, where)
  const nodeCode = 'code' in error ? String(error.code) : ''
  const code = byNodeCode[nodeCode] ?? 'NET_TLS'
  const reason = reasonOf(error)
  const detail = code === 'NET_TLS' && reason !== '' ? ` (${reason})` : ''
  const sentence = sentenceByNodeCode[nodeCode] ?? `${sentences[code]}${detail}`
  return new NetworkError(code, `${where}: ${sentence}`, error)
}

/** Node's own sentence for them is empty. */
function noAddressAnswers(error: AggregateError, where: string): NetworkError {
  const each = error.errors.map((one: object) => addressFailure(one))
  const areLate = each.every(({ code }) => code === 'NET_TIMEOUT')
  const list = each.map(({ address, code }) => `${address}: ${shortly[code] ?? sentences[code]}`)
  return new NetworkError(
    areLate ? 'NET_TIMEOUT' : 'NET_REFUSED',
    `${where}: none of its ${each.length} addresses answers (${list.join('; ')})`,
    error,
  )
}

const shortly: Partial<Readonly<Record<NetworkErrorCode, string>>> = {
  NET_REFUSED: 'refused',
  NET_TIMEOUT: 'no answer in time',
}

function addressFailure(error: object): { address: string; code: NetworkErrorCode } {
  const { code = '', address = 'unknown' } = error as { code?: unknown; address?: unknown }
  return { address: String(address), code: byNodeCode[String(code)] ?? 'NET_REFUSED' }
}

/** OpenSSL's message is a line of its error stack; Node has the words of it in `reason`. */
function reasonOf(error: Error): string {
  const isFromOpenSsl = 'library' in error && 'reason' in error
  return isFromOpenSsl ? String(error.reason) : error.message.trim()
}
