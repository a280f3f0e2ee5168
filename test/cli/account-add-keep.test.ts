import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/accounts/config.ts'
import { formatPassword } from '../../src/accounts/kept-password.ts'
import type { Keyring } from '../../src/accounts/keyring.ts'
import { type AccountAddOptions, additionOf, type Draft } from '../../src/cli/account-add-draft.ts'
import { freshFileName, keepAccount } from '../../src/cli/account-add-keep.ts'
import { accountLines, accountsJson } from '../../src/cli/account-list.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'

const CANARY = 'canary-51b2-house'
const none: AccountAddOptions = { check: true }

const draft: Draft = {
  name: 'work',
  server: { host: 'pop.example.com', port: 995, tls: 'implicit' },
  user: 'me@example.com',
  login: { type: 'fresh-file', file: 'work.password', secret: CANARY },
  archive: 'sqlite:~/Mail/m.sqlite',
  isFirst: true,
}

let folder: TemporaryFolder
let file: string
beforeEach(() => {
  folder = temporaryFolder('account-keep')
  file = join(folder.path, 'popkeep', 'config.toml')
})
afterEach(() => folder.remove())

const files = () => readdirSync(folder.path, { recursive: true }).map(String).sort()

function memoryKeyring(entries: Map<string, string>): Keyring {
  return {
    get: async (account) => entries.get(account),
    set: async (account, text) => void entries.set(account, text),
    remove: async (account) => void entries.delete(account),
  }
}

describe('what account add keeps', () => {
  it('is a private file beside the config, which names it', async () => {
    await keepAccount(additionOf(draft, none), draft.login, { file, home: folder.path })
    const path = join(folder.path, 'popkeep', 'work.password')
    expect(readFileSync(path, 'utf8')).toBe(`${CANARY}\n`)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const text = readFileSync(file, 'utf8')
    expect(text).not.toContain(CANARY)
    expect(parseConfig(text, file, '/').accounts[0]?.secret).toEqual({ type: 'file', path })
    expect(files()).toEqual(['popkeep', 'popkeep/config.toml', 'popkeep/work.password'])
  })

  it('never replaces a file that is there', async () => {
    mkdirSync(join(folder.path, 'popkeep'))
    writeFileSync(join(folder.path, 'popkeep', 'work.password'), 'old')
    const keep = keepAccount(additionOf(draft, none), draft.login, { file, home: folder.path })
    await expect(keep).rejects.toMatchObject({
      code: 'SECRET_UNAVAILABLE',
      message: expect.not.stringContaining(CANARY),
    })
    expect(files()).toEqual(['popkeep', 'popkeep/work.password'])
    expect(freshFileName('work', join(folder.path, 'popkeep'))).toBe('work-2.password')
  })

  it.each([
    ['../../etc/x', '_._.._etc_x.password'],
    ['.hidden', '_hidden.password'],
    ['me@example.com', 'me@example.com.password'],
    ['a b\u0000', 'a_b_.password'],
  ])('of the account %j is no other file than %s', (name, expected) => {
    expect(freshFileName(name, folder.path)).toBe(expected)
  })

  it.each([undefined, 'earlier'])(
    'is taken back if the config cannot be written',
    async (before) => {
      const entries = new Map(before === undefined ? [] : [['work', before]])
      const options = {
        ...{ file, home: folder.path },
        openKeyring: async () => memoryKeyring(entries),
        beforeReplacing: () => {
          throw new Error('the disk is gone')
        },
      }
      const login = { type: 'keyring', secret: CANARY } as const
      await expect(keepAccount(additionOf(draft, none), login, options)).rejects.toThrow('disk')
      expect(entries.get('work')).toBe(before)
      await expect(keepAccount(additionOf(draft, none), draft.login, options)).rejects.toThrow(
        'disk',
      )
      expect(files()).toEqual(['popkeep'])
    },
  )

  it('is an entry of the keyring', async () => {
    const entries = new Map<string, string>()
    const login = { type: 'keyring', secret: CANARY } as const
    const options = { file, home: folder.path, openKeyring: async () => memoryKeyring(entries) }
    await keepAccount(additionOf({ ...draft, login }, none), login, options)
    const owner = { host: 'POP.example.com', user: 'me@example.com' }
    expect([...entries]).toEqual([['work', formatPassword(owner, CANARY)]])
    expect(readFileSync(file, 'utf8')).toContain('keyring = true')
  })
})

describe('the tables of a draft', () => {
  const table = (parts: Partial<Draft>, options: Partial<AccountAddOptions> = {}) =>
    additionOf({ ...draft, ...parts }, { ...none, ...options })

  it('say only what differs from the defaults', () => {
    expect(table({})).toEqual({
      name: 'work',
      account: { host: 'pop.example.com', user: 'me@example.com', password_file: 'work.password' },
      archive: 'sqlite:~/Mail/m.sqlite',
      oauth: undefined,
    })
  })

  it.each([
    [{ server: { host: 'h', port: 110, tls: 'stls' } }, {}, { host: 'h', tls: 'stls' }],
    [{ server: { host: 'h', port: 1, tls: 'none' } }, {}, { port: 1, tls: 'none' }],
    [{ isFirst: false }, {}, { archive: 'sqlite:~/Mail/m.sqlite' }],
    [{ login: { type: 'command', command: 'pass x' } }, {}, { password_command: 'pass x' }],
    [{ login: { type: 'file', path: '/run/x' } }, {}, { password_file: '/run/x' }],
    [{}, { tlsCert: '/c.pem' }, { tls_certificate: '/c.pem', tls_key: '/c.pem' }],
    [{}, { auth: 'plain', proxy: 'socks5://h' }, { auth: 'PLAIN', proxy: 'socks5://h' }],
    [{}, { tlsCa: 'ca.pem' }, { tls_ca: join(process.cwd(), 'ca.pem') }],
    [
      { isFirst: false, archive: 'maildir:Mail' },
      {},
      { archive: `maildir:${join(process.cwd(), 'Mail')}` },
    ],
  ] as const)('of %j and %j hold %j', (parts, options, keys) => {
    expect(table(parts, options).account).toMatchObject(keys)
  })
})

describe('the list of accounts', () => {
  const { accounts } = parseConfig(
    `archive = "sqlite:/m.sqlite"
[accounts.work]
host = "pop.example.com"
user = "me\\u202e@example.com"
password_command = "echo ${CANARY}"
[accounts.a]
host = "h"
user = "u"
tls = "none"
`,
    '/c/config.toml',
    '/',
  )

  it('is a line each, safe to print', () => {
    expect(accountLines(accounts)).toBe(
      `work  me\\u202e@example.com at pop.example.com:995  password command  sqlite:/m.sqlite
a     u at h:110                                   asks              sqlite:/m.sqlite
`,
    )
  })

  it('is an object each, and tells no commands', () => {
    const lines = accountsJson(accounts).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).name)).toEqual(['work', 'a'])
    expect(lines.join()).not.toContain(CANARY)
  })
})
