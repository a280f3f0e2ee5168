import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { parseConfig } from '../../src/accounts/config.ts'
import { additionText, type ConfigAddition, withAddition } from '../../src/accounts/config-text.ts'
import { addToConfig, previewAddition } from '../../src/accounts/config-writer.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'

const surroundings = { file: '/home/me/config.toml', home: '/home/me' }
const work: ConfigAddition = {
  name: 'work',
  account: { host: 'pop.example.com', user: 'me@example.com', keyring: true },
  archive: 'sqlite:~/Mail/popkeep.sqlite',
}

describe('the text of a config with an account more', () => {
  it('is the common archive and the account where nothing was', () => {
    expect(withAddition('', work, surroundings)).toBe(
      `archive = "sqlite:~/Mail/popkeep.sqlite"

[accounts.work]
host = "pop.example.com"
user = "me@example.com"
keyring = true
`,
    )
  })

  it.each([
    ['# mine\n', '# mine\n\n'],
    ['# no line end', '# no line end\n\n'],
    ['jobs = 2 # two\n\n\n', 'jobs = 2 # two\n\n\n\n'],
  ])('keeps %j, and names no archive there', (text, start) => {
    const after = withAddition(text, work, surroundings)
    expect(after).toBe(`${start}${additionText(text, work)}`)
    expect(after).not.toContain('archive')
  })

  it('keeps CR LF and the byte order mark of editors on Windows', () => {
    const text = '\ufeff# mine\r\n[accounts.a]\r\nhost = "h"\r\nuser = "u"\r\n'
    const after = withAddition(text, work, surroundings)
    expect(after.startsWith(text)).toBe(true)
    expect(after.replaceAll('\r\n', '')).not.toContain('\n')
    expect(parseConfig(after, 'c', '/').accounts.map(({ name }) => name)).toEqual(['a', 'work'])
  })

  it.each([
    'accounts.a.host = "h"\naccounts.a.user = "u"\n',
    '[accounts]\na.host = "h"\na.user = "u"\n',
    '[accounts.a]\nhost = "h"\nuser = "u"\n[oauth.google]\nclient_id = "x"\n',
    '[accounts.a]\nhost = "h"\nuser = """\\\n  u"""\n# [accounts.work]\n',
  ])('takes an account behind %j', (text) => {
    const after = withAddition(text, work, surroundings)
    expect(parseConfig(after, 'c', '/').accounts.map(({ name }) => name)).toEqual(['a', 'work'])
  })

  it.each(['a b', 'me@example.com', 'x.y', '"quoted"', "it's", 'b\u00fccher', '\u6f22', 'a-', '#'])(
    'quotes the name %j',
    (name) => {
      const after = withAddition('', { ...work, name }, surroundings)
      expect(parseConfig(after, 'c', '/').accounts.map((account) => account.name)).toEqual([name])
    },
  )

  const impossible = ['', 'a\nb', '__proto__', 'constructor', '\u0000', '-', '-x']
  it.each(impossible)('refuses the name %j', (name) => {
    expect(() => withAddition('', { ...work, name }, surroundings)).toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    )
  })

  it('adds a table of a provider once', () => {
    const oauth = { name: 'google', table: { client_id: 'mine' } }
    const account = { host: 'pop.gmail.com', user: 'me@gmail.com', oauth: 'google' }
    const first = withAddition('', { name: 'one', account, oauth }, surroundings)
    const second = withAddition(first, { name: 'two', account, oauth }, surroundings)
    expect(second.startsWith(first)).toBe(true)
    expect(second.match(/\[oauth\.google\]/g)).toHaveLength(1)
    expect(parseConfig(second, 'c', '/').accounts.map(({ token }) => token?.type)).toEqual([
      'oauth',
      'oauth',
    ])
  })

  it.each([
    ['a = [\n', 'CONFIG_SYNTAX', 'config.toml:'],
    ['\n\nacounts = 1\n', 'CONFIG_KEY', 'config.toml:3'],
    ['[accounts.a]\nhost = 1\nuser = "u"\n', 'CONFIG_VALUE', 'config.toml:2'],
    ['\n[accounts.work]\nhost = "h"\nuser = "u"\n', 'CONFIG_VALUE', 'config.toml:2: there is an'],
    ['accounts = { a = { host = "h", user = "u" } }\n', 'CONFIG_VALUE', '[accounts.work]'],
  ])('is refused for %j', (text, code, message) => {
    expect(() => withAddition(text, work, surroundings)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    )
  })

  it('is refused for wrong values, for which no line of the file is blamed', () => {
    const account = { ...work.account, tls: 'starttls', auth: 'PLAIN', password_file: 'f' }
    expect(() => withAddition('# mine\n', { ...work, account }, surroundings)).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: '"tls" is "implicit", "stls" or "none"',
      }),
    )
    const twice = { ...work.account, password_file: 'f', token_command: 't' }
    expect(() => withAddition('', { ...work, account: twice }, surroundings)).toThrow(
      /^keyring and password_file exclude .*; token_command and password_file exclude /,
    )
  })

  it('begins with all that was there, whatever that is', () => {
    const comment = fc.stringMatching(/^[ \t]*#[ -~\u00e4\u2028]*$/)
    const value = fc.constantFrom('"a # b"', "'[x]'", '"""\\\n[accounts.work] # no"""')
    const account = fc
      .tuple(fc.stringMatching(/^[a-v][a-z0-9_-]{1,8}$/), value, comment, fc.boolean())
      .map(([name, user, note, isDotted]) =>
        isDotted
          ? { name, lines: `[accounts . '${name}'] ${note}\nhost = "h"\nuser = ${user}\n` }
          : { name, lines: `[accounts.${name}]\nuser = ${user} ${note}\n${note}\nhost = 'h'` },
      )
    const document = fc.record({
      mark: fc.constantFrom('', '\ufeff'),
      root: fc.constantFrom('', 'jobs = 3\n', "archive = 'sqlite:/x' # y\n", '\n\n'),
      accounts: fc.uniqueArray(account, { selector: ({ name }) => name, maxLength: 4 }),
      notes: fc.array(comment, { maxLength: 4 }),
      end: fc.constantFrom('', '\n', '\n\n', '\t'),
      lineEnd: fc.constantFrom('\n', '\r\n'),
    })
    fc.assert(
      fc.property(document, ({ mark, root, accounts, notes, end, lineEnd }) => {
        const tables = accounts.map(({ lines }, index) => [lines, notes[index] ?? ''].join('\n'))
        const text = mark + (root + tables.join('\n') + end).replaceAll('\n', lineEnd)
        const after = withAddition(text, work, surroundings)
        expect(after.startsWith(text)).toBe(true)
        const old = parseConfig(text, 'c', '/').accounts
        const read = parseConfig(after, 'c', '/').accounts
        expect(read.slice(0, -1)).toMatchObject(old.map(({ archive: _, ...rest }) => rest))
        expect(read.at(-1)).toMatchObject({ name: 'work', host: 'pop.example.com' })
      }),
      { numRuns: 200 },
    )
  })
})

