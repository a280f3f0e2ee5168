/** What keys of a config file may say alone, but not together. */
import { CERTIFICATE_MECHANISMS, TOKEN_MECHANISMS } from './account.ts'
import { type ConfigFault, valueFault } from './config-fault.ts'
import type { AccountTable, ConfigTables } from './config-schema.ts'
import { nearestWord } from './nearest-word.ts'
import { OAUTH_PRESETS, oauthTableFaults } from './oauth-provider.ts'

/** All conflicts, in no order. */
export function conflicts(tables: ConfigTables): ConfigFault[] {
  const providers = Object.entries(tables.oauth ?? {})
  const providerNames = providers.map(([name]) => name)
  return [
    ...providers.flatMap(([name, table]) =>
      oauthTableFaults(name, table).map(({ key, text }) =>
        valueFault(['oauth', name, key], `"${key}" ${text}`),
      ),
    ),
    ...Object.entries(tables.accounts ?? {}).flatMap(([name, account]) =>
      [
        ...sourceConflicts(account),
        ...mechanismConflicts(account),
        ...tlsConflicts(account),
        ...providerFaults(account, providerNames),
        ...policyConflicts(account),
      ].map(({ key, text }) => valueFault(['accounts', name, key], text)),
    ),
  ]
}

interface AccountFault {
  readonly key: keyof AccountTable
  readonly text: string
}

// The first that is there is what the others are held against.
const SOURCES = ['password_command', 'password_file', 'keyring', 'token_command', 'oauth'] as const

function sourcesOf(account: AccountTable): readonly (typeof SOURCES)[number][] {
  return SOURCES.filter((key) => {
    // `keyring = true` beside oauth says where the grant is kept.
    if (key === 'keyring') return account.keyring === true && account.oauth === undefined
    return account[key] !== undefined
  })
}

function sourceConflicts(account: AccountTable): AccountFault[] {
  const [first, ...others] = sourcesOf(account)
  return others.map((key) => ({
    key,
    text: `${key} and ${first} exclude each other: an account has one source for its secret`,
  }))
}

function mechanismConflicts(account: AccountTable): AccountFault[] {
  const { auth, tls } = account
  if (auth === undefined) return []
  const sources = sourcesOf(account)
  const tokenKey = sources.find((key) => key === 'oauth' || key === 'token_command')
  const fault = (text: string): AccountFault => ({ key: 'auth', text })
  if (CERTIFICATE_MECHANISMS.includes(auth)) {
    const [source] = sources
    if (account.tls_certificate === undefined) return [fault(`${auth} needs a tls_certificate`)]
    if (source === undefined) return []
    return [fault(`${auth} proves by the certificate alone: it and ${source} exclude each other`)]
  }
  if (TOKEN_MECHANISMS.includes(auth)) {
    return tokenKey === undefined ? [fault(`${auth} needs a token: oauth or token_command`)] : []
  }
  if (tokenKey !== undefined) {
    return [
      fault(
        `${auth} proves by a password, and ${tokenKey} gives a token: leave auth away, or name ` +
          TOKEN_MECHANISMS.join(' or '),
      ),
    ]
  }
  return auth.endsWith('-PLUS') && tls === 'none'
    ? [fault(`${auth} binds to TLS, and tls is "none"`)]
    : []
}

function tlsConflicts(account: AccountTable): AccountFault[] {
  const faults: AccountFault[] = []
  const { tls, tls_certificate, tls_key, oauth, token_command } = account
  if (tls_certificate !== undefined && tls_key === undefined) {
    const text = 'tls_certificate needs its tls_key, which may be the same file if that holds both'
    faults.push({ key: 'tls_certificate', text })
  }
  if (tls_key !== undefined && tls_certificate === undefined) {
    faults.push({ key: 'tls_key', text: 'tls_key needs its tls_certificate' })
  }
  if (tls !== 'none') return faults
  if (oauth !== undefined || token_command !== undefined) {
    const text = 'tls cannot be "none" here: a token is sent over TLS only'
    faults.push({ key: 'tls', text })
  }
  if (tls_certificate !== undefined) {
    faults.push({ key: 'tls', text: 'tls cannot be "none" here: a certificate is shown in TLS' })
  }
  return faults
}

function providerFaults(account: AccountTable, tables: readonly string[]): AccountFault[] {
  const { oauth } = account
  if (oauth === undefined || tables.includes(oauth)) return []
  if (OAUTH_PRESETS.includes(oauth)) {
    const text = `oauth = "${oauth}" needs a table [oauth.${oauth}] with your client_id; popkeep brings none`
    return [{ key: 'oauth', text }]
  }
  const nearest = nearestWord(oauth, [...tables, ...OAUTH_PRESETS])
  const advice =
    nearest === undefined
      ? `${OAUTH_PRESETS.join(' and ')} are known, any other needs a table [oauth.NAME]`
      : `did you mean "${nearest}"?`
  return [{ key: 'oauth', text: `no provider is called ${JSON.stringify(oauth)}; ${advice}` }]
}

function policyConflicts(account: AccountTable): AccountFault[] {
  if (account.delete === undefined) return []
  return (['delete_after', 'delete_older'] as const)
    .filter((key) => account[key] !== undefined)
    .map((key) => ({ key, text: `delete and ${key} exclude each other: ${key} says all` }))
}
