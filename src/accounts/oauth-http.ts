/** The way to an OAuth provider: https, no redirects, bounded answers, and nothing of them in an error. */
import type { Configuration, CustomFetch } from 'openid-client'

import { AuthorizationError } from './errors.ts'
import { MAX_OAUTH_ANSWER_OCTETS, OAUTH_REQUEST_MS } from './limits.ts'
import { isTrustworthy, type OAuthProvider } from './oauth-provider.ts'

/** What OAuth has of the process it runs in. */
export interface OAuthSurroundings {
  /** HOME and XDG_STATE_HOME say where tokens are; NODE_TLS_REJECT_UNAUTHORIZED must not be 0. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Ms since the epoch. */
  readonly now: () => number
  readonly fetch?: typeof fetch | undefined
}

/** A client of openid-client for this provider. The package is loaded here first. */
export async function oauthClient(
  provider: OAuthProvider,
  surroundings: OAuthSurroundings,
  signal: AbortSignal,
): Promise<Configuration> {
  const client = await import('openid-client')
  const { authorizationEndpoint, tokenEndpoint, deviceEndpoint, clientId, clientSecret } = provider
  const configuration = new client.Configuration(
    {
      // The library wants one; without any in the config nothing is compared with it.
      issuer: provider.issuer ?? new URL(tokenEndpoint).origin,
      authorization_endpoint: authorizationEndpoint,
      token_endpoint: tokenEndpoint,
      ...(deviceEndpoint !== undefined && { device_authorization_endpoint: deviceEndpoint }),
    },
    clientId,
    undefined,
    clientSecret === undefined ? client.None() : client.ClientSecretPost(clientSecret),
  )
  configuration[client.customFetch] = guardedFetch(surroundings, signal)
  // The guard lets http go to this machine only.
  client.allowInsecureRequests(configuration)
  return configuration
}

/**
 * A fetch that throws AuthorizationError for all that is no answer of an OAuth provider, and `signal`'s reason once that
 * is aborted. What it returns is a JSON object, of status 200 or with a text in `error`.
 */
export function guardedFetch(surroundings: OAuthSurroundings, signal: AbortSignal): CustomFetch {
  return async (url, options) => {
    refuseUncheckedTls(surroundings.env)
    if (!isTrustworthy(url)) {
      throw new AuthorizationError('OAUTH_POLICY', 'an OAuth endpoint must begin with https://')
    }
    const { host } = new URL(url)
    const timeout = AbortSignal.timeout(OAUTH_REQUEST_MS)
    const ends = [signal, timeout, options.signal].filter((one) => one !== undefined)
    let response: Response
    let text: string | undefined
    try {
      response = await (surroundings.fetch ?? fetch)(url, {
        method: options.method,
        headers: options.headers,
        body: options.body ?? null,
        redirect: 'manual',
        signal: AbortSignal.any(ends),
      })
      text = await readBounded(response)
    } catch (error) {
      signal.throwIfAborted()
      options.signal?.throwIfAborted()
      throw transportFailure(error, host, timeout.aborted)
    }
    return checkedAnswer(response, text, host)
  }
}

/** As for mail servers: whoever switched certificate checks off for another program must not expose tokens here. */
function refuseUncheckedTls(env: OAuthSurroundings['env']): void {
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    throw new AuthorizationError(
      'OAUTH_POLICY',
      'NODE_TLS_REJECT_UNAUTHORIZED=0 is set, which switches off certificate checks: unset it',
    )
  }
}

/** Undefined if there is more than an answer may have. */
async function readBounded(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let octets = 0
  for await (const chunk of response.body ?? []) {
    octets += chunk.byteLength
    // Leaving the loop cancels the rest.
    if (octets > MAX_OAUTH_ANSWER_OCTETS) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function transportFailure(error: unknown, host: string, isTimeout: boolean): AuthorizationError {
  const code = isTimeout ? 'timeout' : systemCodeOf(error)
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ERR_SSL|ERR_TLS/.test(code)) {
    return new AuthorizationError('OAUTH_POLICY', `${host} is not trusted (${code})`)
  }
  return new AuthorizationError('OAUTH_TEMPORARY', `${host} cannot be reached (${code})`)
}

/** Fetch hides it in the causes, and with several addresses in a list of errors. */
function systemCodeOf(error: unknown): string {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; depth++) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code
    cause = cause instanceof AggregateError ? cause.errors[0] : cause.cause
  }
  return 'network'
}

function checkedAnswer(response: Response, text: string | undefined, host: string): Response {
  const { status } = response
  if (status === 408 || status === 429 || status >= 500) {
    throw new AuthorizationError('OAUTH_TEMPORARY', `${host} answers HTTP ${status}`)
  }
  if (status >= 300 && status < 400) {
    throw new AuthorizationError(
      'OAUTH_POLICY',
      `${host} sends tokens elsewhere (HTTP ${status}); that is not followed`,
    )
  }
  if (text === undefined) {
    throw new AuthorizationError('OAUTH_POLICY', `the answer of ${host} is longer than any token`)
  }
  const answer = parseObject(text)
  if (status >= 400 && typeof answer?.error !== 'string') {
    throw new AuthorizationError('OAUTH_REFUSED', `${host} answers HTTP ${status}`)
  }
  if (answer === undefined || (status < 400 && status !== 200)) {
    throw new AuthorizationError('OAUTH_POLICY', `${host} does not answer as an OAuth provider`)
  }
  return new Response(JSON.stringify(conforming(answer)), {
    status,
    headers: { 'content-type': 'application/json' },
  })
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? { ...value } : undefined
  } catch {
    // The caller says what it is not; the text may hold a token.
    return undefined
  }
}

/**
 * Numbers as strings become numbers (seen at Azure AD), and what is none is left out; so is a refresh token that is null or
 * empty, which means none. The ID token goes: nobody here asks who somebody is, and its checks would want keys and an issuer.
 */
function conforming({ id_token: _, ...answer }: Record<string, unknown>): object {
  for (const key of ['expires_in', 'interval']) {
    const seconds = Number(answer[key] ?? Number.NaN)
    if (seconds > 0 && Number.isFinite(seconds)) answer[key] = seconds
    else delete answer[key]
  }
  if ((answer.refresh_token ?? '') === '') delete answer.refresh_token
  return answer
}
