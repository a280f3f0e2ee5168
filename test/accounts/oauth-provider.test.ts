import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/accounts/errors.ts'
import {
  isTrustworthy,
  type OAuthTable,
  oauthProvider,
  oauthTableFaults,
} from '../../src/accounts/oauth-provider.ts'

const client_id = 'mine'
const OWN = {
  client_id,
  authorization_endpoint: 'https://id.example.com/authorize?audience=mail',
  token_endpoint: 'https://id.example.com/token',
  scope: 'pop',
}

describe('an OAuth provider', () => {
  it('is Google, through the browser only', () => {
    expect(oauthProvider('google', { client_id, client_secret: 'not so secret' })).toEqual({
      name: 'google',
      authorizationEndpoint: 'https://accounts.google.com/o/oauth2/v2/auth',
      tokenEndpoint: 'https://oauth2.googleapis.com/token',
      deviceEndpoint: undefined,
      issuer: 'https://accounts.google.com',
      scope: 'https://mail.google.com/',
      clientId: client_id,
      clientSecret: 'not so secret',
      authorizationParameters: { access_type: 'offline', prompt: 'consent' },
      flow: 'browser',
      redirectHost: '127.0.0.1',
      mayChoosePath: true,
    })
  })

  it('is Microsoft, of any tenant', () => {
    const common = oauthProvider('microsoft', { client_id })
    expect(common).toMatchObject({
      tokenEndpoint: 'https://login.microsoftonline.com/common/oauth2/v2.0/token',
      scope: 'https://outlook.office.com/POP.AccessAsUser.All offline_access',
      clientSecret: undefined,
      flow: 'device',
      redirectHost: 'localhost',
      mayChoosePath: false,
    })
    const own = oauthProvider('microsoft', { client_id, tenant: 'consumers', flow: 'browser' })
    expect(own).toMatchObject({
      authorizationEndpoint: 'https://login.microsoftonline.com/consumers/oauth2/v2.0/authorize',
      deviceEndpoint: 'https://login.microsoftonline.com/consumers/oauth2/v2.0/devicecode',
      flow: 'browser',
    })
  })

  it('is what the table says, also of a preset', () => {
    expect(oauthProvider('own', OWN)).toMatchObject({
      name: 'own',
      authorizationEndpoint: OWN.authorization_endpoint,
      scope: 'pop',
      issuer: undefined,
      flow: 'browser',
    })
    const device_authorization_endpoint = 'https://id.example.com/device'
    expect(oauthProvider('own', { ...OWN, device_authorization_endpoint }).flow).toBe('device')
    const google = oauthProvider('google', { client_id, scope: 'less', issuer: 'https://other' })
    expect(google).toMatchObject({ scope: 'less', issuer: 'https://other', flow: 'browser' })
  })

  it.each<[string, OAuthTable, string]>([
    ['google', {}, 'client_id'],
    ['google', { client_id, flow: 'device' }, 'flow'],
    ['google', { client_id, tenant: 'common' }, 'tenant'],
    ['microsoft', { client_id, tenant: '../../evil' }, 'tenant'],
    ['own', { ...OWN, flow: 'device' }, 'flow'],
    ['own', { ...OWN, scope: undefined }, 'scope'],
    ['own', { ...OWN, token_endpoint: undefined }, 'token_endpoint'],
    ['own', { ...OWN, token_endpoint: 'http://id.example.com/token' }, 'token_endpoint'],
    ['own', { ...OWN, authorization_endpoint: 'javascript:alert(1)' }, 'authorization_endpoint'],
  ])('of the table [oauth.%s] %j is refused for its %s', (name, table, key) => {
    expect(oauthTableFaults(name, table).map((fault) => fault.key)).toEqual([key])
    expect(() => oauthProvider(name, table)).toThrow(UsageError)
  })
})

describe('an endpoint', () => {
  it.each([
    ['https://example.com/token', true],
    ['http://127.0.0.1:8080/token', true],
    ['http://[::1]:1/', true],
    ['http://localhost/token', true],
    ['http://127.0.0.1.example.com/', false],
    ['http://localhost.example.com/', false],
    ['http://example.com/', false],
    ['https://user:password@example.com/', false],
    ['ftp://127.0.0.1/', false],
    ['/token', false],
  ])('%s may have tokens: %s', (endpoint, isGood) => {
    expect(isTrustworthy(endpoint)).toBe(isGood)
  })
})
