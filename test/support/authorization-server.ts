/**
 * An OAuth provider on loopback http: device code, authorization code with PKCE S256, refresh with rotation, and the
 * introspection that Dovecot's oauth2 passdb asks for. Whoever opens the authorization URL is taken to consent.
 */
import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type OAuthProvider, oauthProvider } from '../../src/accounts/oauth-provider.ts'

/** What happens to refresh tokens when one is used. */
export type Rotation =
  /** None comes back. */
  | 'keep'
  /** A new one comes back, and the old one stays good, as at Microsoft. */
  | 'lenient'
  /** A new one comes back, and the old one is dead. */
  | 'strict'

/** An answer instead of the right one. */
export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** A request that arrived, its body as a form. */
export interface Arrival {
  readonly path: string
  readonly form: URLSearchParams
  readonly authorization: string | undefined
}

export interface AuthorizationServerOptions {
  readonly clientId?: string
  readonly clientSecret?: string
  /** Whom all tokens are for. */
  readonly user?: string
  readonly rotation?: Rotation
}

export const SCOPE = 'mail offline_access'

/** Grants nobody may find in an output: each token begins with this word. */
export const CANARY = 'canary'

export async function startAuthorizationServer(
  options: AuthorizationServerOptions = {},
): Promise<AuthorizationServer> {
  const authorizationServer = new AuthorizationServer(options)
  await authorizationServer.listen()
  return authorizationServer
}

