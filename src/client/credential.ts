/** What proves to a server that a maildrop is ours. */
export type Credential =
  | { readonly type: 'password'; readonly secret: string }
  | {
      /** An OAuth access token. */
      readonly type: 'token'
      /** One that is good for some minutes yet. */
      token(signal: AbortSignal): Promise<string>
      /** Another one, where the server refused this; undefined: there is none. Asked once in a login. */
      renew?(rejected: string, signal: AbortSignal): Promise<string | undefined>
    }
  /** The client certificate that TLS shows (EXTERNAL, RFC 4422 appendix A). */
  | { readonly type: 'certificate' }
