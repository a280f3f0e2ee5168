/** The device flow (RFC 8628): the person types a code on any device that has a browser. */
import type { Configuration, CustomFetch, DeviceAuthorizationResponse } from 'openid-client'

import { AuthorizationError } from './errors.ts'
import {
  DEVICE_INTERVAL_S,
  DEVICE_PAUSE_S,
  MIN_DEVICE_INTERVAL_S,
  OAUTH_LOGIN_MS,
} from './limits.ts'
import { authorizationFailure, tooLate } from './oauth-failure.ts'
import type { TokenAnswer } from './oauth-grant.ts'
import { guardedFetch, type OAuthSurroundings, oauthClient } from './oauth-http.ts'
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
    return await poll(client, device, { ask: guardedFetch(surroundings, signal), late, signal })
  } catch (error) {
    signal.throwIfAborted()
    throw await authorizationFailure(error, { account, provider, secrets, isDeviceFlow: true })
  }
}

interface Polling {
  readonly ask: CustomFetch
  /** What is thrown at the end of the code's life. */
  readonly late: AuthorizationError
  readonly signal: AbortSignal
}

async function poll(
  client: Configuration,
  device: DeviceAuthorizationResponse,
  { ask, late, signal }: Polling,
): Promise<TokenAnswer> {
  const oauth = await import('openid-client')
  let interval = Math.max(device.interval ?? DEVICE_INTERVAL_S, MIN_DEVICE_INTERVAL_S)
  // The library is slower from a slow_down on too, but forgets it where a fault ends its polling.
  client[oauth.customFetch] = async (url, options) => {
    const response = await ask(url, options)
    if (await saysSlowDown(response)) interval += DEVICE_INTERVAL_S
    return response
  }
  const expiry = new AbortController()
  const lifeMs = Math.min(device.expires_in * 1000, OAUTH_LOGIN_MS)
  const timer = setTimeout(() => expiry.abort(late), lifeMs)
  const end = AbortSignal.any([signal, expiry.signal])
  try {
    for (let pause = DEVICE_PAUSE_S; ; pause *= 2) {
      try {
        const paced = { ...device, interval }
        return await oauth.pollDeviceAuthorizationGrant(client, paced, undefined, { signal: end })
      } catch (error) {
        end.throwIfAborted()
        if (!isPassing(error)) throw error
      }
      // RFC 8628 section 3.5: fewer questions to a provider that does not answer.
      interval = Math.max(interval, pause)
    }
  } finally {
    clearTimeout(timer)
  }
}

/** RFC 8628 section 3.5. */
async function saysSlowDown(response: Response): Promise<boolean> {
  if (response.ok) return false
  const answer: unknown = await response.clone().json()
  return (
    typeof answer === 'object' && answer !== null && Reflect.get(answer, 'error') === 'slow_down'
  )
}

/** Our fetch threw it, and the library wrapped it. */
function isPassing(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof AuthorizationError && cause.code === 'OAUTH_TEMPORARY'
}
