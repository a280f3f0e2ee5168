/** Where an OAuth provider has its endpoints, and what it wants to hear (RFC 6749, RFC 8252, RFC 8628). */
import { isIP } from 'node:net'

import { UsageError } from './errors.ts'

/** How a person grants access: a code typed on another device, the browser here, or the final URL pasted. */
export type OAuthFlow = 'device' | 'browser' | 'paste'

export const OAUTH_FLOWS: readonly OAuthFlow[] = ['device', 'browser', 'paste']

/** A provider and the client that its owner registered there. popkeep ships no client id. */
export interface OAuthProvider {
  readonly name: string
  readonly authorizationEndpoint: string
  readonly tokenEndpoint: string
  /** Undefined: no device flow, or none that grants mail access. */
  readonly deviceEndpoint: string | undefined
  /** What `iss` of an authorization response must be (RFC 9207); undefined: it is not looked at. */
  readonly issuer: string | undefined
  readonly scope: string
  readonly clientId: string
  /** Of an installed program, so no secret from its owner; still it is never printed. */
  readonly clientSecret: string | undefined
  /** Added to the authorization request. */
  readonly authorizationParameters: Readonly<Record<string, string>>
  /** The flow where the person chose none. */
  readonly flow: OAuthFlow
  /** How the redirect URI names this machine; it listens on 127.0.0.1 either way. */
  readonly redirectHost: '127.0.0.1' | 'localhost'
  /** Whether the redirect URI may have a path that was not registered. */
  readonly mayChoosePath: boolean
}

/** A table [oauth.NAME] of the config file, its types checked. */
export interface OAuthTable {
  readonly client_id?: string | undefined
  readonly client_secret?: string | undefined
  readonly tenant?: string | undefined
  /** May have a query, for parameters that a provider wants besides. */
  readonly authorization_endpoint?: string | undefined
  readonly token_endpoint?: string | undefined
  readonly device_authorization_endpoint?: string | undefined
  readonly issuer?: string | undefined
  readonly scope?: string | undefined
  readonly flow?: OAuthFlow | undefined
}

/** What is wrong with a table: the key to blame, and a text that follows its name. */
export interface OAuthTableFault {
  readonly key: keyof OAuthTable
  readonly text: string
}

type Preset = Omit<OAuthProvider, 'name' | 'clientId' | 'clientSecret'>

const NATIVE = {
  authorizationParameters: {},
  redirectHost: '127.0.0.1',
  mayChoosePath: true,
} as const

const PRESETS: ReadonlyMap<string, (tenant: string | undefined) => Preset> = new Map([
  [
    'google',
    (): Preset => ({
      ...NATIVE,
      authorizationEndpoint: 'https://accounts.google.com/o/oauth2/v2/auth',
      tokenEndpoint: 'https://oauth2.googleapis.com/token',
      // There is one, but it answers invalid_scope to the scope of mail.
      deviceEndpoint: undefined,
      issuer: 'https://accounts.google.com',
      scope: 'https://mail.google.com/',
      // Without both, a second login brings no refresh token.
      authorizationParameters: { access_type: 'offline', prompt: 'consent' },
      flow: 'browser',
    }),
  ],
  [
    'microsoft',
    (tenant = 'common'): Preset => {
      const folder = `https://login.microsoftonline.com/${tenant}/oauth2/v2.0`
      return {
        ...NATIVE,
        authorizationEndpoint: `${folder}/authorize`,
        tokenEndpoint: `${folder}/token`,
        deviceEndpoint: `${folder}/devicecode`,
        // It differs with the tenant of who logs in, and no authorization response names it.
        issuer: undefined,
        scope: 'https://outlook.office.com/POP.AccessAsUser.All offline_access',
        flow: 'device',
        // Registered is http://localhost: the port may be any, but for this name only, and there is no path.
        redirectHost: 'localhost',
        mayChoosePath: false,
      }
    },
  ],
])

