import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  grantByFlow,
  type LoginTalk,
  type OAuthLoginSurroundings,
} from '../../src/accounts/oauth-login.ts'
import type { OAuthFlow, OAuthProvider } from '../../src/accounts/oauth-provider.ts'
import {
  type AuthorizationServer,
  CANARY,
  refusal,
  SCOPE,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { authorizationFailureOf, never } from './oauth-cases.ts'

const account = { name: 'work', user: 'me@example.com' }
const NOW = 1_800_000_000_000

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

interface Login {
  readonly provider?: Partial<OAuthProvider>
  readonly talk?: Partial<LoginTalk>
  readonly surroundings?: Partial<OAuthLoginSurroundings>
  readonly signal?: AbortSignal
}

function logIn(flow: OAuthFlow, { provider, talk, surroundings, signal = never }: Login = {}) {
  const whole: LoginTalk = {
    say: (line) => void said.push(line),
    ask: () => Promise.reject(new Error('nobody should ask')),
    open: () => undefined,
    ...talk,
  }
  const around = { env: {}, now: () => NOW, ...surroundings }
  return grantByFlow(flow, account, server.provider(provider), whole, around, signal)
}

/** Providers may not be asked more than once a second, for which no test waits. */
function hurry(): void {
  const { setTimeout: wait } = globalThis
  beforeEach(() => {
    // The pauses of the library have five seconds at most; what is longer is a timeout of fetch.
    const quick = (act: (...words: unknown[]) => void, ms = 0, ...words: unknown[]) =>
      wait(act, ms > 5000 ? ms : ms / 100, ...words)
    vi.stubGlobal('setTimeout', quick)
  })
  afterEach(() => vi.unstubAllGlobals())
}

const needsOwner = async (promise: Promise<unknown>) => {
  const error = await authorizationFailureOf(promise)
  expect(error.code).toBe('OAUTH_NEEDS_OWNER')
  expect(error.message).toMatch(/run: popkeep login .*work$/)
  return error
}

describe('the device flow', () => {
  hurry()

  it('shows page and code, and waits until the person has used it', async () => {
    server.pollErrors.push('authorization_pending', 'authorization_pending')
    const grant = await logIn('device')
    expect(said).toEqual([
      `Open ${server.origin}/enter in any browser and type this code: WDJB-MJHT`,
    ])
    expect(server.isActive(grant.accessToken)).toBe(true)
    expect(grant.expiresAt).toBe(NOW + 3_600_000)
    expect(server.grantRequests('device_code')).toHaveLength(3)
    expect(Object.fromEntries(server.arrivals[0]?.form ?? [])).toEqual({
      client_id: server.clientId,
      scope: SCOPE,
    })
  })

  it.each(['access_denied', 'authorization_declined', 'expired_token'])(
    'ends with %s',
    async (error) => {
      server.pollErrors.push(error)
      expect((await needsOwner(logIn('device'))).serverText).toBe(error)
    },
  )

  it('ends with the life of the code', async () => {
    server.device = { interval: 0.01, expires_in: 0.05 }
    server.pollErrors.push(...Array.from({ length: 1000 }, () => 'authorization_pending'))
    expect((await needsOwner(logIn('device'))).message).toContain('has passed')
  })

  it('ends with the run', async () => {
    const controller = new AbortController()
    const reason = new Error('interrupted')
    server.device = { interval: 1000, expires_in: 900 }
    const talk = { say: () => controller.abort(reason) }
    await expect(logIn('device', { talk, signal: controller.signal })).rejects.toBe(reason)
  })

  it('names the browser flow where a policy forbids it', async () => {
    server.tokenAnswers.push(
      refusal('access_denied', 400, 'AADSTS53003: Access has been blocked by Conditional Access'),
    )
    const blocked = await needsOwner(logIn('device'))
    server.givesRefreshToken = false
    const shortLived = await needsOwner(logIn('device'))
    for (const { message } of [blocked, shortLived]) {
      expect(message).toContain('popkeep login --flow browser work')
    }
  })

  it('shows no page that is not https', async () => {
    server.device = { interval: 0.01, expires_in: 900, verification_uri: 'file:///etc/passwd' }
    expect(await authorizationFailureOf(logIn('device'))).toMatchObject({ code: 'OAUTH_POLICY' })
    expect(said).toEqual([])
  })

  it('tells a wrong client from a busy provider', async () => {
    const wrong = logIn('device', { provider: { clientId: 'other' } })
    expect(await authorizationFailureOf(wrong)).toMatchObject({ code: 'OAUTH_REFUSED' })
    const provider = { deviceEndpoint: 'http://127.0.0.1:1/' }
    expect(await authorizationFailureOf(logIn('device', { provider }))).toMatchObject({
      code: 'OAUTH_TEMPORARY',
    })
  })
})

describe('the pace of the device flow', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  /** The seconds between polls that are answered one by one as given, and then with tokens. */
  async function pauses(answers: readonly [number, object][], device: object): Promise<number[]> {
    const polls: number[] = []
    const answerOf = (url: unknown): [number, object] => {
      if (String(url).endsWith('/device')) {
        const codes = { device_code: 'd', user_code: 'u', verification_uri: 'https://example.com' }
        polls.push(Date.now())
        return [200, { ...codes, expires_in: 900, ...device }]
      }
      const tokens = { access_token: 'a', refresh_token: 'r', token_type: 'bearer' }
      polls.push(Date.now())
      return answers[polls.length - 2] ?? [200, tokens]
    }
    const fetch = async (url: unknown) => {
      const [status, body] = answerOf(url)
      return new Response(JSON.stringify(body), { status })
    }
    let isDone = false
    const login = logIn('device', { surroundings: { fetch } }).finally(() => {
      isDone = true
    })
    login.catch(() => undefined)
    for (let second = 0; !isDone && second < 1000; second++) {
      await vi.advanceTimersByTimeAsync(1000)
    }
    await login
    return polls.slice(1).map((at, index) => (at - (polls[index] ?? 0)) / 1000)
  }

  it('is that which the provider asked for, and five seconds unless it did', async () => {
    const [first = 0] = await pauses([], { interval: 17 })
    expect(first).toBeGreaterThanOrEqual(17)
    const [usual = 0] = await pauses([], {})
    expect(usual).toBeGreaterThanOrEqual(5)
    expect(usual).toBeLessThan(17)
    const [asText = 0] = await pauses([], { interval: '17' })
    expect(asText).toBeGreaterThanOrEqual(17)
  })

  it('is slower by five seconds from each slow_down on', async () => {
    const slow: [number, object] = [400, { error: 'slow_down' }]
    const pending: [number, object] = [400, { error: 'authorization_pending' }]
    const gaps = await pauses([slow, pending, slow], { interval: 5 })
    expect(gaps).toHaveLength(4)
    expect(gaps[1]).toBeGreaterThanOrEqual(10)
    expect(gaps[2]).toBeGreaterThanOrEqual(10)
    expect(gaps[3]).toBeGreaterThanOrEqual(15)
  })

  it('stays slower also after a fault of the provider', async () => {
    const gaps = await pauses(
      [
        [400, { error: 'slow_down' }],
        [500, {}],
        [400, { error: 'authorization_pending' }],
      ],
      { interval: 5 },
    )
    expect(gaps).toHaveLength(4)
    for (const gap of gaps.slice(1)) expect(gap).toBeGreaterThanOrEqual(10)
  })

  it('is a second at least, whatever the provider asked for', async () => {
    const pending: [number, object] = [400, { error: 'authorization_pending' }]
    for (const gap of await pauses([pending, pending], { interval: 0.001 })) {
      expect(gap).toBeGreaterThanOrEqual(1)
    }
  })

  it('doubles while the provider has a fault of its own, which ends nothing', async () => {
    const gaps = await pauses(
      [
        [500, {}],
        [503, {}],
        [429, {}],
      ],
      { interval: 2 },
    )
    expect(gaps).toHaveLength(4)
    expect(gaps[1]).toBeGreaterThanOrEqual(5)
    expect(gaps[2]).toBeGreaterThanOrEqual(10)
    expect(gaps[3]).toBeGreaterThanOrEqual(20)
  })
})

