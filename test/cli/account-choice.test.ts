import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/accounts/config.ts'
import { chooseAccounts } from '../../src/cli/account-choice.ts'
import type { ConfigLoader } from '../../src/cli/configuration.ts'
import type { SyncOptions } from '../../src/cli/sync-options.ts'

const CONFIG = `
archive = "sqlite:~/mail.sqlite"
[accounts.work]
host = "pop.example.com"
user = "me"
delete_after = "30d"
[accounts.home]
host = "pop.example.org"
user = "me"
port = 8995
archive = "maildir:~/home"
`
const config: ConfigLoader = () => parseConfig(CONFIG, '/etc/popkeep.toml', '/home/me')
const noConfig: ConfigLoader = ({ mayBeMissing }) => {
  if (!mayBeMissing) throw new Error('asked for the config')
  return undefined
}
const URL = 'pops://me%40example.com@pop.example.com'

function choose(
  names: readonly string[],
  options: Partial<SyncOptions> = {},
  loadConfig: ConfigLoader = config,
) {
  return chooseAccounts(names, { progress: 'auto', ...options }, loadConfig)
}

describe('chooseAccounts', () => {
  it('takes all accounts of the config, each with its archive', () => {
    const { accounts, isSingle } = choose([])
    expect(accounts.map(({ name, archive }) => [name, archive])).toEqual([
      ['work', 'sqlite:/home/me/mail.sqlite'],
      ['home', 'maildir:/home/me/home'],
    ])
    expect(isSingle).toBe(false)
  })

  it('takes those that are named, once each, and knows the others', () => {
    const { accounts, configured, isSingle } = choose(['home', 'home'])
    expect(accounts.map(({ name }) => name)).toEqual(['home'])
    expect([...configured]).toEqual(['work', 'home'])
    expect(isSingle).toBe(false)
    expect(choose(['home']).isSingle).toBe(true)
  })

  it('takes a POP-URL without a config', () => {
    const { accounts, isSingle } = choose([URL], { archive: 'sqlite:a.sqlite' }, noConfig)
    expect(isSingle).toBe(true)
    expect(accounts).toMatchObject([
      { name: 'me@example.com', host: 'pop.example.com', port: 995, tls: 'implicit' },
    ])
  })

  it('takes pop:// for STLS, and for clear text only where the option says so', () => {
    const archive = 'sqlite:a.sqlite'
    const stls = choose(['pop://me@example.com'], { archive }, noConfig)
    expect(stls.accounts).toMatchObject([{ port: 110, tls: 'stls' }])
    const clear = choose(['pop://me@example.com'], { archive, tls: 'none' }, noConfig)
    expect(clear.accounts).toMatchObject([{ port: 110, tls: 'none' }])
  })

  it('lets options go before the config, and the port follow TLS', () => {
    const { accounts } = choose(['work'], {
      tls: 'stls',
      tlsCert: 'me.pem',
      proxy: 'socks5://127.0.0.1:9050',
      auth: 'scram-sha-256',
    })
    expect(accounts).toMatchObject([
      {
        port: 110,
        clientCertificate: { certificate: 'me.pem', key: 'me.pem' },
        proxy: { type: 'socks5', host: '127.0.0.1', port: 9050 },
        auth: 'SCRAM-SHA-256',
      },
    ])
  })

  it('names the account of a POP-URL by its option, and takes the archive of the config', () => {
    expect(choose([URL], { account: 'work' }).accounts).toMatchObject([
      { name: 'work', archive: 'sqlite:/home/me/mail.sqlite' },
    ])
  })

  it.each([
    ['pop://me@127.0.0.1', 'none', 110],
    ['pop://me@127.0.0.1:2110', 'none', 2110],
    ['pops://me@127.0.0.1', 'implicit', 995],
  ] as const)('connects to %s with --tls %s at port %d', (url, tls, port) => {
    expect(choose([url], { tls, archive: 'a.sqlite' }).accounts).toMatchObject([{ tls, port }])
  })

  it.each([
    ['all', { delete: true } as const, { afterMs: 0 }],
    ['all after a time', { deleteAfter: '2w' }, { afterMs: 14 * 86_400_000 }],
    ['what the config says', {}, { afterMs: 30 * 86_400_000 }],
  ])('deletes %s', (_name, options, policy) => {
    expect(choose(['work'], options).accounts[0]?.policy.delete).toEqual(policy)
  })

  it.each([
    ['no accounts', 'jobs = 1\n', '/etc/popkeep.toml: there are no accounts in it'],
    [
      'an account without archive',
      '\n[accounts.a]\nhost = "h"\nuser = "u"\n',
      '/etc/popkeep.toml:2: no archive is named for a',
    ],
  ])('finds %s where the config has it', (_name, text, words) => {
    const load: ConfigLoader = () => parseConfig(text, '/etc/popkeep.toml', '/home/me')
    expect(() => choose([], {}, load)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_VALUE',
        message: expect.stringMatching(`^${words.replaceAll('.', '\\.')}`),
      }),
    )
  })

  it.each<[string, readonly string[], Partial<SyncOptions>, ConfigLoader?]>([
    ['an unknown account', ['werk'], {}],
    ['a POP-URL and a name', [URL, 'work'], {}],
    ['a password option for all', [], { passwordFile: 'pw' }],
    ['a password option for two', ['work', 'home'], { passwordCommand: 'pass' }],
    ['two password options', ['work'], { passwordFile: 'pw', passwordCommand: 'pass' }],
    ['a name for a configured account', ['work'], { account: 'x' }],
    ['a host for an account', ['pop.example.com'], {}],
    ['no archive at all', [URL], {}, noConfig],
    ['both ways to delete', ['work'], { delete: true, deleteAfter: '1d' }],
    ['a time without a unit', ['work'], { deleteAfter: '30' }],
    ['a pin that is none', ['work'], { tlsPin: 'abc' }],
    ['a mechanism that is none', ['work'], { auth: 'pl ain' }],
    ['a key without its certificate', ['work'], { tlsKey: 'key.pem' }],
    ['a proxy that is none', ['work'], { proxy: 'ftp://example.com' }],
    ['pops:// with --tls none', [URL], { tls: 'none', archive: 'a.sqlite' }],
    ['pops:// with --tls stls', [URL], { tls: 'stls', archive: 'a.sqlite' }],
    ['a password in the URL', ['pops://me:secret@example.com'], { archive: 'a.sqlite' }],
  ])('refuses %s', (_name, names, options, loadConfig) => {
    expect(() => choose(names, options, loadConfig)).toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    )
  })

  it.each([
    [{ keepLatest: 5 }, '--keep-latest'],
    [{ deleteShort: true }, '--delete-short'],
    [{ deleteAgain: true }, '--delete-again'],
  ] as const)('refuses %j where nothing is deleted', (options, option) => {
    const words = `${option} goes with --delete, --delete-after or --delete-older`
    expect(() => choose(['home'], options)).toThrow(words)
    const url = () => choose([URL], { archive: 'sqlite:a.sqlite', ...options }, noConfig)
    expect(url).toThrow(words)
    // One of the accounts has something deleted, by the config or by an option.
    expect(choose([], options).accounts).toHaveLength(2)
    expect(choose(['home'], { ...options, delete: true }).accounts).toHaveLength(1)
  })
})
