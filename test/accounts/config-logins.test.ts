import { describe, expect, it } from 'vitest'

import type { Account } from '../../src/accounts/account.ts'
import { parseConfig } from '../../src/accounts/config.ts'
import { ConfigError } from '../../src/accounts/errors.ts'

const FILE = '/etc/popkeep.toml'
const parse = (text: string) => parseConfig(text, FILE, '/home/me')

const ACCOUNT = '[accounts.a]\nhost = "h"\nuser = "u"\n'

function accountWith(lines: string, more = ''): Account {
  const [account] = parse(`${ACCOUNT}${lines}\n${more}`).accounts
  if (account === undefined) throw new Error('there is no account')
  return account
}

function messageOf(text: string): string {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof ConfigError) {
      expect(error.code).toBe('CONFIG_VALUE')
      return error.message
    }
    throw error
  }
  throw new Error('the config was taken')
}

/** A provider that is neither Google nor Microsoft. */
const ACME = `
[oauth.acme]
client_id = "id"
authorization_endpoint = "https://acme.example/authorize"
token_endpoint = "https://acme.example/token"
scope = "pop"
`

describe('how an account logs in', () => {
  it('may be said by key and certificate', () => {
    const account = accountWith(
      'auth = "external"\ntls_certificate = "~/me.pem"\ntls_key = "me.key"',
    )
    expect(account).toMatchObject({
      auth: 'EXTERNAL',
      clientCertificate: { certificate: '/home/me/me.pem', key: '/etc/me.key' },
      secret: undefined,
      token: undefined,
    })
    const both = 'tls_certificate = "c"\ntls_key = "c"\nauth = "plain"\npassword_file = "p"'
    expect(accountWith(both)).toMatchObject({ auth: 'PLAIN', secret: { type: 'file' } })
  })

  it('may be said by keyring', () => {
    expect(accountWith('keyring = true').secret).toEqual({ type: 'keyring' })
    expect(accountWith('keyring = false').secret).toBeUndefined()
    expect(accountWith('keyring = false\npassword_file = "p"').secret).toMatchObject({
      type: 'file',
    })
  })

  it('may be said by token command', () => {
    const account = accountWith('token_command = ["oama", "access", "me"]\nauth = "xoauth2"')
    expect(account).toMatchObject({
      auth: 'XOAUTH2',
      secret: undefined,
      token: { type: 'command', command: ['oama', 'access', 'me'] },
    })
  })

  it('may be said by a provider that is known', () => {
    const table = '[oauth.google]\nclient_id = "id"\nclient_secret = "not confidential"'
    expect(accountWith('oauth = "google"', table).token).toMatchObject({
      type: 'oauth',
      storage: 'file',
      provider: {
        name: 'google',
        clientId: 'id',
        clientSecret: 'not confidential',
        tokenEndpoint: 'https://oauth2.googleapis.com/token',
      },
    })
  })

  it('may be said by a provider of its own, with the grant in the keyring', () => {
    const table = `${ACME}device_authorization_endpoint = "http://127.0.0.1:1/d"\nissuer = "https://acme.example"\nflow = "paste"`
    const account = accountWith('oauth = "acme"\nkeyring = true', table)
    expect(account.secret).toBeUndefined()
    expect(account.token).toMatchObject({
      type: 'oauth',
      storage: 'keyring',
      provider: {
        name: 'acme',
        clientId: 'id',
        authorizationEndpoint: 'https://acme.example/authorize',
        deviceEndpoint: 'http://127.0.0.1:1/d',
        issuer: 'https://acme.example',
        scope: 'pop',
        flow: 'paste',
      },
    })
  })

  it('takes the tenant of an organisation', () => {
    const table = '[oauth.microsoft]\nclient_id = "id"\ntenant = "contoso.example"'
    expect(accountWith('oauth = "microsoft"', table).token).toMatchObject({
      provider: { tokenEndpoint: expect.stringContaining('/contoso.example/') },
    })
  })

  it('does not mind a provider that nobody uses', () => {
    expect(accountWith('keyring = true', ACME).token).toBeUndefined()
  })

  it('goes through the proxy of the account, else through the common one', () => {
    const common = 'proxy = "socks5://me@proxy.example"\n'
    const text = `${common}${ACCOUNT}proxy = "http://other:8080"\n[accounts.b]\nhost="h"\nuser="u"`
    expect(parse(text).accounts.map(({ proxy }) => proxy)).toEqual([
      { type: 'http', host: 'other', port: 8080, user: undefined },
      { type: 'socks5', host: 'proxy.example', port: 1080, user: 'me' },
    ])
    expect(parse(common).proxy).toMatchObject({ host: 'proxy.example' })
  })
})

