import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Grant } from '../../src/accounts/oauth-grant.ts'
import type { OAuthProvider } from '../../src/accounts/oauth-provider.ts'
import { oauthToken, type TokenSurroundings } from '../../src/accounts/oauth-tokens.ts'
import { openTokenStore } from '../../src/accounts/token-store.ts'
import {
  type Answer,
  type AuthorizationServer,
  CANARY,
  type Rotation,
  refusal,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { authorizationFailureOf, memoryKeyring, never } from './oauth-cases.ts'

const account = { name: 'work', host: 'pop.example.com', user: 'me@example.com' }
const MINUTE = 60_000
const CHALLENGE = { 'www-authenticate': 'Basic realm="token"' }
const ELSEWHERE = { location: 'http://127.0.0.1:1/' }
const LONG = 'x'.repeat(25_000)

let server: AuthorizationServer
let folder: TemporaryFolder
let clock: number
let surroundings: TokenSurroundings
beforeEach(async () => {
  server = await startAuthorizationServer()
  folder = temporaryFolder('oauth')
  clock = 1_800_000_000_000
  surroundings = { env: { XDG_STATE_HOME: folder.path }, now: () => clock }
})
afterEach(async () => {
  await server.close()
  folder.remove()
})

const tokens = (provider: Partial<OAuthProvider> = {}) =>
  oauthToken(account, server.provider(provider), 'file', surroundings)
const store = () =>
  openTokenStore(
    { account: account.name, host: account.host, user: account.user, provider: server.provider() },
    'file',
    surroundings,
  )
const stored = async () => {
  const content = await (await store()).read(never)
  return content.state === 'good' ? content.grant : undefined
}
const put = async (grant: Partial<Grant> = {}) => {
  const whole: Grant = { ...server.grant(), expiresAt: clock + 60 * MINUTE, ...grant }
  const opened = await store()
  await opened.locked(never, () => opened.write(whole))
  return whole
}
const refreshes = () => server.grantRequests('refresh_token').length

describe('an access token', () => {
  it('is the stored one until five minutes before its end', async () => {
    const grant = await put()
    clock = grant.expiresAt - 5 * MINUTE - 1
    expect(await tokens().accessToken(never)).toBe(grant.accessToken)
    expect(refreshes()).toBe(0)
    clock += 1
    const next = await tokens().accessToken(never)
    expect(next).not.toBe(grant.accessToken)
    expect(server.isActive(next)).toBe(true)
    expect(refreshes()).toBe(1)
    expect(await tokens().accessToken(never)).toBe(next)
    expect(refreshes()).toBe(1)
  })

  it.each<[unknown, number]>([
    [3600, 3600],
    [3599.12345, 3599.123],
    ['3599.12345', 3599.123],
    ['1800', 1800],
    [undefined, 3600],
    [null, 3600],
    ['soon', 3600],
    [0, 3600],
    [-5, 3600],
    [1e300, 366 * 86_400],
  ])('that expires in %j s is taken to live %d s', async (expiresIn, seconds) => {
    await put({ expiresAt: clock })
    server.expiresIn = expiresIn
    await tokens().accessToken(never)
    expect((await stored())?.expiresAt).toBe(clock + seconds * 1000)
  })

  it.each<[Rotation, boolean]>([
    ['keep', true],
    ['lenient', false],
    ['strict', false],
  ])('comes with the refresh token of a %s provider', async (rotation, isSame) => {
    server.rotation = rotation
    const grant = await put({ expiresAt: clock })
    await tokens().accessToken(never)
    const next = (await stored())?.refreshToken
    expect(next === grant.refreshToken).toBe(isSame)
    clock += 60 * MINUTE
    await tokens().accessToken(never)
    expect(server.grantRequests('refresh_token')[1]?.get('refresh_token')).toBe(next)
  })

  it.each([null, ''])('leaves the refresh token where the new one is %j', async (refreshToken) => {
    const grant = await put({ expiresAt: clock })
    server.tokenAnswers.push(bearer({ refresh_token: refreshToken }))
    expect(await tokens().accessToken(never)).toBe('fresh')
    expect(await stored()).toMatchObject({ refreshToken: grant.refreshToken })
  })

  it('is stored before it is used', async () => {
    await put({ expiresAt: clock })
    const { place } = await store()
    server.beforeAnswer = async () => {
      // The file cannot be replaced: a folder has its name.
      rmSync(place)
      mkdirSync(`${place}/full`, { recursive: true })
    }
    await expect(tokens().accessToken(never)).rejects.toMatchObject({ code: 'ARCHIVE_IO' })
  })

  it('is not asked for where it could not be kept', async () => {
    const grant = await put({ expiresAt: clock })
    const { place } = await store()
    // The temporary file cannot be made: something has its name.
    mkdirSync(`${place}.new/full`, { recursive: true })
    const refused = { code: 'ARCHIVE_IO' }
    await expect(tokens().accessToken(never)).rejects.toMatchObject(refused)
    await expect(tokens().renew(grant.accessToken, never)).rejects.toMatchObject(refused)
    expect(refreshes()).toBe(0)
    expect(await stored()).toEqual(grant)
  })

  it('has its room taken while it is asked for, and none afterwards', async () => {
    await put({ expiresAt: clock })
    const { place } = await store()
    const rooms: number[] = []
    server.beforeAnswer = async () => void rooms.push(statSync(`${place}.new`).size)
    await tokens().accessToken(never)
    expect(rooms).toEqual([64 * 1024])
    expect(existsSync(`${place}.new`)).toBe(false)
    clock += 60 * MINUTE
    server.tokenAnswers.push(refusal('temporarily_unavailable'))
    await authorizationFailureOf(tokens().accessToken(never))
    expect(existsSync(`${place}.new`)).toBe(false)
  })

  it('is asked for and stored before the process may end', async () => {
    const { refreshToken } = await put({ expiresAt: clock })
    const order: unknown[] = []
    server.beforeAnswer = async () => void order.push('asked')
    const shielded = async <T>(work: () => Promise<T>): Promise<T> => {
      order.push('shielded')
      const result = await work()
      order.push((await stored())?.refreshToken !== refreshToken)
      return result
    }
    server.rotation = 'strict'
    surroundings = { ...surroundings, shielded }
    await tokens().accessToken(never)
    expect(order).toEqual(['shielded', 'asked', true])
  })

  it('shows the client secret where there is one, and asks for nothing else', async () => {
    await server.close()
    server = await startAuthorizationServer({ clientSecret: `${CANARY}-client` })
    const grant = await put({ expiresAt: clock })
    await tokens().accessToken(never)
    expect(Object.fromEntries(server.grantRequests('refresh_token')[0] ?? [])).toEqual({
      grant_type: 'refresh_token',
      refresh_token: grant.refreshToken,
      client_id: server.clientId,
      client_secret: server.clientSecret,
    })
  })

  it('is renewed once for two who ask at once', async () => {
    await put({ expiresAt: clock })
    server.expiresIn = 120
    const [one, other] = await Promise.all([
      tokens().accessToken(never),
      tokens().accessToken(never),
    ])
    expect(one).toBe(other)
    expect(refreshes()).toBe(1)
  })

  it('comes from the keyring too', async () => {
    const keyring = memoryKeyring()
    const inKeyring = { ...surroundings, openKeyring: async () => keyring }
    const owner = { account: 'work', host: account.host, user: account.user }
    const provider = server.provider()
    const opened = await openTokenStore({ ...owner, provider }, 'keyring', inKeyring)
    await opened.write({ ...server.grant(), expiresAt: clock })
    const token = await oauthToken(account, provider, 'keyring', inKeyring).accessToken(never)
    expect(server.isActive(token)).toBe(true)
    expect(await opened.read(never)).toMatchObject({ grant: { accessToken: token } })
  })
})

describe('a rejected access token', () => {
  it('is renewed, though it would live on', async () => {
    const grant = await put()
    const next = await tokens().renew(grant.accessToken, never)
    expect(next !== undefined && server.isActive(next)).toBe(true)
    expect(next).not.toBe(grant.accessToken)
    expect(refreshes()).toBe(1)
  })

  it('is not renewed where the store has another one already', async () => {
    const grant = await put()
    expect(await tokens().renew('an older one', never)).toBe(grant.accessToken)
    expect(refreshes()).toBe(0)
  })

  it('has no successor without a refresh token', async () => {
    const grant = await put({ refreshToken: undefined })
    expect(await tokens().renew(grant.accessToken, never)).toBeUndefined()
  })
})

describe('the owner is needed', () => {
  const needsOwner = async (promise: Promise<unknown>) => {
    const error = await authorizationFailureOf(promise)
    expect(error.code).toBe('OAUTH_NEEDS_OWNER')
    expect(error.message).toContain('run: popkeep login work')
    return error
  }

  it('before the first login', async () => {
    expect((await needsOwner(tokens().accessToken(never))).message).toContain('no login')
  })

  it('where the stored login is damaged, or is for another account', async () => {
    await put()
    const other = oauthToken({ ...account, host: 'x' }, server.provider(), 'file', surroundings)
    await needsOwner(other.accessToken(never))
    await needsOwner(tokens({ clientId: 'other' }).accessToken(never))
    writeFileSync((await store()).place, '{')
    expect((await needsOwner(tokens().accessToken(never))).message).toContain('damaged')
    expect(refreshes()).toBe(0)
  })

  it.each(['invalid_grant', 'interaction_required'])('after %s', async (error) => {
    const grant = await put({ expiresAt: clock })
    server.tokenAnswers.push(refusal(error, 400, `AADSTS70008: ${grant.refreshToken} expired`))
    const failure = await needsOwner(tokens().accessToken(never))
    expect(failure.serverText).toBe(`${error}: AADSTS70008: [redacted] expired`)
    expect(await stored()).toEqual(grant)
  })

  it('where the access has ended and nothing renews it', async () => {
    await put({ expiresAt: clock, refreshToken: undefined })
    await needsOwner(tokens().accessToken(never))
  })
})

describe('a provider that fails', () => {
  it.each<[string, string, Answer | undefined]>([
    ['OAUTH_TEMPORARY', 'too many requests', { status: 429, body: { error: 'invalid_grant' } }],
    ['OAUTH_TEMPORARY', 'a fault of its own', { status: 500, body: '<h1>Oops</h1>' }],
    ['OAUTH_TEMPORARY', 'a pause', { status: 503, body: '', headers: { 'retry-after': '100' } }],
    ['OAUTH_TEMPORARY', 'a passing error', refusal('temporarily_unavailable')],
    ['OAUTH_TEMPORARY', 'no connection', undefined],
    ['OAUTH_REFUSED', 'a wrong client', refusal('invalid_client', 401)],
    ['OAUTH_REFUSED', 'a challenge', { ...refusal('invalid_client', 401), headers: CHALLENGE }],
    ['OAUTH_REFUSED', 'a client without this grant', refusal('unauthorized_client')],
    ['OAUTH_REFUSED', 'a wrong scope', refusal('invalid_scope')],
    ['OAUTH_REFUSED', 'a page that is not there', { status: 404, body: 'not here' }],
    ['OAUTH_REFUSED', 'an error of another form', { status: 400, body: { error: { code: 400 } } }],
    ['OAUTH_POLICY', 'a redirect', { status: 302, body: '', headers: ELSEWHERE }],
    ['OAUTH_POLICY', 'a web page', { status: 200, body: `<p>${CANARY}-page</p>` }],
    ['OAUTH_POLICY', 'a list', { status: 200, body: [] }],
    ['OAUTH_POLICY', 'nothing', { status: 204, body: '' }],
    ['OAUTH_POLICY', 'no token', { status: 200, body: { token_type: 'Bearer' } }],
    ['OAUTH_POLICY', 'no token type', { status: 200, body: { access_token: `${CANARY}-x` } }],
    ['OAUTH_POLICY', 'another token type', bearer({ token_type: 'mac' })],
    ['OAUTH_POLICY', 'a control character', bearer({ access_token: `${CANARY}-\u0001auth=` })],
    ['OAUTH_POLICY', 'a token too long', bearer({ access_token: `${CANARY}-${LONG}` })],
    ['OAUTH_POLICY', 'a refresh token that is none', bearer({ refresh_token: 17 })],
    ['OAUTH_POLICY', 'an answer too long', bearer({ padding: LONG.repeat(3) })],
  ])('is %s: %s', async (code, _, answer) => {
    const grant = await put({ expiresAt: clock })
    if (answer !== undefined) server.tokenAnswers.push(answer)
    else await server.close()
    const error = await authorizationFailureOf(tokens().accessToken(never))
    expect(error.code).toBe(code)
    expect(await stored()).toEqual(grant)
    expect(refreshes()).toBe(answer === undefined ? 0 : 1)
  })

  it('is no failure while the access token lives', async () => {
    const grant = await put({ expiresAt: clock + 2 * MINUTE })
    server.tokenAnswers.push({ status: 500, body: '' }, { status: 500, body: '' })
    expect(await tokens().accessToken(never)).toBe(grant.accessToken)
    expect(await authorizationFailureOf(tokens().renew(grant.accessToken, never))).toMatchObject({
      code: 'OAUTH_TEMPORARY',
    })
  })

  it('may add an ID token and parameters of its own', async () => {
    await put({ expiresAt: clock })
    server.tokenAnswers.push(bearer({ id_token: 'not.even.one', ext_expires_in: 7, foci: '1' }))
    expect(await tokens().accessToken(never)).toBe('fresh')
  })

  it('is asked no more once the run has ended, but what it gave by then is stored', async () => {
    const grant = await put({ expiresAt: clock })
    const controller = new AbortController()
    const reason = new Error('interrupted')
    server.rotation = 'strict'
    server.beforeAnswer = async () => controller.abort(reason)
    await expect(tokens().accessToken(controller.signal)).rejects.toBe(reason)
    const { accessToken = '', refreshToken } = (await stored()) ?? {}
    expect(refreshToken).not.toBe(grant.refreshToken)
    await expect(tokens().renew(accessToken, controller.signal)).rejects.toBe(reason)
    expect(refreshes()).toBe(1)
  })

  it('is not waited for long after the run has ended', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const grant = await put({ expiresAt: clock })
    const controller = new AbortController()
    const reason = new Error('interrupted')
    let letGo = () => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    server.beforeAnswer = async () => {
      controller.abort(reason)
      vi.advanceTimersByTime(5_000)
      await held
    }
    await expect(tokens().accessToken(controller.signal)).rejects.toBe(reason)
    letGo()
    vi.useRealTimers()
    expect(await stored()).toEqual(grant)
  })
})

