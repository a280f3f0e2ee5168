import { request } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startAuthorization } from '../../src/accounts/oauth-authorization.ts'
import { grantByFlow } from '../../src/accounts/oauth-login.ts'
import type { OAuthProvider } from '../../src/accounts/oauth-provider.ts'
import {
  type AuthorizationServer,
  CANARY,
  SCOPE,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { authorizationFailureOf, never } from './oauth-cases.ts'

const account = { name: 'work', user: 'me@example.com' }
const surroundings = { env: {}, now: () => 0 }

let server: AuthorizationServer
let said: string[]
beforeEach(async () => {
  server = await startAuthorizationServer()
  said = []
})
afterEach(async () => {
  await server.close()
  expect(said.join('\n')).not.toContain(`${CANARY}-`)
})

/** Logs in; `browse` is what happens in the browser that was asked to show the page. */
async function logIn(
  browse: (url: string) => Promise<unknown>,
  provider: Partial<OAuthProvider> = {},
  signal = never,
) {
  let browsed: Promise<unknown> = Promise.resolve()
  const talk = {
    say: (line: string) => void said.push(line),
    ask: () => Promise.reject(new Error('nobody should ask')),
    open: (url: string) => {
      browsed = browse(url)
    },
  }
  const whole = server.provider(provider)
  try {
    return await grantByFlow('browser', account, whole, talk, surroundings, signal)
  } finally {
    await browsed
  }
}

/** Where the provider sends the browser. */
async function redirectOf(url: string): Promise<URL> {
  const response = await fetch(url, { redirect: 'manual' })
  return new URL(response.headers.get('location') ?? '')
}

const statusOf = (target: URL, options: { method?: string; host?: string } = {}) =>
  new Promise<number | undefined>((resolve, reject) => {
    const { method = 'GET', host = target.host } = options
    const asked = request(target, { method, agent: false, headers: { host } }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode))
    })
    asked.on('error', reject).end()
  })

