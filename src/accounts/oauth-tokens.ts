/** Access tokens for an account: from the store, renewed in time, by one run at a time. */
import type { AccessTokens } from './access-token.ts'
import { AuthorizationError } from './errors.ts'
import { TOKEN_GRACE_MS, TOKEN_MARGIN_MS } from './limits.ts'
import { loginCommand } from './login-command.ts'
import { authorizationFailure } from './oauth-failure.ts'
import { type Grant, type GrantOwner, grantOf, type Stored } from './oauth-grant.ts'
import { type OAuthSurroundings, oauthClient } from './oauth-http.ts'
import type { OAuthProvider } from './oauth-provider.ts'
import {
  openTokenStore,
  type StoreSurroundings,
  type TokenStorage,
  type TokenStore,
} from './token-store.ts'

/** The account as far as tokens are bound to it. */
export type TokenAccount = Omit<GrantOwner, 'account' | 'provider'> & { readonly name: string }

export interface TokenSurroundings extends OAuthSurroundings, StoreSurroundings {
  /** Does what the end of the process should wait for: not for long, see TOKEN_GRACE_MS. */
  readonly shielded?: (<T>(work: () => Promise<T>) => Promise<T>) | undefined
}

/**
 * The tokens that `popkeep login` stored. Nothing is read before the first call. A new refresh token is durable before the
 * access token that came with it is returned, and the provider is not asked for one that could not be kept; if it cannot be
 * reached, an access token that still lives is returned.
 *
 * The calls throw AuthorizationError: OAUTH_NEEDS_OWNER where only a new login helps, OAUTH_TEMPORARY, OAUTH_REFUSED or
 * OAUTH_POLICY; SecretError where the store cannot be read; what durable/ throws where it cannot be written; and the
 * signal's reason.
 */
export function oauthToken(
  account: TokenAccount,
  provider: OAuthProvider,
  storage: TokenStorage,
  surroundings: TokenSurroundings,
): AccessTokens {
  const { name, host, user } = account
  const owner: GrantOwner = { account: name, host, user, provider }
  const { now } = surroundings
  const open = () => openTokenStore(owner, storage, surroundings)
  const lives = ({ expiresAt }: Grant, marginMs: number) => expiresAt - now() > marginMs
  return {
    async accessToken(signal) {
      const store = await open()
      const seen = grantIn(await store.read(signal), owner)
      if (lives(seen, TOKEN_MARGIN_MS)) return seen.accessToken
      return store.locked(signal, async () => {
        const held = grantIn(await store.read(signal), owner)
        // Another run was faster; its token may be one that lives no longer than the margin.
        const isNew = held.accessToken !== seen.accessToken && lives(held, 0)
        if (isNew || lives(held, TOKEN_MARGIN_MS)) return held.accessToken
        try {
          return await refresh(store, held, owner, surroundings, signal)
        } catch (error) {
          const isPassing = error instanceof AuthorizationError && error.code === 'OAUTH_TEMPORARY'
          if (isPassing && lives(held, 0)) return held.accessToken
          throw error
        }
      })
    },
    async renew(rejected, signal) {
      const store = await open()
      return store.locked(signal, async () => {
        const held = grantIn(await store.read(signal), owner)
        if (held.accessToken !== rejected && lives(held, 0)) return held.accessToken
        if (held.refreshToken === undefined) return undefined
        return refresh(store, held, owner, surroundings, signal)
      })
    },
  }
}

function grantIn(stored: Stored, { account }: GrantOwner): Grant {
  if (stored.state === 'good') return stored.grant
  const login = `run: ${loginCommand(account)}`
  const reasons = {
    none: `there is no login for ${account} yet`,
    damaged: `the stored login of ${account} is damaged`,
    changed: `the stored login of ${account} is for another host, user or provider than the config has`,
  }
  throw new AuthorizationError('OAUTH_NEEDS_OWNER', `${reasons[stored.state]}; ${login}`)
}

/** Only under the lock. */
async function refresh(
  store: TokenStore,
  { refreshToken, accessToken }: Grant,
  owner: GrantOwner,
  surroundings: TokenSurroundings,
  signal: AbortSignal,
): Promise<string> {
  const { account, provider } = owner
  if (refreshToken === undefined) {
    const message = `the access to ${account} has ended, and ${provider.name} gave nothing to renew it`
    const login = `run: ${loginCommand(account)}`
    throw new AuthorizationError('OAUTH_NEEDS_OWNER', `${message}; ${login}`)
  }
  const { shielded = (work) => work() } = surroundings
  // First: the old refresh token may end with the request, and the new one must not be lost to a full disk.
  const draft = await store.draft()
  try {
    signal.throwIfAborted()
    const renewed = await shielded(async () => {
      const old = { refreshToken, accessToken }
      const grant = await requestGrant(old, owner, surroundings, signal)
      // Before anybody uses the access token.
      await draft.write(grant)
      return grant
    })
    signal.throwIfAborted()
    return renewed.accessToken
  } finally {
    draft.discard()
  }
}

/** RFC 6749 section 6. */
async function requestGrant(
  old: { readonly refreshToken: string; readonly accessToken: string },
  { account, provider }: GrantOwner,
  surroundings: TokenSurroundings,
  signal: AbortSignal,
): Promise<Grant> {
  // A strict provider ends the old refresh token as it sends the new one: Ctrl-C must not lose that.
  const late = lateAbort(signal, TOKEN_GRACE_MS)
  try {
    const { refreshTokenGrant } = await import('openid-client')
    const client = await oauthClient(provider, surroundings, late.signal)
    const answer = await refreshTokenGrant(client, old.refreshToken)
    return grantOf(answer, surroundings.now(), old.refreshToken)
  } catch (error) {
    signal.throwIfAborted()
    const secrets = [old.refreshToken, old.accessToken]
    throw await authorizationFailure(error, { account, provider, secrets })
  } finally {
    late.stop()
  }
}

/** A signal that aborts `graceMs` after another one does, unless it is stopped before. */
function lateAbort(signal: AbortSignal, graceMs: number) {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const onAbort = () => {
    timer = setTimeout(() => controller.abort(signal.reason), graceMs)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  const stop = () => {
    signal.removeEventListener('abort', onAbort)
    clearTimeout(timer)
  }
  return { signal: controller.signal, stop }
}
