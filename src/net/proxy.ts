/** Ways through somebody else's machine to a server that cannot be reached directly. */

export interface ProxyServer {
  readonly type: 'socks5' | 'http'
  readonly host: string
  readonly port: number
  readonly user?: string | undefined
  /** Its password; crosses the network as the proxy's protocol has it, in clear text. */
  readonly secret?: string | undefined
}

/** A server behind a proxy. The proxy looks the name up: it may know hosts that this machine does not. */
export interface Destination {
  readonly host: string
  readonly port: number
}

/** As errors name it; never with user or secret. */
export function proxyName({ type, host, port }: ProxyServer): string {
  const name = type === 'socks5' ? 'SOCKS5 proxy' : 'HTTP proxy'
  return `${name} ${authority({ host, port })}`
}

/** `host:port`, with brackets about an IPv6 address. */
export function authority({ host, port }: Destination): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