describe('a token', () => {
  it('is not sent while certificate checks are off', async () => {
    await put({ expiresAt: clock })
    surroundings = {
      ...surroundings,
      env: { ...surroundings.env, NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    }
    const error = await authorizationFailureOf(tokens().accessToken(never))
    expect(error).toMatchObject({ code: 'OAUTH_POLICY', message: expect.stringContaining('unset') })
    expect(server.arrivals).toEqual([])
  })

  it('goes over https only', async () => {
    const sent: string[] = []
    const provider = server.provider({ tokenEndpoint: 'http://id.example.com/token' })
    const spy = { ...surroundings, fetch: (url: unknown) => Promise.reject(sent.push(String(url))) }
    const owner = { account: 'work', host: account.host, user: account.user, provider }
    const opened = await openTokenStore(owner, 'file', spy)
    await opened.locked(never, () => opened.write({ ...server.grant(), expiresAt: clock }))
    const error = await authorizationFailureOf(
      oauthToken(account, provider, 'file', spy).accessToken(never),
    )
    expect([error.code, sent]).toEqual(['OAUTH_POLICY', []])
  })

  it.each(['CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID', 'DEPTH_ZERO_SELF_SIGNED_CERT'])(
    'is not sent where the certificate fails: %s',
    async (code) => {
      await put({ expiresAt: clock })
      const cause = Object.assign(new Error('certificate'), { code })
      const broken = async () => Promise.reject(new TypeError('fetch failed', { cause }))
      const failing = oauthToken(account, server.provider(), 'file', {
        ...surroundings,
        fetch: broken,
      })
      expect(await authorizationFailureOf(failing.accessToken(never))).toMatchObject({
        code: 'OAUTH_POLICY',
        message: expect.stringContaining(code),
      })
    },
  )
})

function bearer(more: object): Answer {
  return { status: 200, body: { access_token: 'fresh', token_type: 'Bearer', ...more } }
}
