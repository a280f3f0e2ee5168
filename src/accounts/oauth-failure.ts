/** What a failure of OAuth means to the owner of an account. */
import { AuthorizationError } from './errors.ts'
import { loginCommand } from './login-command.ts'
import type { OAuthProvider } from './oauth-provider.ts'

/** Whose failure it is, and what must not be printed. */
export interface FailureContext {
  readonly account: string
  readonly provider: OAuthProvider
  /** Tokens, codes and verifiers of the failed request: a server may repeat them in its answer. */
  readonly secrets: readonly (string | undefined)[]
  readonly isDeviceFlow?: boolean | undefined
}

// RFC 6749 section 5.2, and what Entra ID says where a second factor or a consent is due.
const ENDED = new Set([
  'invalid_grant',
  'interaction_required',
  'login_required',
  'consent_required',
])

// RFC 8628 section 3.5; authorization_declined is Microsoft's word.
const DECLINED = new Set(['access_denied', 'authorization_declined'])

const PASSING = new Set(['temporarily_unavailable', 'server_error', 'slow_down'])

/**
 * The AuthorizationError for what openid-client threw. Its errors hold requests and answers with their tokens, so none of
 * them becomes a cause. What is neither its error nor ours is returned as it is: a fault of the program.
 */
export async function authorizationFailure(
  error: unknown,
  context: FailureContext,
): Promise<unknown> {
  const { AuthorizationResponseError, ClientError, ResponseBodyError } = await import(
    'openid-client'
  )
  if (error instanceof AuthorizationError) return error
  if (error instanceof ResponseBodyError || error instanceof AuthorizationResponseError) {
    return refusedGrant(error.error, error.error_description, context)
  }
  if (!(error instanceof ClientError)) return error
  // Thrown by our fetch, and wrapped on its way through the library.
  if (error.cause instanceof AuthorizationError) return error.cause
  const host = new URL(context.provider.tokenEndpoint).host
  return new AuthorizationError('OAUTH_POLICY', `the answer of ${host} holds no usable token`)
}

/** The AuthorizationError for an OAuth error code and its description, both from the server. */
export function refusedGrant(
  error: string,
  description: string | undefined,
  context: FailureContext,
): AuthorizationError {
  const { account, provider } = context
  const serverText = withoutSecrets(description ? `${error}: ${description}` : error, context)
  const login = `run: ${loginCommand(account)}`
  // Entra ID: conditional access, which often forbids the device flow only.
  if (context.isDeviceFlow && /AADSTS530\d{2,3}\b/.test(serverText)) {
    return new AuthorizationError('OAUTH_NEEDS_OWNER', deviceFlowAdvice(account), serverText)
  }
  if (ENDED.has(error)) {
    const message = `${provider.name} no longer accepts the login of ${account}; ${login}`
    return new AuthorizationError('OAUTH_NEEDS_OWNER', message, serverText)
  }
  if (DECLINED.has(error)) {
    const message = `access to the mail of ${account} was not granted; ${login}`
    return new AuthorizationError('OAUTH_NEEDS_OWNER', message, serverText)
  }
  if (error === 'expired_token') {
    return new AuthorizationError('OAUTH_NEEDS_OWNER', tooLate(account), serverText)
  }
  if (PASSING.has(error)) {
    return new AuthorizationError('OAUTH_TEMPORARY', `${provider.name} is busy`, serverText)
  }
  return new AuthorizationError(
    'OAUTH_REFUSED',
    `${provider.name} does not take this client or what it asks for`,
    serverText,
  )
}

/** For Microsoft's policies: conditional access, and security defaults, which show success but give no refresh token. */
export function deviceFlowAdvice(account: string): string {
  return (
    'a policy of the organisation blocks the device flow; ' +
    `log in on a machine with a browser, run: ${loginCommand(account, '--flow browser')}`
  )
}

export function tooLate(account: string): string {
  return `the time to grant access has passed; run: ${loginCommand(account)}`
}

function withoutSecrets(text: string, { provider, secrets }: FailureContext): string {
  let clean = text
  for (const secret of [...secrets, provider.clientSecret]) {
    if (!secret) continue
    for (const form of [secret, encodeURIComponent(secret)]) {
      clean = clean.replaceAll(form, '[redacted]')
    }
  }
  return clean.slice(0, 500)
}
