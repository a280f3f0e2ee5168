/** The device flow (RFC 8628): the person types a code on any device that has a browser. */
import type { Configuration, DeviceAuthorizationResponse } from 'openid-client'

import { AuthorizationError } from './errors.ts'
import { DEVICE_PAUSE_S, OAUTH_LOGIN_MS } from './limits.ts'
import { authorizationFailure, tooLate } from './oauth-failure.ts'
import type { TokenAnswer } from './oauth-grant.ts'
import { type OAuthSurroundings, oauthClient } from './oauth-http.ts'
import { isTrustworthy, type OAuthProvider } from './oauth-provider.ts'

/** What the person needs; both are the provider's words, the URL checked to be https. */
export interface DeviceCode {
  readonly url: string
  readonly code: string
}

/**
 * Asks for a code, shows it, and polls until the person has used it, as slowly as the provider wants. A passing fault of
 * the network ends nothing. Throws AuthorizationError, and the signal's reason.
 */
export async function grantByDevice(
  account: string,
  provider: OAuthProvider,
  show: (code: DeviceCode) => void,
  surroundings: OAuthSurroundings,
  signal: AbortSignal,
): Promise<TokenAnswer> {
  const { initiateDeviceAuthorization } = await import('openid-client')
  const secrets: string[] = []
  try {
    const client = await oauthClient(provider, surroundings, signal)
    const device = await initiateDeviceAuthorization(client, { scope: provider.scope })
    secrets.push(device.device_code)
    if (!isTrustworthy(device.verification_uri)) {
      throw new AuthorizationError('OAUTH_POLICY', 'the page for the code is not an https page')
    }
    show({ url: device.verification_uri, code: device.user_code })
    const late = new AuthorizationError('OAUTH_NEEDS_OWNER', tooLate(account))
    return await poll(client, device, late, signal)
  } catch (error) {
    signal.throwIfAborted()
    throw await authorizationFailure(error, { account, provider, secrets, isDeviceFlow: true })
  }
}

async function poll(
  client: Configuration,
  device: DeviceAuthorizationResponse,
  late: AuthorizationError,
  signal: AbortSignal,
): Promise<TokenAnswer> {
  const { pollDeviceAuthorizationGrant } = await import('openid-client')
  const expiry = new AbortController()
  const lifeMs = Math.min(device.expires_in * 1000, OAUTH_LOGIN_MS)
  const timer = setTimeout(() => expiry.abort(late), lifeMs)
  const end = AbortSignal.any([signal, expiry.signal])
  try {
    for (let pause = DEVICE_PAUSE_S; ; pause *= 2) {
      try {
        return await pollDeviceAuthorizationGrant(client, device, undefined, { signal: end })
      } catch (error) {
        end.throwIfAborted()
        if (!isPassing(error)) throw error
      }
      // RFC 8628 section 3.5: fewer questions to a provider that does not answer.
      device = { ...device, interval: Math.max(device.interval ?? 0, pause) }
    }
  } finally {
    clearTimeout(timer)
  }
}

/** Our fetch threw it, and the library wrapped it. */
function isPassing(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof AuthorizationError && cause.code === 'OAUTH_TEMPORARY'
}
