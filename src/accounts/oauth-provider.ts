/** Who gives access tokens, and how it is asked. */

/** What a provider is and wants. Endpoints are https URLs (http only to this machine). */
export interface OAuthProvider {
  /** As `oauth = NAME` has it. */
  readonly name: string
  readonly authorizationEndpoint: string | undefined
  readonly tokenEndpoint: string
  readonly deviceEndpoint: string | undefined
  readonly issuer: string | undefined
  /** Words with spaces between them. */
  readonly scope: string
  readonly clientId: string
  /** Not confidential: that of a desktop application. */
  readonly clientSecret: string | undefined
}