describe('an addition that is shown', () => {
  const CANARY = 'canary-44c1-fern'
  const oauth = { name: 'a b', table: { client_id: 'mine', client_secret: CANARY } }
  const account = { host: 'pop.gmail.com', user: 'me@gmail.com', oauth: 'a b' }
  const google = { name: 'one', account, oauth: { ...oauth, name: 'google' } }

  it('says where the client secret goes, and does not say it', () => {
    const addition = { ...google, account: { ...account, oauth: 'google' } }
    const file = '/nowhere/popkeep/config.toml'
    expect(previewAddition(addition, { file, home: '/home/me' }).text).toBe(`[oauth.google]
# client_secret is not shown; fill it in: client_secret = "..."
client_id = "mine"

[accounts.one]
host = "pop.gmail.com"
user = "me@gmail.com"
oauth = "google"
`)
  })

  it('is so also where it has to be added by hand', () => {
    const text = 'accounts = { a = { host = "h", user = "u" } }\n'
    const refused = () => withAddition(text, { name: 'one', account, oauth }, surroundings)
    expect(refused).toThrow(/client_secret is not shown/)
    expect(refused).not.toThrow(new RegExp(CANARY))
  })
})

describe('the config file', () => {
  let folder: TemporaryFolder
  let file: string
  const options = () => ({ file, home: folder.path })

  beforeEach(() => {
    folder = temporaryFolder('config-writer')
    file = join(folder.path, 'config', 'popkeep', 'config.toml')
  })
  afterEach(() => folder.remove())

  function writeOld(text: string, mode = 0o644): void {
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, text)
    chmodSync(file, mode)
  }

  it('is made for its owner alone, with its folders', () => {
    const umask = process.umask(0)
    try {
      addToConfig(work, options())
    } finally {
      process.umask(umask)
    }
    expect(readFileSync(file, 'utf8')).toContain('[accounts.work]')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700)
    expect(statSync(join(folder.path, 'config')).mode & 0o777).toBe(0o700)
    expect(readdirSync(join(file, '..'))).toEqual(['config.toml'])
  })

  it('is replaced whole, and private afterwards', () => {
    writeOld('# mine\n')
    const { ino } = statSync(file)
    addToConfig(work, options())
    expect(statSync(file).ino).not.toBe(ino)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).toMatch(/^# mine\n\n\[accounts\.work\]/)
  })

  it('stays a symbolic link, whose target is replaced', () => {
    const target = join(folder.path, 'dotfiles', 'popkeep.toml')
    mkdirSync(join(target, '..'))
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(target, '# mine\n')
    symlinkSync(target, file)
    addToConfig(work, options())
    expect(lstatSync(file).isSymbolicLink()).toBe(true)
    expect(readFileSync(target, 'utf8')).toContain('[accounts.work]')
    expect(readdirSync(join(target, '..'))).toEqual(['popkeep.toml'])
  })

  it('is refused as a link to nothing', () => {
    mkdirSync(join(file, '..'), { recursive: true })
    symlinkSync(join(folder.path, 'nothing'), file)
    expect(() => addToConfig(work, options())).toThrow(
      expect.objectContaining({ code: 'CONFIG_NOT_FOUND' }),
    )
    expect(existsSync(join(folder.path, 'nothing'))).toBe(false)
  })

  it.each([
    ['accounts = [\n', 'CONFIG_SYNTAX'],
    [Buffer.from('# caf\xe9\n', 'latin1'), 'CONFIG_NOT_FOUND'],
  ])('is left as it was where it is wrong: %j', (text, code) => {
    writeOld('')
    writeFileSync(file, text)
    expect(() => addToConfig(work, options())).toThrow(expect.objectContaining({ code }))
    expect(readFileSync(file)).toEqual(Buffer.from(text))
    expect(readdirSync(join(file, '..'))).toEqual(['config.toml'])
  })

  it('keeps what another program writes meanwhile', () => {
    writeOld('# one\n')
    let changes = 0
    const beforeReplacing = () => {
      changes += 1
      if (changes === 1) writeFileSync(file, '# two\n')
    }
    addToConfig(work, { ...options(), beforeReplacing })
    expect(readFileSync(file, 'utf8')).toMatch(/^# two\n\n\[accounts\.work\]/)
    expect(changes).toBe(2)
  })

  it('is given up where another program never rests', () => {
    writeOld('# one\n')
    let changes = 0
    const beforeReplacing = () => writeFileSync(file, `# ${++changes}\n`)
    expect(() => addToConfig(work, { ...options(), beforeReplacing })).toThrow(
      expect.objectContaining({ message: expect.stringContaining('keeps changing') }),
    )
    expect(readFileSync(file, 'utf8')).toBe('# 2\n')
    expect(readdirSync(join(file, '..'))).toEqual(['config.toml'])
  })

  it('refuses the account that another program added meanwhile', () => {
    const beforeReplacing = () => writeOld('[accounts.work]\nhost = "h"\nuser = "u"\n')
    expect(() => addToConfig(work, { ...options(), beforeReplacing })).toThrow(/already/)
    expect(readFileSync(file, 'utf8')).toContain('host = "h"')
  })
})
