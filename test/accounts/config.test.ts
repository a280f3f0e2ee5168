import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { defaultConfigFile, loadConfig, parseConfig } from '../../src/accounts/config.ts'
import { writerFault } from '../../src/accounts/config-file.ts'
import { ConfigError } from '../../src/accounts/errors.ts'

const parse = (text: string) => parseConfig(text, '/etc/popkeep.toml', '/home/me')

function faultOf(text: string): ConfigError {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('the config was taken')
}

const PIN = 'AB:'.repeat(31).concat('CD')

describe('a config file', () => {
  it('names accounts', () => {
    const config = parse(`
archive = "sqlite:~/Mail/popkeep.sqlite"
jobs = 4
jobs_per_host = 2

[accounts.work]
host = "pop.example.com"
user = "me@example.com"
password_command = ["pass", "show", "mail/work"]
delete_after = "30d"
archive = "maildir:Mail/work"

[accounts."at home"]
host = "::1"
port = 1110
tls = "none"
tls_ca = "~/ca.pem"
tls_pin = "${PIN}"
user = "me"
auth = "plain"
password_file = "secret"
delete = true
delete_removed = true
max_messages = 10
limit_octets = "2M"
`)
    expect(config).toEqual({
      file: '/etc/popkeep.toml',
      archive: 'sqlite:/home/me/Mail/popkeep.sqlite',
      jobs: 4,
      jobsPerHost: 2,
      proxy: undefined,
      accounts: [
        {
          name: 'work',
          host: 'pop.example.com',
          port: 995,
          tls: 'implicit',
          ca: undefined,
          pin: undefined,
          clientCertificate: undefined,
          proxy: undefined,
          user: 'me@example.com',
          auth: undefined,
          archive: 'maildir:/etc/Mail/work',
          policy: {
            delete: { afterMs: 30 * 86_400_000 },
            deleteRemoved: false,
            maxMessages: undefined,
            limitOctets: undefined,
          },
          secret: { type: 'command', command: ['pass', 'show', 'mail/work'] },
          token: undefined,
          place: { file: '/etc/popkeep.toml', line: 6 },
        },
        {
          name: 'at home',
          host: '::1',
          port: 1110,
          tls: 'none',
          ca: '/home/me/ca.pem',
          pin: 'ab'.repeat(31).concat('cd'),
          clientCertificate: undefined,
          proxy: undefined,
          user: 'me',
          auth: 'PLAIN',
          archive: 'sqlite:/home/me/Mail/popkeep.sqlite',
          policy: {
            delete: { afterMs: 0 },
            deleteRemoved: true,
            maxMessages: 10,
            limitOctets: 2 * 1024 * 1024,
          },
          secret: { type: 'file', path: '/etc/secret' },
          token: undefined,
          place: { file: '/etc/popkeep.toml', line: 13 },
        },
      ],
    })
  })

  it('keeps everything unless it says otherwise', () => {
    const [account] = parse('[accounts.a]\nhost = "h"\nuser = "u"\ndelete = false').accounts
    expect(account?.policy.delete).toBe('never')
    expect(account?.secret).toBeUndefined()
    expect(account?.archive).toBeUndefined()
    expect(parse('[accounts.a]\nhost="h"\nuser="u"\ntls="none"').accounts[0]?.port).toBe(110)
    expect(parse('[accounts.a]\nhost="h"\nuser="u"\ntls="stls"').accounts[0]).toMatchObject({
      tls: 'stls',
      port: 110,
    })
    expect(parse('').accounts).toEqual([])
    expect(parse('\ufeffjobs = 2').jobs).toBe(2)
  })

  const account = '[accounts.a]\nhost = "h"\nuser = "u"\n'
  it.each([
    ['hots = "x"\n', 'CONFIG_KEY', 1, 'unknown key "hots"'],
    [`${account}hsot = "x"\n`, 'CONFIG_KEY', 4, 'did you mean "host"?'],
    [`# c\n\n${account}\n\ndelete-after = "1d"\n`, 'CONFIG_KEY', 8, 'did you mean "delete_after"?'],
    [`${account}colour = 1\n`, 'CONFIG_KEY', 4, 'the keys here are host, port'],
    ['host = "h"\n', 'CONFIG_KEY', 1, 'it belongs to an account'],
    ['archiv = "x"\n', 'CONFIG_KEY', 1, 'did you mean "archive"?'],
    ['\naccounts.a.hots = 1\n', 'CONFIG_KEY', 2, 'did you mean "host"?'],
    ['[accounts]\n\na = { host = "h", user = "u", prot = 1 }\n', 'CONFIG_KEY', 3, '"port"'],
    [`${account}password = "hunter2"\n`, 'CONFIG_KEY', 4, 'holds no passwords'],
    [`${account}refresh_token = "hunter2"\n`, 'CONFIG_KEY', 4, 'holds no tokens'],
    ['\n[accounts.a]\nhost = "h"\n', 'CONFIG_VALUE', 2, 'account "a" has no "user"'],
    ['[accounts."b c"]\nuser = "u"\n', 'CONFIG_VALUE', 1, 'account "b c" has no "host"'],
    [`${account}port = 65536\n`, 'CONFIG_VALUE', 4, '"port" is a number from 1 to 65535'],
    [`${account}port = 0\n`, 'CONFIG_VALUE', 4, '"port" is a number from 1 to 65535'],
    [`${account}port = "995"\n`, 'CONFIG_VALUE', 4, '"port" is a number'],
    [`${account}tls = "yes"\n`, 'CONFIG_VALUE', 4, '"tls" is "implicit", "stls" or "none"'],
    [`${account}tls_pin = "abc"\n`, 'CONFIG_VALUE', 4, '64 hex digits'],
    [`${account}auth = "a b"\n`, 'CONFIG_VALUE', 4, '"auth" is one of SCRAM-SHA-256-PLUS, '],
    [`${account}auth = "NTLM"\n`, 'CONFIG_VALUE', 4, 'XOAUTH2, EXTERNAL'],
    [`${account}delete = "30d"\n`, 'CONFIG_VALUE', 4, '"delete" is true or false'],
    [`${account}delete_after = 30\n`, 'CONFIG_VALUE', 4, '"30d"'],
    [`${account}delete_after = "30 fortnights"\n`, 'CONFIG_VALUE', 4, '"30d"'],
    [`${account}delete = true\ndelete_after = "1d"\n`, 'CONFIG_VALUE', 5, 'exclude each other'],
    [`${account}max_messages = 1.5\n`, 'CONFIG_VALUE', 4, 'whole number'],
    [`${account}limit_octets = "lots"\n`, 'CONFIG_VALUE', 4, '"500M"'],
    [`${account}password_command = []\n`, 'CONFIG_VALUE', 4, 'is a command'],
    [`${account}password_command = ""\n`, 'CONFIG_VALUE', 4, 'is a command'],
    [
      `${account}password_command = [\n  "a",\n  1,\n]\n`,
      'CONFIG_VALUE',
      4,
      '"password_command" is a command',
    ],
    [
      `${account}password_file = "f"\npassword_command = "c"\n`,
      'CONFIG_VALUE',
      4,
      'exclude each other',
    ],
    [`${account}user2 = """\na\n"""\nhots = 1\n`, 'CONFIG_KEY', 4, 'did you mean "user"?'],
    ['[accounts.a]\nhost = ""\nuser = "u"\n', 'CONFIG_VALUE', 2, '"host"'],
    ['[accounts.a]\nhost = "h:110"\nuser = "u"\n', 'CONFIG_VALUE', 2, 'port = 995'],
    ['[accounts.a]\nhost = "[::1]:110"\nuser = "u"\n', 'CONFIG_VALUE', 2, 'port = 995'],
    ['[accounts.a]\nhost = "pops://h"\nuser = "u"\n', 'CONFIG_VALUE', 2, '"host" is the name or'],
    ['[accounts.a]\nhost = "h h"\nuser = "u"\n', 'CONFIG_VALUE', 2, '"host" is the name or'],
    ['\n[accounts.-a]\nhost = "h"\nuser = "u"\n', 'CONFIG_VALUE', 2, 'taken for an option'],
    ['accounts = 1\n', 'CONFIG_VALUE', 1, '"accounts"'],
    ['\naccounts.a = 1\n', 'CONFIG_VALUE', 2, 'table of keys'],
    ['jobs = 0\n', 'CONFIG_VALUE', 1, '"jobs" is a whole number'],
    ['a = 1\na = 2\n', 'CONFIG_SYNTAX', 2, ':2:'],
    ['\n\nhost = pop\n', 'CONFIG_SYNTAX', 3, 'at "host"'],
  ] as const)('%j is refused: %s at line %i', (text, code, line, words) => {
    const fault = faultOf(text)
    expect(fault).toMatchObject({ code, line, file: '/etc/popkeep.toml' })
    expect(fault.message).toContain(`/etc/popkeep.toml:${line}:`)
    expect(fault.message).toContain(words)
    expect(fault.message).not.toContain('hunter2')
  })

  it('hears of all faults at once, in the order of the file', () => {
    const fault = faultOf('hots = 1\n[accounts.a]\nhost = 5\nusr = "u"\nuser = "u"\njobs = 1\n')
    expect(fault.message.split('\n').map((line) => /:(\d+):/.exec(line)?.[1])).toEqual([
      '1',
      '3',
      '4',
      '6',
    ])
    expect([fault.code, fault.line]).toEqual(['CONFIG_KEY', 1])
  })

  it('asks about every archive, with its path expanded', () => {
    const asked: string[] = []
    const text = `archive = "sqllite:~/a"\n[accounts.a]\nhost = "h"\nuser = "u"\narchive = "b"\n`
    const act = () =>
      parseConfig(text, '/etc/popkeep.toml', '/home/me', (archive) => {
        asked.push(archive)
        return archive.startsWith('sqllite:') ? 'no such kind' : 'no such suffix'
      })
    expect(act).toThrow(
      expect.objectContaining({
        code: 'CONFIG_VALUE',
        message: '/etc/popkeep.toml:1: no such kind\n/etc/popkeep.toml:5: no such suffix',
      }),
    )
    expect(asked).toEqual(['sqllite:/home/me/a', '/etc/b'])
  })

  it('does not show a password that broke the syntax', () => {
    for (const text of [
      'password = hunter2 and more',
      'pwd = "hunter2',
      'user = "hunter2',
      'password_command = [\n"pass",\n"hunter2\n]',
      'password_command = ["a", \'hunter2\n= "x"]\n',
      'password_command = """\necho\nhunter2 = 1\n',
      'hunter2 = = 1',
    ]) {
      const fault = faultOf(`jobs = 1\n${text}\n`)
      expect(fault).toMatchObject({ code: 'CONFIG_SYNTAX' })
      expect(inspect(fault, { depth: 9 })).not.toContain('hunter2')
    }
  })

  it.each([
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['192.0.2.1', '192.0.2.1'],
    ['pop.b\u00fccher.example', 'pop.b\u00fccher.example'],
  ])('takes the host %j', (written, host) => {
    const [read] = parse(`[accounts.a]\nhost = "${written}"\nuser = "u"\n`).accounts
    expect(read?.host).toBe(host)
  })

  it.each(['__proto__', 'constructor', 'prototype', 'toString'])(
    'takes or refuses an account %s',
    (name) => {
      const text = `[accounts.${name}]\nhost = "h"\nuser = "u"\n`
      try {
        expect(parse(text).accounts.map((taken) => taken.name)).toEqual([name])
      } catch (error) {
        expect(error).toMatchObject({ code: 'CONFIG_VALUE', line: 1 })
      }
      expect(({} as Record<string, unknown>).host).toBeUndefined()
    },
  )
})