/** Names that need no endpoints in the config. */
export const OAUTH_PRESETS: readonly string[] = [...PRESETS.keys()]

/**
 * All that is wrong with a table, for who knows its lines: what is missing, and endpoints that are neither https nor on
 * this machine.
 */
export function oauthTableFaults(name: string, table: OAuthTable): readonly OAuthTableFault[] {
  const isPreset = PRESETS.has(name)
  const faults: OAuthTableFault[] = []
  const required: (keyof OAuthTable)[] = isPreset
    ? ['client_id']
    : ['client_id', 'authorization_endpoint', 'token_endpoint', 'scope']
  for (const key of required) {
    if (!table[key]) faults.push({ key, text: MISSING[key] ?? 'is missing' })
  }
  for (const key of ENDPOINT_KEYS) {
    const endpoint = table[key]
    if (endpoint !== undefined && !isTrustworthy(endpoint)) {
      faults.push({ key, text: 'is a URL that begins with https://' })
    }
  }
  if (table.tenant !== undefined) {
    if (name !== 'microsoft') faults.push({ key: 'tenant', text: 'belongs to [oauth.microsoft]' })
    else if (!/^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(table.tenant)) {
      const text = 'is "common", "consumers", "organizations", a domain or the id of a tenant'
      faults.push({ key: 'tenant', text })
    }
  }
  const hasDeviceFlow = table.device_authorization_endpoint !== undefined || name === 'microsoft'
  if (table.flow === 'device' && !hasDeviceFlow) {
    const why = name === 'google' ? 'Google grants it no mail access' : NO_DEVICE_ENDPOINT
    faults.push({ key: 'flow', text: `cannot be "device": ${why}` })
  }
  return faults
}

/** The preset of this name, if there is one, with what the table says instead. Throws UsageError for oauthTableFaults. */
export function oauthProvider(name: string, table: OAuthTable): OAuthProvider {
  const [fault] = oauthTableFaults(name, table)
  if (fault !== undefined) throw new UsageError(`[oauth.${name}]: "${fault.key}" ${fault.text}`)
  const preset = PRESETS.get(name)?.(table.tenant)
  const deviceEndpoint = table.device_authorization_endpoint ?? preset?.deviceEndpoint
  return {
    ...NATIVE,
    ...preset,
    name,
    authorizationEndpoint: table.authorization_endpoint ?? preset?.authorizationEndpoint ?? '',
    tokenEndpoint: table.token_endpoint ?? preset?.tokenEndpoint ?? '',
    deviceEndpoint,
    issuer: table.issuer ?? preset?.issuer,
    scope: table.scope ?? preset?.scope ?? '',
    clientId: table.client_id ?? '',
    clientSecret: table.client_secret,
    flow: table.flow ?? preset?.flow ?? (deviceEndpoint === undefined ? 'browser' : 'device'),
  }
}

/** Whether tokens may go there: https, or http to this very machine, as for a provider that a test plays. */
export function isTrustworthy(endpoint: string): boolean {
  if (!URL.canParse(endpoint)) return false
  const { protocol, hostname, username, password } = new URL(endpoint)
  if (username !== '' || password !== '') return false
  if (protocol === 'https:') return true
  const isLoopback =
    hostname === 'localhost' ||
    hostname === '[::1]' ||
    (isIP(hostname) === 4 && hostname.startsWith('127.'))
  return protocol === 'http:' && isLoopback
}

const ENDPOINT_KEYS = [
  'authorization_endpoint',
  'token_endpoint',
  'device_authorization_endpoint',
] as const satisfies (keyof OAuthTable)[]

const NO_DEVICE_ENDPOINT = 'there is no device_authorization_endpoint'

const MISSING: Partial<Record<keyof OAuthTable, string>> = {
  client_id: 'is missing: register a client with the provider; popkeep brings none',
  scope: 'is missing: what the provider calls access by POP3',
}
