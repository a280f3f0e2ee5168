import { EventEmitter } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { EXIT_STATUS } from '../../src/cli/exit-codes.ts'
import { invocationOf, run } from '../../src/cli/main.ts'
import { temporaryFolder } from '../support/temp.ts'

interface Ended {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

/** One command line with nothing of this machine: no terminal, no home folder, no password. */
async function popkeep(...argv: readonly string[]): Promise<Ended> {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const exit = await run(argv, {
    stdin: new PassThrough(),
    stdout,
    stderr,
    env: { HOME: '/nowhere' },
    signals: new EventEmitter(),
    invocation: 'popkeep',
    quit: () => undefined,
    now: () => 0,
  })
  return { exit, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

const COMMANDS = [
  ...['sync', 'list', 'show', 'export', 'verify', 'repair', 'status'],
  ...['account', 'account add', 'account list', 'login', 'probe', 'console', 'demo'],
]

describe('help', () => {
  it.each([[], ...COMMANDS.map((command) => command.split(' '))])(
    'of popkeep %s',
    async (...command) => {
      const { exit, stdout, stderr } = await popkeep(...command, '--help')
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
      expect(stdout).toMatchSnapshot()
      expect(stdout).toContain(command.length === 0 ? 'Exit status: 0 done' : 'help exit-codes')
      expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
    },
  )

  it.each(['', ...COMMANDS])('of popkeep %s has examples that are no errors', async (command) => {
    const words = command.split(' ').filter((word) => word !== '')
    const [, section = ''] = (await popkeep(...words, '--help')).stdout.split('\nExamples:\n')
    const [lines = ''] = section.split('\n\n')
    for (const line of lines.split('\n').filter((one) => one !== '')) {
      const [, typed = ''] =
        /^ {2}(?:echo STAT \| )?popkeep (.*?)(?: {2}.*| [|>] .*)?$/.exec(line) ?? []
      const [name = '', ...rest] = typed.split(' ')
      const { stdout } = await popkeep('help', ...(name === 'account' ? [name, 'add'] : [name]))
      expect(stdout).toContain(`Usage: popkeep ${name}`)
      for (const option of rest.filter((word) => word.startsWith('--'))) {
        expect(stdout).toContain(` ${option} `)
      }
    }
  })

  it('is printed by the help command too', async () => {
    expect((await popkeep('help', 'sync')).stdout).toBe((await popkeep('sync', '--help')).stdout)
    expect((await popkeep('help')).stdout).toBe((await popkeep('--help')).stdout)
  })

  it('says what each exit code means, in one place', async () => {
    const { stdout } = await popkeep('--help')
    const words = stdout.replace(/\s+/g, ' ')
    for (const [code, meaning] of EXIT_STATUS) expect(words).toContain(` ${code} ${meaning}`)
    const table = await popkeep('help', 'exit-codes')
    expect({ ...table, stdout: table.stdout.trimEnd().split('\n') }).toEqual({
      exit: 0,
      stdout: [...EXIT_STATUS].map(([code, meaning]) =>
        `${code}  ${meaning}`.padStart(meaning.length + 5),
      ),
      stderr: '',
    })
    expect((await popkeep('help', 'exitcodes')).stderr).toContain('Did you mean exit-codes?')
  })

  it('goes to stderr where no command was given', async () => {
    const { exit, stdout, stderr } = await popkeep()
    expect([exit, stdout]).toEqual([64, ''])
    expect(stderr).toContain('Usage: popkeep')
  })

  it('has a version', async () => {
    expect(await popkeep('--version')).toEqual({
      exit: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: '',
    })
  })
})

describe('wrong arguments', () => {
  it.each<[string, readonly string[], RegExp]>([
    ['a time after --wait', ['sync', '--wait', '10m'], /equals sign: --wait=10m\.$/m],
    ['a time after the other --wait', ['repair', '--wait', '90s'], /equals sign: --wait=90s\.$/m],
    ['an unknown command', ['lst'], /unknown command 'lst' \(Did you mean list\?\)/],
    [
      'help on an unknown command',
      ['help', 'lst'],
      /unknown command 'lst' \(Did you mean list\?\)/,
    ],
    ['silence and words', ['sync', '--quiet', '--verbose'], /exclude each other/],
    ['an unknown option', ['sync', '--delet'], /unknown option '--delet'/],
    ['an option without its value', ['sync', '--archive'], /argument missing/],
    ['a number that is none', ['sync', '--jobs', 'many'], /--jobs.*whole number/],
    ['zero', ['list', '--newest', '0'], /--newest.*at least 1/],
    ['octets that are none', ['sync', '--limit-octets', 'lots'], /--limit-octets.*500000/],
    ['a port out of range', ['demo', '--serve', '--port', '65536'], /--port.*65535/],
    ['a port for nothing', ['demo', '--port', '1'], /--serve/],
    ['a choice that is none', ['sync', '--tls', 'maybe'], /--tls.*implicit, stls, none/],
    ['a missing argument', ['show'], /missing required argument 'id'/],
    ['too many arguments', ['show', 'abcdef', 'x'], /too many arguments/],
    [
      'a word for options',
      ['verify', 'x'],
      /no account is called x; an archive is named by --archive/,
    ],
    ['two forms of one message', ['show', 'abcdef', '--raw', '--headers'], /exclude each other/],
    ['a format for an archive', ['export', 'sqlite:x', '--format', 'eml'], /--format/],
    ['an archive without a path', ['list', '--archive', 'sqlite:'], /no path/],
    ['a kind of archive that is none', ['list', '--archive', 'sqllite:x'], /sqlite:PATH or mail/],
    ['an export to a kind that is none', ['export', 'mbox:x', '--archive', 'x.db'], /sqlite:PATH/],
    ['an archive of no kind', ['verify', '--archive', '/nowhere/x'], /maildir:\/nowhere\/x/],
    ['another kind of URL', ['sync', 'http://me:secret@x'], /^(?!.*secret).*pops:\/\/user@host/],
    ['a host', ['sync', 'pop.example.com'], /no config file.*pops:\/\/user@host\.\n/],
    ['an archive that is not there', ['list', '--archive', '/nowhere/x.sqlite'], /no archive/],
    ['two sources of a password', ['sync', 'a', 'b', '--password-file', 'x'], /one account/],
    ['a password for sync', ['sync', 'me:secret@x'], /no account is called that; .*pops:\/\/user@/],
    ['a password in half a URL', ['probe', 'pops:/me:secret@x'], /no account is called that;/],
    ['a password for an archive', ['list', 'me:secret@x'], /no account is called that/],
    ['a password for nothing', ['me:secret@x'], /^popkeep: unknown command\n$/],
    ['a password for help', ['help', 'me:secret@x'], /^popkeep: unknown command/],
    ['a password as an option', ['sync', '--password=secret'], /unknown option '--password'/],
    ['a password with a quote', ['sync', "--password=x'secret'"], /unknown option '--password'\n/],
    ['a password as mysql has it', ['sync', '-psecret'], /unknown option '-p'\n$/],
    ['a password for another option', ['sync', '--tls', 'me:secret@x'], /--tls .*implicit, stls/],
    ['a password for account add', ['account', 'add', 'pops:/me:secret@x'], /that is no mail/],
    ['control characters', ['\x1b[2J'], /unknown command '\\x1b\[2J'/],
  ])('%s leaves with 64 and one line', async (_name, argv, sentence) => {
    const { exit, stdout, stderr } = await popkeep(...argv)
    expect({ exit, stdout }).toEqual({ exit: 64, stdout: '' })
    expect(stderr).toMatch(/^popkeep: [^\n]+\n$/)
    expect(stderr).not.toContain('secret')
    expect(stderr).toMatch(sentence)
  })

  it.each([
    ...['sync', 'sync work', 'list', 'show abcdef', 'export mail', 'verify', 'repair', 'status'],
    ...['account list', 'login work', 'probe work', 'console work', 'verify --against work'],
  ])('%s without a config says the one thing that helps, and leaves with 78', async (words) => {
    const { exit, stdout, stderr } = await popkeep(...words.split(' '))
    expect([exit, stdout]).toEqual([78, ''])
    expect(stderr).toBe(
      'popkeep: there is no config file /nowhere/.config/popkeep/config.toml. popkeep account add ADDRESS writes one; ' +
        'without it: popkeep sync pops://USER@HOST --archive sqlite:PATH, and --archive with all that reads an archive.\n',
    )
  })

  it.each(['sync', 'list', 'status', 'account list', 'probe work'])(
    '%s with a config that has no account names what adds one',
    async (words) => {
      const folder = temporaryFolder('empty-config')
      const config = join(folder.path, 'config.toml')
      writeFileSync(config, '')
      const { exit, stderr } = await popkeep(...words.split(' '), '--config', config)
      folder.remove()
      expect(exit).toBe(78)
      expect(stderr).toBe(
        `popkeep: ${config}: there are no accounts in it; popkeep account add ADDRESS adds one.\n`,
      )
    },
  )
})

describe('invocationOf', () => {
  it.each([
    ['/usr/local/bin/popkeep', {}, 'popkeep'],
    ['/home/me/.npm/_npx/1/node_modules/.bin/popkeep', { npm_command: 'exec' }, 'npx popkeep'],
    ['/src/popkeep/bin/popkeep.js', {}, 'node bin/popkeep.js'],
    [undefined, {}, 'popkeep'],
  ])('%s', (script, env, invocation) => {
    expect(invocationOf(script, env, '/src/popkeep')).toBe(invocation)
  })
})
