/** `account add` as a whole, with a person who is played. */
import { EventEmitter } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runAccountAdd } from '../../src/cli/account-add.ts'
import type { Asker } from '../../src/cli/account-add-asker.ts'
import type { AccountAddOptions } from '../../src/cli/account-add-draft.ts'
import { describeFailure } from '../../src/cli/failure.ts'
import { run as runProgram } from '../../src/cli/main.ts'
import { Output } from '../../src/cli/output.ts'
import {
  type AuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { makeCertificates } from '../support/certificates.ts'
import { hasOpenssl } from '../support/openssl.ts'
import { type ScriptedConnection, scriptedTlsServer } from '../support/scripted-server.ts'
import { temporaryFolder } from '../support/temp.ts'

const folder = temporaryFolder('account-add-run')
afterAll(() => folder.remove())
const certificates = hasOpenssl ? makeCertificates(folder.path) : undefined

let home = ''
let count = 0
beforeEach(() => {
  home = join(folder.path, `home-${++count}`)
  mkdirSync(home)
})
const config = () => join(home, '.config/popkeep/config.toml')
const files = () => readdirSync(home, { recursive: true }).map(String)

/** The account that was to be added, what was said and asked, and how it ended. */
async function add(options: Partial<AccountAddOptions>, answers?: readonly string[]) {
  const heard: string[] = []
  const left = [...(answers ?? [])]
  const give = async (question: string) => {
    heard.push(question)
    const answer = left.shift()
    if (answer === undefined) throw new Error(`no answer to ${question}`)
    return answer
  }
  const asker: Asker = { say: (line) => void heard.push(line), line: give, hidden: give }
  const stderr = new PassThrough()
  const stdout = new PassThrough()
  let exit = 0
  const context = {
    output: new Output(stdout, stderr),
    ...{ stdin: new PassThrough(), env: { HOME: home }, signals: new EventEmitter() },
    ...{ invocation: 'popkeep', quit: () => undefined, now: Date.now },
    end: (code: number) => {
      exit = code
    },
  }
  const signal = new AbortController().signal
  const machine = { openAsker: () => (answers === undefined ? undefined : asker) }
  try {
    await runAccountAdd('me@example.com', { check: true, ...options }, context, signal, machine)
  } catch (error) {
    const failure = describeFailure(error)
    exit = failure.exit
    heard.push(failure.sentence)
  }
  return { exit, heard, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

describe.skipIf(!hasOpenssl)('an account that logs in by OAuth', () => {
  let provider: AuthorizationServer
  /** What was in the home folder as the tokens came to the server. */
  let filesAtLogin: readonly string[] = []

  beforeEach(async () => {
    filesAtLogin = []
    provider = await startAuthorizationServer()
    mkdirSync(dirname(config()), { recursive: true })
    writeFileSync(config(), provider.toml())
  })
  afterEach(() => provider.close())

  function server(accepts = true) {
    const at = (path?: string) => readFileSync(path ?? '')
    const tls = { cert: at(certificates?.certificate), key: at(certificates?.key) }
    return scriptedTlsServer(tls, async (connection: ScriptedConnection) => {
      await connection.send('+OK ready\r\n')
      for (;;) {
        const line = await connection.nextLine()
        if (line === undefined) return
        if (line.startsWith('AUTH')) filesAtLogin = files()
        const replies: Record<string, string> = {
          CAPA: '+OK\r\nSASL XOAUTH2\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n.\r\n',
          STAT: '+OK 3 1234\r\n',
        }
        const isRefused = line.startsWith('AUTH') && !accepts
        await connection.send(replies[line] ?? (isRefused ? '-ERR [AUTH] no\r\n' : '+OK\r\n'))
        if (line === 'QUIT') return connection.fin()
      }
    })
  }

  const wish = (port: number) => ({
    ...{ host: 'localhost', port, user: 'me', name: 'work', tlsCa: certificates?.ca ?? '' },
    ...{ oauth: 'test', archive: 'sqlite:~/m' },
  })
  const tokenFiles = (names: readonly string[]) =>
    names.filter((name) => /tokens.+work[^/]*\.json$/.test(name))

  it('is granted access, then kept, then logged in', async () => {
    await using pop = await server()
    const { exit, heard, stderr } = await add(wish(pop.port), ['y'])
    expect([exit, heard.at(-1)]).toEqual([0, 'Next: popkeep sync work'])
    expect(heard).toContain('The login works: 3 messages, 1.2 kB.')
    expect(stderr).toContain('type this code')
    expect(tokenFiles(filesAtLogin)).not.toEqual([])
    expect(readFileSync(config(), 'utf8')).toContain('[accounts.work]')
  })

  it('is kept also if the server refuses it, and the exit code says so', async () => {
    await using pop = await server(false)
    const { exit, heard } = await add(wish(pop.port), ['y'])
    expect(exit).toBe(77)
    expect(heard.some((line) => line.startsWith('work is added to '))).toBe(true)
    expect(heard.some((line) => line.startsWith('The login works'))).toBe(false)
  })

  it('is not written where access is denied and the person leaves', async () => {
    await using pop = await server()
    provider.pollErrors.push('access_denied', 'access_denied')
    const before = readFileSync(config(), 'utf8')
    const { exit, heard } = await add(wish(pop.port), ['y', '1', '3'])
    expect([exit, heard.at(-1)]).toEqual([77, 'Nothing was written.'])
    expect(readFileSync(config(), 'utf8')).toBe(before)
    expect(tokenFiles(files())).toEqual([])
    expect(pop.connections).toEqual([])
  })

  it.each<[string, readonly string[] | undefined]>([
    ['nobody can be asked', undefined],
    ['the person does so later', ['n']],
  ])('is written without a login where %s, and the last line says so', async (_why, answers) => {
    const { exit, stderr } = await add(wish(1), answers)
    expect(exit).toBe(0)
    expect(stderr).toMatch(/and not logged in yet: run popkeep login work\n$/)
    expect(readFileSync(config(), 'utf8')).toContain('[accounts.work]')
    expect(provider.arrivals).toEqual([])
  })
})

describe('a fault of an option', () => {
  it.each([
    [['--tls-pin', 'zz'], '--tls-pin'],
    [['--port', '0'], '--port'],
    [['--proxy', 'ftp://x'], '--proxy'],
    [['--proxy', 'socks5://me:hunter2@x'], '--proxy'],
    [['--auth', 'ntlm'], '--auth'],
    [['--tls-key', 'k'], '--tls-key'],
    [['--name', '-x'], '--name'],
  ])('%j is usage, names the option and no line of a config', async (words, option) => {
    const stderr = new PassThrough()
    const where = ['--host', 'h', '--user', 'u', '--archive', 'sqlite:~/m', '--token-command', 't']
    const argv = ['account', 'add', ...where, ...words, '--dry-run']
    const exit = await runProgram(argv, {
      ...{ stdin: new PassThrough(), stdout: new PassThrough(), stderr },
      ...{ env: { HOME: home }, signals: new EventEmitter(), invocation: 'popkeep' },
      ...{ quit: () => undefined, now: () => 0 },
    })
    const said = String(stderr.read() ?? '')
    expect([exit, said]).toEqual([64, expect.stringContaining(option)])
    expect(said).not.toMatch(/config\.toml|hunter2/)
    expect(existsSync(config())).toBe(false)
  })
})

describe.skipIf(!hasOpenssl)('a password that is refused', () => {
  it('is asked for again without echo at once; Return alone leads to the choices', async () => {
    const at = (path?: string) => readFileSync(path ?? '')
    const tls = { cert: at(certificates?.certificate), key: at(certificates?.key) }
    await using pop = await scriptedTlsServer(tls, async (connection: ScriptedConnection) => {
      await connection.send('+OK ready\r\n')
      for (;;) {
        const line = await connection.nextLine()
        if (line === undefined) return
        const replies: Record<string, string> = {
          CAPA: '+OK\r\nUSER\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n.\r\n',
          STAT: '+OK 3 1234\r\n',
        }
        const isRefused = line.startsWith('PASS') && line !== 'PASS right'
        await connection.send(replies[line] ?? (isRefused ? '-ERR [AUTH] no\r\n' : '+OK\r\n'))
        if (line === 'QUIT') return connection.fin()
      }
    })
    const wish = {
      ...{ host: 'localhost', port: pop.port, user: 'me', name: 'work' },
      ...{ tlsCa: certificates?.ca ?? '', askPassword: true as const, archive: 'sqlite:~/m' },
    }
    const { exit, heard } = await add(wish, ['wrong', '', '1', 'wrong', 'right'])
    const again = 'Password again (Return alone: other choices)'
    const asked = heard.filter((line) => /^(Password|What now|Choice)/.test(line))
    expect([exit, asked]).toEqual([
      0,
      ['Password', again, 'What now?', 'Choice', 'Password', again],
    ])
    expect(heard.at(-1)).toBe('Next: popkeep sync work')
  })
})
