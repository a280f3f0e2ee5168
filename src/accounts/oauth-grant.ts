/** What a provider granted, and the form in which it is kept. */
import * as v from 'valibot'

import { isToken } from './access-token.ts'
import { AuthorizationError } from './errors.ts'
import { MAX_TOKEN_LIFE_S, TOKEN_LIFE_S } from './limits.ts'
import type { OAuthProvider } from './oauth-provider.ts'

export interface Grant {
  readonly accessToken: string
  /** Ms since the epoch. */
  readonly expiresAt: number
  /** Undefined if the provider gave none: the access ends with the access token. */
  readonly refreshToken: string | undefined
}

/** Whose grant it is. It is never used for another one: an edited config must not send tokens elsewhere. */
export interface GrantOwner {
  readonly account: string
  readonly host: string
  readonly user: string
  readonly provider: OAuthProvider
}

/** A grant read back; `changed`: it is for another host, user, client or provider than the config has now. */
export type Stored =
  | { readonly state: 'good'; readonly grant: Grant }
  | { readonly state: 'none' | 'damaged' | 'changed' }

/** The fields of a token answer (RFC 6749 section 5.1) that are used, as openid-client checked them. */
export interface TokenAnswer {
  readonly access_token: string
  /** Seconds. */
  readonly expires_in?: number | undefined
  readonly refresh_token?: string | undefined
}

/**
 * The grant of an answer that came at `now` (ms since the epoch). Without a new refresh token the `old` one stays. Throws
 * AuthorizationError (OAUTH_POLICY) for tokens too long, or with characters that have a meaning of their own in SASL.
 */
export function grantOf(answer: TokenAnswer, now: number, old?: string): Grant {
  const refreshToken = answer.refresh_token ?? old
  if (!isToken(answer.access_token) || (refreshToken !== undefined && !isToken(refreshToken))) {
    throw new AuthorizationError(
      'OAUTH_POLICY',
      'the provider gave a token that cannot be used: too long, or with blanks or the like',
    )
  }
  const life = Math.min(answer.expires_in ?? TOKEN_LIFE_S, MAX_TOKEN_LIFE_S)
  // What is kept is a whole number, and would be damaged otherwise; an answer may have fractions of a second.
  const expiresAt = Math.floor(now + life * 1000)
  return { accessToken: answer.access_token, expiresAt, refreshToken }
}

const token = v.pipe(v.string(), v.check(isToken))

const storedSchema = v.object({
  version: v.literal(1),
  for: v.record(v.string(), v.string()),
  accessToken: token,
  refreshToken: v.optional(token),
  expiresAt: v.pipe(v.number(), v.safeInteger()),
})

/** One JSON document, ended by LF. */
export function formatStored(grant: Grant, owner: GrantOwner): string {
  return `${JSON.stringify({ version: 1, for: bindingOf(owner), ...grant }, null, 2)}\n`
}

export function parseStored(text: string, owner: GrantOwner): Stored {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Its owner logs in again; the parser's message would show a piece of the text.
    return { state: 'damaged' }
  }
  const result = v.safeParse(storedSchema, value)
  if (!result.success) return { state: 'damaged' }
  const { for: binding, accessToken, refreshToken, expiresAt } = result.output
  const wanted = Object.entries(bindingOf(owner))
  const isOwn =
    wanted.length === Object.keys(binding).length &&
    wanted.every(([key, word]) => binding[key] === word)
  if (!isOwn) return { state: 'changed' }
  return { state: 'good', grant: { accessToken, refreshToken, expiresAt } }
}

function bindingOf({ account, host, user, provider }: GrantOwner): Record<string, string> {
  return {
    account,
    host: host.toLowerCase(),
    user,
    clientId: provider.clientId,
    tokenEndpoint: provider.tokenEndpoint,
    authorizationEndpoint: provider.authorizationEndpoint,
    scope: provider.scope,
  }
}