describe('the flow by the browser', () => {
  it('asks as RFC 8252 and 7636 have it, and takes what comes back', async () => {
    let asked = new URL('https://example.com')
    const grant = await logIn(async (url) => {
      asked = new URL(url)
      await (await fetch(url)).text()
    })
    expect(server.isActive(grant.accessToken)).toBe(true)
    const {
      state = '',
      code_challenge,
      redirect_uri,
      ...others
    } = Object.fromEntries(asked.searchParams)
    expect(others).toEqual({
      client_id: server.clientId,
      response_type: 'code',
      scope: SCOPE,
      code_challenge_method: 'S256',
      login_hint: 'me@example.com',
    })
    expect(Buffer.from(state, 'base64url')).toHaveLength(32)
    expect(code_challenge).toHaveLength(43)
    expect(redirect_uri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{22}$/)
    expect(said[0]).toContain(asked.href)
    expect(said[1]).toContain('popkeep login --flow paste work')
  })

  it('uses nothing twice', async () => {
    const asked: URL[] = []
    const browse = async (url: string) => {
      asked.push(new URL(url))
      await fetch(url)
    }
    await logIn(browse)
    await logIn(browse)
    for (const name of ['state', 'code_challenge', 'redirect_uri']) {
      const [one, other] = asked.map(({ searchParams }) => searchParams.get(name))
      expect(one).not.toBe(other)
    }
  })

  it('goes to http://localhost without a path where that is registered', async () => {
    const localhost = { redirectHost: 'localhost', mayChoosePath: false } as const
    const grant = await logIn((url) => fetch(url), localhost)
    expect(server.isActive(grant.accessToken)).toBe(true)
    const uris = server.arrivals.map(({ form }) => form.get('redirect_uri'))
    expect(uris[0]).toMatch(/^http:\/\/localhost:\d+$/)
    expect(uris).toEqual([uris[0], uris[0]])
  })

  it('answers with a page that says nothing of the request, and is gone', async () => {
    const script = '<script>alert(1)</script>'
    server.redirectParameters = { code: '', error: 'server_error', error_description: script }
    let page = ''
    let target = new URL('https://example.com')
    const login = logIn(async (url) => {
      target = await redirectOf(url)
      const response = await fetch(target)
      expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'/)
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      expect(response.headers.get('cache-control')).toBe('no-store')
      page = await response.text()
    })
    const error = await authorizationFailureOf(login)
    expect(error).toMatchObject({ code: 'OAUTH_TEMPORARY', serverText: `server_error: ${script}` })
    expect(page).not.toMatch(/script|server_error|alert/)
    await expect(statusOf(target)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('does not hear what is not the answer', async () => {
    const grant = await logIn(async (url) => {
      const target = await redirectOf(url)
      const changed = (change: (one: URL) => void) => {
        const one = new URL(target)
        change(one)
        return one
      }
      const wrong: [URL, { method?: string; host?: string }?][] = [
        [changed((one) => one.searchParams.set('state', 'x'))],
        [changed((one) => one.searchParams.delete('state'))],
        [changed((one) => one.searchParams.append('state', one.searchParams.get('state') ?? ''))],
        [changed((one) => (one.pathname = '/'))],
        [changed((one) => (one.pathname += '/'))],
        [changed((one) => (one.pathname = '/favicon.ico'))],
        [target, { host: `attacker.example:${target.port}` }],
        [target, { host: `localhost:${target.port}` }],
        [target, { host: '127.0.0.1' }],
        [target, { method: 'POST' }],
        [target, { method: 'HEAD' }],
      ]
      for (const [one, options] of wrong) expect(await statusOf(one, options)).toBe(404)
      expect(server.grantRequests('code')).toEqual([])
      expect(await statusOf(target)).toBe(200)
      // A replay finds nobody.
      await expect(statusOf(target)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    })
    expect(server.isActive(grant.accessToken)).toBe(true)
    expect(server.grantRequests('code')).toHaveLength(1)
  })

  it('gives up where it is disturbed without end', async () => {
    const login = logIn(async (url) => {
      const target = await redirectOf(url)
      target.searchParams.set('state', 'guess')
      for (let tries = 0; tries < 100; tries++) await statusOf(target)
    })
    expect(await authorizationFailureOf(login)).toMatchObject({ code: 'OAUTH_POLICY' })
  })

  it.each([
    ['https://id.example.com', true],
    ['https://evil.example.com', false],
    [undefined, true],
  ])('compares the issuer %s', async (iss, isGood) => {
    if (iss !== undefined) server.redirectParameters = { iss }
    const login = logIn((url) => fetch(url), { issuer: 'https://id.example.com' })
    if (isGood) return expect(server.isActive((await login).accessToken)).toBe(true)
    expect(await authorizationFailureOf(login)).toMatchObject({ code: 'OAUTH_POLICY' })
    expect(server.grantRequests('code')).toEqual([])
  })

  it('listens no longer than the run', async () => {
    const controller = new AbortController()
    const reason = new Error('interrupted')
    let target = new URL('https://example.com')
    const login = logIn(
      async (url) => {
        target = await redirectOf(url)
        controller.abort(reason)
      },
      {},
      controller.signal,
    )
    await expect(login).rejects.toBe(reason)
    await expect(statusOf(target)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('says when the access will not last', async () => {
    server.givesRefreshToken = false
    expect((await logIn((url) => fetch(url))).refreshToken).toBeUndefined()
    expect(said.at(-1)).toContain('will end soon')
  })
})

describe('an authorization', () => {
  const start = () =>
    startAuthorization(account, server.provider(), 'http://127.0.0.1:1/', surroundings, never)

  it('is redeemed once, and only with its own state and verifier', async () => {
    const [one, other] = [await start(), await start()]
    const { searchParams } = await redirectOf(one.url)
    expect(other.isOwn(searchParams)).toBe(false)
    const foreign = await authorizationFailureOf(other.redeem(searchParams))
    expect(foreign.code).toBe('OAUTH_POLICY')
    // The code of one, under the state of the other: the provider compares the verifier.
    const mixed = (await redirectOf(other.url)).searchParams
    mixed.set('code', searchParams.get('code') ?? '')
    expect(await authorizationFailureOf(other.redeem(mixed))).toMatchObject({
      code: 'OAUTH_NEEDS_OWNER',
      serverText: 'invalid_grant',
    })
    const { searchParams: right } = await redirectOf((await start()).url)
    expect(one.isOwn(right)).toBe(false)
  })

  it('is not redeemed again', async () => {
    const one = await start()
    const { searchParams } = await redirectOf(one.url)
    await one.redeem(searchParams)
    const replay = await authorizationFailureOf(one.redeem(searchParams))
    expect(replay.code).toBe('OAUTH_POLICY')
    expect(server.grantRequests('code')).toHaveLength(1)
  })
})
