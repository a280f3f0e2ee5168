/** The address of a proxy, as the config and --proxy have it. */
import { UsageError } from './errors.ts'
import { parseHostPort } from './host-port.ts'

export interface ProxyAddress {
  /** SOCKS5 (RFC 1928) or HTTP CONNECT (RFC 9110 section 9.3.6). */
  readonly type: 'socks5' | 'http'
  readonly host: string
  readonly port: number
  /** Its password is never part of an address. */
  readonly user?: string | undefined
}

const PROXY_FORM = 'a proxy is socks5://[USER@]HOST[:PORT] or http://[USER@]HOST[:PORT]'

// SOCKS has one registered port. HTTP proxies have none; 3128 is what squid, and curl after 1080, made usual.
const SCHEMES = new Map<string, { readonly type: ProxyAddress['type']; readonly port: number }>([
  ['socks5', { type: 'socks5', port: 1080 }],
  // curl's word for "the proxy resolves the name", which is what we do with every SOCKS5 proxy.
  ['socks5h', { type: 'socks5', port: 1080 }],
  ['http', { type: 'http', port: 3128 }],
])

/**
 * Reads the URL of a proxy. A trailing slash is allowed, since people copy it so; path, query, fragment and password are
 * refused. IPv6 addresses stand in brackets.
 *
 * Throws UsageError. No message repeats the URL, since a password may be in it.
 */
export function parseProxyUrl(url: string): ProxyAddress {
  const [, scheme = '', rest = ''] = /^([a-z0-9+.-]+):\/\/(.*)$/is.exec(url) ?? []
  const kind = SCHEMES.get(scheme.toLowerCase())
  const authority = rest.replace(/\/$/, '')
  const at = authority.lastIndexOf('@')
  const encodedUser = authority.slice(0, Math.max(at, 0))
  if (encodedUser.includes(':')) {
    throw new UsageError(
      'the address of a proxy holds no password: others could read it there; it is the environment variable ' +
        'POPKEEP_PROXY_PASSWORD (a colon in the user is written %3A)',
    )
  }
  const user = at < 0 ? undefined : decodeUser(encodedUser)
  const server = parseHostPort(authority.slice(at + 1))
  if (kind === undefined || typeof server === 'string' || user === '') {
    throw new UsageError(PROXY_FORM)
  }
  return { type: kind.type, host: server.host, port: server.port ?? kind.port, user }
}

/** Empty if it is none. */
function decodeUser(encoded: string): string {
  try {
    const user = decodeURIComponent(encoded)
    return /[\0-\x1f\x7f]/.test(user) ? '' : user
  } catch {
    return ''
  }
}
