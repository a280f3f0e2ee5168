/** Logs a person in at an OAuth provider, by one of three flows. */
import { randomInt } from 'node:crypto'

import { AuthorizationError } from './errors.ts'
import { MAX_PASTES, OAUTH_LOGIN_MS } from './limits.ts'
import { loginCommand } from './login-command.ts'
import { type LoginAccount, startAuthorization } from './oauth-authorization.ts'
import { grantByDevice } from './oauth-device.ts'
import { deviceFlowAdvice, tooLate } from './oauth-failure.ts'
import { type Grant, grantOf, type TokenAnswer } from './oauth-grant.ts'
import type { OAuthSurroundings } from './oauth-http.ts'
import type { OAuthFlow, OAuthProvider } from './oauth-provider.ts'
import { listenForRedirect } from './oauth-redirect.ts'

/** How a flow speaks with the person. What it says may hold text of the provider: not yet safe for a terminal. */
export interface LoginTalk {
  say(line: string): void
  /** One line; undefined at the end of the input. Only asked by the flow 'paste'. */
  ask(question: string, signal: AbortSignal): Promise<string | undefined>
  /** Shows a page if it can. */
  open(url: string): void
}

export interface OAuthLoginSurroundings extends OAuthSurroundings {
  readonly deadlineMs?: number | undefined
}

/**
 * Gets a grant by `flow`. Everything, the person's part too, is under one deadline of 15 minutes.
 *
 * Throws AuthorizationError (OAUTH_NEEDS_OWNER if the person or a policy did not grant access, or not in time), and the
 * signal's reason.
 */
export async function grantByFlow(
  flow: OAuthFlow,
  account: LoginAccount,
  provider: OAuthProvider,
  talk: LoginTalk,
  surroundings: OAuthLoginSurroundings,
  signal: AbortSignal,
): Promise<Grant> {
  const late = new AuthorizationError('OAUTH_NEEDS_OWNER', tooLate(account.name))
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(late), surroundings.deadlineMs ?? OAUTH_LOGIN_MS)
  try {
    const end = AbortSignal.any([signal, deadline.signal])
    const answer = await FLOWS[flow](account, provider, talk, surroundings, end)
    const grant = grantOf(answer, surroundings.now())
    if (grant.refreshToken === undefined) requireLasting(flow, account, provider, talk)
    return grant
  } finally {
    clearTimeout(timer)
  }
}

type Flow = (
  account: LoginAccount,
  provider: OAuthProvider,
  talk: LoginTalk,
  surroundings: OAuthSurroundings,
  signal: AbortSignal,
) => Promise<TokenAnswer>

const FLOWS: Readonly<Record<OAuthFlow, Flow>> = {
  device: byDevice,
  browser: byBrowser,
  paste: byPaste,
}

async function byDevice(...args: Parameters<Flow>): ReturnType<Flow> {
  const [{ name }, provider, talk, surroundings, signal] = args
  const show = ({ url, code }: { readonly url: string; readonly code: string }) => {
    talk.say(`Open ${url} in any browser and type this code: ${code}`)
  }
  return await grantByDevice(name, provider, show, surroundings, signal)
}

async function byBrowser(...args: Parameters<Flow>): ReturnType<Flow> {
  const [account, provider, talk, surroundings, signal] = args
  const listener = await listenForRedirect(provider, signal)
  try {
    const { redirectUri } = listener
    const request = await startAuthorization(account, provider, redirectUri, surroundings, signal)
    talk.say(
      `Grant access in the browser on this machine; if none opens, open there ${request.url}`,
    )
    talk.say(`For a browser elsewhere: ${loginCommand(account.name, '--flow paste')}`)
    talk.open(request.url)
    return await request.redeem(await listener.response(request.isOwn))
  } finally {
    listener.close()
  }
}

async function byPaste(...args: Parameters<Flow>): ReturnType<Flow> {
  const [account, provider, talk, surroundings, signal] = args
  // Nobody listens there, so the browser shows an error, and the URL in its address bar. The dynamic ports of RFC 6335.
  const redirectUri = `http://${provider.redirectHost}:${randomInt(49_152, 65_536)}`
  const request = await startAuthorization(account, provider, redirectUri, surroundings, signal)
  talk.say(`Open in any browser, and grant access: ${request.url}`)
  talk.say(
    'It ends on a page that cannot be shown. Copy the whole URL of that page from the address bar.',
  )
  for (let tries = 0; tries < MAX_PASTES; tries++) {
    const line = await talk.ask('That URL: ', signal)
    signal.throwIfAborted()
    if (line === undefined) break
    const text = line.trim()
    const isUrl = URL.canParse(text) && new URL(text).origin === new URL(redirectUri).origin
    const parameters = isUrl ? new URL(text).searchParams : undefined
    if (parameters !== undefined && request.isOwn(parameters))
      return await request.redeem(parameters)
    talk.say(
      `That is not the URL of this login; it begins with ${redirectUri} and holds code and state.`,
    )
  }
  const login = `run: ${loginCommand(account.name)}`
  throw new AuthorizationError(
    'OAUTH_NEEDS_OWNER',
    `the URL of this login was not pasted; ${login}`,
  )
}

/** Where no refresh token came. The device flow of Microsoft says success even if a policy allows no lasting access. */
function requireLasting(
  flow: OAuthFlow,
  { name }: LoginAccount,
  provider: OAuthProvider,
  talk: LoginTalk,
): void {
  if (flow === 'device' && provider.scope.split(' ').includes('offline_access')) {
    throw new AuthorizationError('OAUTH_NEEDS_OWNER', deviceFlowAdvice(name))
  }
  talk.say(`${provider.name} gave nothing to renew the access with: it will end soon.`)
}