describe('the flow by a pasted URL', () => {
  /** What stands in the address bar at the end. */
  async function lastUrl(): Promise<string> {
    const url = /https?:\S+$/.exec(said[0] ?? '')?.[0] ?? ''
    const response = await fetch(url, { redirect: 'manual' })
    return response.headers.get('location') ?? ''
  }

  it('takes the URL on which the browser ended', async () => {
    const grant = await logIn('paste', { talk: { ask: async () => `  ${await lastUrl()}\r` } })
    expect(server.isActive(grant.accessToken)).toBe(true)
    expect(server.grantRequests('code')[0]?.get('redirect_uri')).toMatch(/^http:\/\/127.0.0.1:\d+$/)
  })

  it('asks again for what is not that URL, a few times', async () => {
    const pasted = ['', 'http://127.0.0.1:1/?code=a&state=b']
    const ask = async () => pasted.shift() ?? (await lastUrl())
    const grant = await logIn('paste', { talk: { ask } })
    expect(server.isActive(grant.accessToken)).toBe(true)
    expect(said.filter((line) => line.startsWith('That is not'))).toHaveLength(2)
  })

  it('takes no URL with the state of another login', async () => {
    const ask = async () => (await lastUrl()).replace(/state=./, 'state=~')
    await needsOwner(logIn('paste', { talk: { ask } }))
    expect(server.grantRequests('code')).toEqual([])
    await needsOwner(logIn('paste', { talk: { ask: async () => undefined } }))
  })

  it('hears what the provider refused', async () => {
    server.redirectParameters = { code: '', error: 'access_denied', error_description: 'no' }
    const failure = await needsOwner(logIn('paste', { talk: { ask: lastUrl } }))
    expect(failure.serverText).toBe('access_denied: no')
  })
})

describe('every flow', () => {
  it('ends when its time has passed', async () => {
    const surroundings = { deadlineMs: 20 }
    server.device = { interval: 1000, expires_in: 900 }
    await needsOwner(logIn('device', { surroundings }))
    await needsOwner(logIn('browser', { surroundings }))
    const ask = (_: string, signal: AbortSignal) =>
      new Promise<never>((_resolve, reject) => {
        signal.throwIfAborted()
        signal.addEventListener('abort', () => reject(signal.reason))
      })
    await needsOwner(logIn('paste', { surroundings, talk: { ask } }))
  })
})