const FORM = 'a proxy is socks5://[USER@]HOST[:PORT] or http://[USER@]HOST[:PORT]'
const ONE_SOURCE = 'exclude each other: an account has one source for its secret'

describe('a config that cannot log in', () => {
  it.each([
    // Two sources.
    ['keyring = true\npassword_file = "f"', 4, `keyring and password_file ${ONE_SOURCE}`],
    ['password_command = "c"\nkeyring = true', 5, `keyring and password_command ${ONE_SOURCE}`],
    [
      'password_file = "f"\ntoken_command = "c"',
      5,
      `token_command and password_file ${ONE_SOURCE}`,
    ],
    ['keyring = true\ntoken_command = "c"', 5, `token_command and keyring ${ONE_SOURCE}`],
    [`password_file = "f"\noauth = "acme"\n${ACME}`, 5, `oauth and password_file ${ONE_SOURCE}`],
    [
      `keyring = true\ntoken_command = "c"\noauth = "acme"\n${ACME}`,
      6,
      `oauth and token_command ${ONE_SOURCE}`,
    ],
    // What proves, and what there is to prove by.
    [
      `oauth = "acme"\nauth = "plain"\n${ACME}`,
      5,
      'PLAIN proves by a password, and oauth gives a token: leave auth away, or name OAUTHBEARER or XOAUTH2',
    ],
    [
      'auth = "SCRAM-SHA-256"\ntoken_command = "c"',
      4,
      'SCRAM-SHA-256 proves by a password, and token_command gives a token: leave auth away, or name OAUTHBEARER or XOAUTH2',
    ],
    ['auth = "xoauth2"', 4, 'XOAUTH2 needs a token: oauth or token_command'],
    [
      'auth = "oauthbearer"\npassword_file = "f"',
      4,
      'OAUTHBEARER needs a token: oauth or token_command',
    ],
    ['auth = "external"', 4, 'EXTERNAL needs a tls_certificate'],
    [
      'auth = "external"\ntls_certificate = "c"\ntls_key = "k"\nkeyring = true',
      4,
      'EXTERNAL proves by the certificate alone: it and keyring exclude each other',
    ],
    [
      'auth = "SCRAM-SHA-1-PLUS"\ntls = "none"',
      4,
      'SCRAM-SHA-1-PLUS binds to TLS, and tls is "none"',
    ],
    // TLS.
    [
      'tls_certificate = "c"',
      4,
      'tls_certificate needs its tls_key, which may be the same file if that holds both',
    ],
    ['tls_key = "k"', 4, 'tls_key needs its tls_certificate'],
    ['tls_key = 1', 4, '"tls_key" is the path of a PEM file, in quotes'],
    ['tls_certificate = ""', 4, '"tls_certificate" is the path of a PEM file'],
    [
      'tls = "none"\ntls_certificate = "c"\ntls_key = "k"',
      4,
      'tls cannot be "none" here: a certificate is shown in TLS',
    ],
    [
      'token_command = "c"\ntls = "none"',
      5,
      'tls cannot be "none" here: a token is sent over TLS only',
    ],
    [
      `oauth = "acme"\ntls = "none"\n${ACME}`,
      5,
      'tls cannot be "none" here: a token is sent over TLS only',
    ],
    // Proxies.
    ['proxy = "host:1080"', 4, `"proxy" is wrong: ${FORM}`],
    ['proxy = 1080', 4, '"proxy" is the address of a proxy, in quotes'],
    [
      'proxy = "socks5://me:hunter2@host"',
      4,
      '"proxy" is wrong: the address of a proxy holds no password: others could read it there; it is the ' +
        'environment variable POPKEEP_PROXY_PASSWORD (a colon in the user is written %3A)',
    ],
    // Values.
    ['keyring = "yes"', 4, '"keyring" is true or false'],
    [
      'token_command = []',
      4,
      '"token_command" is a command: an array of its words (["pass", "show", "mail/work"]), or one string for the shell',
    ],
    [
      'oauth = {}',
      4,
      '"oauth" is the name of a provider: "google", "microsoft" or that of a table [oauth.NAME], in quotes',
    ],
    // Providers.
    [
      'oauth = "google"',
      4,
      'oauth = "google" needs a table [oauth.google] with your client_id; popkeep brings none',
    ],
    ['oauth = "gogle"', 4, 'no provider is called "gogle"; did you mean "google"?'],
    [`oauth = "acne"\n${ACME}`, 4, 'no provider is called "acne"; did you mean "acme"?'],
    [
      'oauth = "constructor"',
      4,
      'no provider is called "constructor"; google and microsoft are known, any other needs a table [oauth.NAME]',
    ],
  ] as const)('%j: line %i', (lines, line, text) => {
    expect(messageOf(`${ACCOUNT}${lines}\n`)).toBe(`${FILE}:${line}: ${text}`)
  })

  const MISSING_ID =
    '"client_id" is missing: register a client with the provider; popkeep brings none'
  it.each([
    ['[oauth.google]\n', 1, MISSING_ID],
    [
      '[oauth.microsoft]\nclient_id = ""',
      2,
      '"client_id" is the id that the provider gave your client',
    ],
    [
      '[oauth.microsoft]\nclient_id = 5',
      2,
      '"client_id" is the id that the provider gave your client, in quotes',
    ],
    [ACME.replace(/authorization.*\n/, ''), 2, '"authorization_endpoint" is missing'],
    [ACME.replace(/token_.*\n/, ''), 2, '"token_endpoint" is missing'],
    [
      ACME.replace(/scope.*\n/, ''),
      2,
      '"scope" is missing: what the provider calls access by POP3',
    ],
    [ACME.replace(/client_id.*\n/, ''), 2, MISSING_ID],
    [
      ACME.replace('https://acme.example/token', 'http://acme.example/token'),
      5,
      '"token_endpoint" is a URL that begins with https://',
    ],
    [
      `${ACME}device_authorization_endpoint = "acme"`,
      7,
      '"device_authorization_endpoint" is a URL that begins with https://',
    ],
    [
      `${ACME}client_secret = 5`,
      7,
      '"client_secret" is what the provider gave your client besides its id, in quotes',
    ],
    [`${ACME}issuer = true`, 7, '"issuer" is a URL, in quotes'],
    [`${ACME}flow = "magic"`, 7, '"flow" is one of device, browser, paste'],
    [
      `${ACME}flow = "device"`,
      7,
      '"flow" cannot be "device": there is no device_authorization_endpoint',
    ],
    [`${ACME}tenant = "x"`, 7, '"tenant" belongs to [oauth.microsoft]'],
    ['oauth = 1', 1, '"oauth" holds a table for each provider: [oauth.NAME]'],
    ['\noauth.google = 1', 2, '"google" is a table of keys: client_id, scope ...'],
    ['proxy = "http://"', 1, `"proxy" is wrong: ${FORM}`],
  ] as const)('%j: line %i', (text, line, words) => {
    expect(messageOf(text)).toBe(`${FILE}:${line}: ${words}`)
  })

  it.each([
    [`${ACME}client_sekret = "hunter2"`, 7, 'did you mean "client_secret"?'],
    [`${ACME}refresh_token = "hunter2"`, 7, 'holds no tokens; use oauth or token_command'],
    [`${ACME}password = "hunter2"`, 7, 'holds no passwords'],
    [`${ACCOUNT}client_id = "x"`, 4, 'it belongs to a provider: [oauth.NAME]'],
    [`${ACME}host = "x"`, 7, 'it belongs to an account: [accounts.NAME]'],
    ['[oauth.google]\ncolour = 1\nclient_id = "x"', 2, 'the keys here are client_id, '],
  ] as const)('%j: an unknown key on line %i', (text, line, words) => {
    const act = () => parse(text)
    expect(act).toThrow(expect.objectContaining({ code: 'CONFIG_KEY', line }))
    expect(act).toThrow(words)
    expect(act).not.toThrow('hunter2')
  })

  it.each(['__proto__', 'toString', 'constructor', 'prototype'])(
    'may not call a provider %s',
    (name) => {
      expect(() => parse(ACME.replace('acme', name))).toThrow(
        `${FILE}:2: no provider can be called`,
      )
    },
  )

  it('shows no secret of a file that is no TOML', () => {
    for (const line of ['client_secret = hunter2', 'proxy = socks5://me:hunter2@host']) {
      const act = () => parse(`[accounts.a]\n${line}\n`)
      expect(act).toThrow(expect.objectContaining({ code: 'CONFIG_SYNTAX', line: 2 }))
      expect(act).not.toThrow('hunter2')
    }
  })
})
