/**
 * What the client says about channel binding (RFC 5802 section 6). `n`: it can do none. `y`: it could, but the server
 * offers no -PLUS. `p`: bound to the TLS session by `data`, of the type `tls-exporter` (RFC 9266) or
 * `tls-server-end-point` (RFC 5929).
 */
export type ChannelBinding =
  | { readonly flag: 'n' }
  | { readonly flag: 'y' }
  | { readonly flag: 'p'; readonly type: string; readonly data: Uint8Array }

/** The header of RFC 5801 section 4, with its last comma; `authorizationIdentity` as it is, not yet escaped. */
export function gs2Header(binding: ChannelBinding, authorizationIdentity?: string): string {
  const flag = binding.flag === 'p' ? `p=${binding.type}` : binding.flag
  const identity =
    authorizationIdentity === undefined ? '' : `a=${escapeName(authorizationIdentity)}`
  return `${flag},${identity},`
}

/** `saslname` of RFC 5801 section 4 and RFC 5802 section 5.1. */
export function escapeName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C')
}
