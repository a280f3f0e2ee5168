/** `HOST[:PORT]`, as it ends the authority of a URL (RFC 3986 section 3.2). */
import { isIPv6 } from 'node:net'

export interface HostPort {
  /** A name, an IPv4 address, or an IPv6 address without its brackets. */
  readonly host: string
  /** Undefined if it is left away. */
  readonly port: number | undefined
}

/** Gives the part that is wrong if it is none. */
export function parseHostPort(text: string): HostPort | 'host' | 'port' {
  const [, literal, name, digits = ''] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d*))?$/.exec(text) ?? []
  const host = literal ?? name ?? ''
  const isHost = literal === undefined ? /^[\p{L}\p{M}\p{N}._-]+$/u.test(host) : isIPv6(literal)
  if (!isHost) return 'host'
  if (digits === '') return { host, port: undefined }
  const port = Number(digits)
  return port < 1 || port > 65_535 ? 'port' : { host, port }
}