describe('the place of the config file', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'popkeep-config-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it.each([
    [undefined, '/home/me/.config/popkeep/config.toml'],
    ['', '/home/me/.config/popkeep/config.toml'],
    ['relative', '/home/me/.config/popkeep/config.toml'],
    ['/xdg', '/xdg/popkeep/config.toml'],
  ])('follows XDG_CONFIG_HOME=%s', (xdgConfigHome, file) => {
    expect(defaultConfigFile({ home: '/home/me', xdgConfigHome })).toBe(file)
  })

  it('is read there, or where it was said', () => {
    mkdirSync(join(folder, '.config', 'popkeep'), { recursive: true })
    writeFileSync(join(folder, '.config', 'popkeep', 'config.toml'), 'jobs = 3')
    writeFileSync(join(folder, 'other.toml'), 'jobs = 5')
    expect(loadConfig({ home: folder }).jobs).toBe(3)
    expect(loadConfig({ home: folder }, join(folder, 'other.toml')).jobs).toBe(5)
  })

  it('is refused where it is no UTF-8, with the line', () => {
    const file = join(folder, 'other.toml')
    writeFileSync(file, Buffer.from('# w\u00f6rk\r\njobs = 5\nuser = "w\u00f6rk"\n', 'latin1'))
    expect(() => loadConfig({ home: folder }, file)).toThrow(
      expect.objectContaining({ code: 'CONFIG_SYNTAX', line: 1 }),
    )
    writeFileSync(file, Buffer.concat([Buffer.from('# w\u00f6rk\njobs = 5\n# '), Buffer.of(0xc3)]))
    expect(() => loadConfig({ home: folder }, file)).toThrow(`${file}:3: this is no UTF-8`)
  })

  it.each([
    [{ uid: 1000, mode: 0o100600 }, 1000, undefined],
    [{ uid: 1000, mode: 0o100664 }, 1000, undefined],
    [{ uid: 0, mode: 0o100644 }, 1000, undefined],
    [{ uid: 0, mode: 0o100644 }, 0, undefined],
    [{ uid: 1001, mode: 0o100600 }, 1000, 'it belongs to another user (1001)'],
    [{ uid: 1000, mode: 0o100600 }, 0, 'it belongs to another user (1000)'],
    [{ uid: 1000, mode: 0o100602 }, 1000, 'everybody can write it'],
    [{ uid: 0, mode: 0o100602 }, 1000, 'everybody can write it'],
    [{ uid: 0, mode: 0o100666 }, undefined, undefined],
  ])('that is %o is read by %s unless %s', (found, reader, fault) => {
    if (fault === undefined) expect(writerFault(found, reader)).toBeUndefined()
    else expect(writerFault(found, reader)).toContain(fault)
  })

  it.skipIf(process.geteuid?.() !== 0)('is refused where it belongs to somebody else', () => {
    const file = join(folder, 'other.toml')
    writeFileSync(file, 'jobs = 5')
    chownSync(file, 1001, 1001)
    expect(() => loadConfig({ home: folder }, file)).toThrow('belongs to another user (1001)')
  })

  it.skipIf(process.platform === 'win32')('is refused where everybody can write it', () => {
    const file = join(folder, 'other.toml')
    writeFileSync(file, 'jobs = 5')
    chmodSync(file, 0o666)
    const fault = expect.objectContaining({
      code: 'CONFIG_VALUE',
      message: expect.stringMatching(/chmod o-w/),
    })
    expect(() => loadConfig({ home: folder }, file)).toThrow(fault)
    chmodSync(file, 0o664)
    expect(loadConfig({ home: folder }, file).jobs).toBe(5)
  })

  it('is missing', () => {
    expect(() => loadConfig({ home: folder })).toThrow(
      expect.objectContaining({ code: 'CONFIG_NOT_FOUND', line: undefined }),
    )
    expect(() => loadConfig({ home: folder }, folder)).toThrow(
      expect.objectContaining({ code: 'CONFIG_NOT_FOUND' }),
    )
  })
})
