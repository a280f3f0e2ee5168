/** The authorization code grant with PKCE (RFC 6749 section 4.1, RFC 7636): the request, and what comes back. */
import { createHash, timingSafeEqual } from 'node:crypto'

import { AuthorizationError } from './errors.ts'
import { authorizationFailure, type FailureContext, refusedGrant } from './oauth-failure.ts'
import type { TokenAnswer } from './oauth-grant.ts'
import { type OAuthSurroundings, oauthClient } from './oauth-http.ts'
import type { OAuthProvider } from './oauth-provider.ts'

/** Who wants in where. */
export interface LoginAccount {
  readonly name: string
  /** The login name, proposed to the provider as the one to choose. */
  readonly user: string
}

/** One request for authorization. Its state and verifier serve once. */
export interface Authorization {
  /** What a browser is to open. */
  readonly url: string
  /** Whether these are the parameters of a response to this very request. Takes the same time however wrong they are. */
  isOwn(parameters: URLSearchParams): boolean
  /**
   * Exchanges the code for tokens. Throws AuthorizationError, also for a response that is not own, comes from another
   * issuer (RFC 9207), says no, or was redeemed before; and the signal's reason.
   */
  redeem(parameters: URLSearchParams): Promise<TokenAnswer>
}

/** `redirectUri` goes to the provider letter by letter as it is given here. */
export async function startAuthorization(
  account: LoginAccount,
  provider: OAuthProvider,
  redirectUri: string,
  surroundings: OAuthSurroundings,
  signal: AbortSignal,
): Promise<Authorization> {
  const client = await oauthClient(provider, surroundings, signal)
  const { buildAuthorizationUrl, calculatePKCECodeChallenge, randomPKCECodeVerifier, randomState } =
    await import('openid-client')
  // 256 bits each.
  const state = randomState()
  const verifier = randomPKCECodeVerifier()
  const url = buildAuthorizationUrl(client, {
    ...provider.authorizationParameters,
    redirect_uri: redirectUri,
    scope: provider.scope,
    state,
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    login_hint: account.user,
  })
  const isOwn = (parameters: URLSearchParams) => isSame(single(parameters, 'state') ?? '', state)
  let isRedeemed = false
  return {
    url: url.href,
    isOwn,
    async redeem(parameters) {
      const context = { account: account.name, provider, secrets: [verifier] }
      if (isRedeemed || !isOwn(parameters)) {
        const message = 'what came back from the browser does not belong to this login'
        throw new AuthorizationError('OAUTH_POLICY', message)
      }
      isRedeemed = true
      const code = codeOf(parameters, context)
      try {
        const { genericGrantRequest } = await import('openid-client')
        // The grant of its own would write a redirect URI without path with a slash at its end, unlike the request.
        return await genericGrantRequest(client, 'authorization_code', {
          code,
          redirect_uri: redirectUri,
          code_verifier: verifier,
        })
      } catch (error) {
        signal.throwIfAborted()
        throw await authorizationFailure(error, { ...context, secrets: [verifier, code] })
      }
    },
  }
}

function codeOf(parameters: URLSearchParams, context: FailureContext): string {
  const { provider } = context
  const issuer = single(parameters, 'iss')
  if (provider.issuer !== undefined && issuer !== undefined && issuer !== provider.issuer) {
    const message = `the answer is not from ${provider.issuer}; another provider may have sent it`
    throw new AuthorizationError('OAUTH_POLICY', message)
  }
  const error = single(parameters, 'error')
  const code = single(parameters, 'code')
  if (error !== undefined || code === undefined) {
    const description = single(parameters, 'error_description')
    throw refusedGrant(error ?? 'no code', description, context)
  }
  return code
}

/** RFC 6749 section 3.1: parameters do not repeat, and an empty one is as if left out. */
function single(parameters: URLSearchParams, name: string): string | undefined {
  const [value, ...more] = parameters.getAll(name)
  return more.length > 0 || value === '' ? undefined : value
}

function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}