export class AuthorizationServer {
  readonly clientId: string
  readonly clientSecret: string | undefined
  readonly user: string
  /** All requests, the oldest first. */
  readonly arrivals: Arrival[] = []
  /** Answers of the token endpoint instead of the right ones, the first first. */
  readonly tokenAnswers: Answer[] = []
  rotation: Rotation
  /** Seconds, as token answers have it; undefined: left out. */
  expiresIn: unknown = 3600
  /** Whether grants come with a refresh token. */
  givesRefreshToken = true
  /** What the device authorization answers besides the codes. */
  device: Readonly<Record<string, unknown>> = { interval: 0.01, expires_in: 900 }
  /** Errors that polls get before the grant: 'authorization_pending', 'slow_down', 'access_denied' ... */
  readonly pollErrors: string[] = []
  /** Added to the redirect, or instead of what would be there. */
  redirectParameters: Readonly<Record<string, string>> = {}
  /** Awaited before a token answer goes out, and after it was decided. */
  beforeAnswer: (form: URLSearchParams) => Promise<void> = async () => undefined
  /** Called once a token answer was given to the system. */
  afterAnswer: (form: URLSearchParams) => void = () => undefined
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error))
    })
  })
  #origin = ''
  readonly #codes = new Map<string, { readonly challenge: string; readonly redirect: string }>()
  readonly #deviceCodes = new Set<string>()
  readonly #access = new Set<string>()
  readonly #refresh = new Set<string>()

  constructor(options: AuthorizationServerOptions) {
    this.clientId = options.clientId ?? 'test-client'
    this.clientSecret = options.clientSecret
    this.user = options.user ?? 'me@example.com'
    this.rotation = options.rotation ?? 'lenient'
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.#origin = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** Stays what it was after close. */
  get origin(): string {
    return this.#origin
  }

  /** The table [oauth.NAME] of a config that uses this provider. */
  get table() {
    return {
      client_id: this.clientId,
      client_secret: this.clientSecret,
      authorization_endpoint: `${this.origin}/authorize`,
      token_endpoint: `${this.origin}/token`,
      device_authorization_endpoint: `${this.origin}/device`,
      scope: SCOPE,
    }
  }

  /** The same in TOML. */
  toml(name = 'test'): string {
    const lines = Object.entries(this.table)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`)
    return `[oauth.${name}]\n${lines.join('')}`
  }

  provider(changes: Partial<OAuthProvider> = {}): OAuthProvider {
    return { ...oauthProvider('test', this.table), ...changes }
  }

  /** What Dovecot asks: POST or GET with the token as a parameter, or GET with it in the header. */
  get introspectionUrl(): string {
    return `${this.origin}/introspect`
  }

  /** Grants without a flow. */
  grant(): { readonly accessToken: string; readonly refreshToken: string } {
    const accessToken = token(this.#access, 'access')
    return { accessToken, refreshToken: token(this.#refresh, 'refresh') }
  }

  /** From now on this access token is good, as long or odd as it may be. */
  admit(accessToken: string): void {
    this.#access.add(accessToken)
  }

  /** From now on this token is no good. */
  revoke(text: string): void {
    this.#access.delete(text)
    this.#refresh.delete(text)
  }

  isActive(accessToken: string): boolean {
    return this.#access.has(accessToken)
  }

  /** The forms that reached the token endpoint with this grant type, or its last part. */
  grantRequests(type: string): readonly URLSearchParams[] {
    return this.arrivals
      .filter(({ path, form }) => path === '/token' && form.get('grant_type')?.endsWith(type))
      .map(({ form }) => form)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.origin)
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const form = new URLSearchParams(request.method === 'POST' ? body : url.search)
    this.arrivals.push({ path: url.pathname, form, authorization: request.headers.authorization })
    switch (url.pathname) {
      case '/authorize':
        return send(response, this.#authorize(form))
      case '/device':
        return send(response, this.#authorizeDevice(form))
      case '/introspect':
        return send(response, this.#introspect(form, request.headers.authorization))
      case '/token': {
        const answer = this.tokenAnswers.shift() ?? this.#grantToken(form)
        await this.beforeAnswer(form)
        response.once('finish', () => this.afterAnswer(form))
        return send(response, answer)
      }
      default:
        return send(response, { status: 404, body: 'no such page' })
    }
  }

  #authorize(form: URLSearchParams): Answer {
    const redirect = form.get('redirect_uri') ?? ''
    const isRight =
      form.get('client_id') === this.clientId &&
      form.get('response_type') === 'code' &&
      form.get('code_challenge_method') === 'S256' &&
      /^http:\/\/(127\.0\.0\.1|localhost):\d+/.test(redirect)
    if (!isRight) return refusal('invalid_request')
    const code = `${CANARY}-code-${randomBytes(12).toString('hex')}`
    this.#codes.set(code, { challenge: form.get('code_challenge') ?? '', redirect })
    const target = new URL(redirect)
    const parameters = { code, state: form.get('state') ?? '', ...this.redirectParameters }
    for (const [name, value] of Object.entries(parameters)) target.searchParams.set(name, value)
    return { status: 302, body: '', headers: { location: target.href } }
  }

  #authorizeDevice(form: URLSearchParams): Answer {
    if (form.get('client_id') !== this.clientId) return refusal('invalid_client', 401)
    const deviceCode = token(this.#deviceCodes, 'device')
    const body = {
      device_code: deviceCode,
      user_code: 'WDJB-MJHT',
      verification_uri: `${this.origin}/enter`,
      ...this.device,
    }
    return { status: 200, body }
  }

  #grantToken(form: URLSearchParams): Answer {
    if (form.get('client_id') !== this.clientId) return refusal('invalid_client', 401)
    if (this.clientSecret !== undefined && form.get('client_secret') !== this.clientSecret) {
      return refusal('invalid_client', 401)
    }
    switch (form.get('grant_type') ?? '') {
      case 'authorization_code':
        return this.#redeemCode(form)
      case 'urn:ietf:params:oauth:grant-type:device_code':
        return this.#redeemDeviceCode(form)
      case 'refresh_token':
        return this.#redeemRefreshToken(form)
      default:
        return refusal('unsupported_grant_type')
    }
  }

  #redeemCode(form: URLSearchParams): Answer {
    const code = form.get('code') ?? ''
    const known = this.#codes.get(code)
    this.#codes.delete(code)
    const verifier = form.get('code_verifier') ?? ''
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const isRight = known?.challenge === challenge && known.redirect === form.get('redirect_uri')
    return isRight ? this.#tokens() : refusal('invalid_grant')
  }

  #redeemDeviceCode(form: URLSearchParams): Answer {
    const error = this.pollErrors.shift()
    if (error !== undefined) return refusal(error)
    return this.#deviceCodes.delete(form.get('device_code') ?? '')
      ? this.#tokens()
      : refusal('invalid_grant')
  }

  #redeemRefreshToken(form: URLSearchParams): Answer {
    const used = form.get('refresh_token') ?? ''
    if (!this.#refresh.has(used)) return refusal('invalid_grant')
    if (this.rotation === 'strict') this.#refresh.delete(used)
    return this.#tokens(this.rotation !== 'keep')
  }

  #tokens(withRefreshToken = this.givesRefreshToken): Answer {
    const body = {
      access_token: token(this.#access, 'access'),
      token_type: 'Bearer',
      expires_in: this.expiresIn,
      scope: SCOPE,
      refresh_token: withRefreshToken ? token(this.#refresh, 'refresh') : undefined,
    }
    return { status: 200, body }
  }

  #introspect(form: URLSearchParams, authorization: string | undefined): Answer {
    const bearer = /^Bearer (.*)$/i.exec(authorization ?? '')?.[1]
    const asked = form.get('token') ?? form.get('access_token') ?? bearer ?? ''
    const isActive = this.isActive(asked)
    const facts = { username: this.user, email: this.user, scope: SCOPE, client_id: this.clientId }
    return { status: 200, body: isActive ? { active: true, ...facts } : { active: false } }
  }
}

function token(issued: Set<string>, kind: string): string {
  const text = `${CANARY}-${kind}-${randomBytes(24).toString('hex')}`
  issued.add(text)
  return text
}

/** An OAuth error as RFC 6749 section 5.2 has it. */
export function refusal(error: string, status = 400, description?: string): Answer {
  return { status, body: { error, error_description: description } }
}

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  const isText = typeof body === 'string'
  response.writeHead(status, {
    'content-type': isText ? 'text/html' : 'application/json',
    'cache-control': 'no-store',
    ...headers,
  })
  response.end(isText ? body : JSON.stringify(body))
}
