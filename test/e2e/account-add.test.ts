/** `popkeep account add` at a real terminal, against a server behind TLS. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { makeCertificates } from '../support/certificates.ts'
import { hasOpenssl } from '../support/openssl.ts'
import { popkeep } from '../support/popkeep.ts'
import { hasPseudoTerminal, PseudoTerminal } from '../support/pseudo-terminal.ts'
import { type ScriptedConnection, scriptedTlsServer } from '../support/scripted-server.ts'
import { temporaryFolder } from '../support/temp.ts'

const CANARY = 'canary-7f3a-horse'
const PROGRAM = join(import.meta.dirname, '../../bin/popkeep.js')

const folder = temporaryFolder('account-add')
afterAll(() => folder.remove())

let home = ''
let count = 0
beforeEach(() => {
  home = join(folder.path, String(++count))
  mkdirSync(home)
})

const config = () => join(home, '.config/popkeep/config.toml')
const certificates = hasOpenssl ? makeCertificates(folder.path) : undefined
const trust = () => ['--tls-ca', certificates?.ca ?? '']

/** A maildrop of three messages, for whoever knows the canary. */
function server() {
  return scriptedTlsServer(
    {
      cert: readFileSync(certificates?.certificate ?? ''),
      key: readFileSync(certificates?.key ?? ''),
    },
    serve,
  )
}

async function serve(connection: ScriptedConnection): Promise<void> {
  await connection.send('+OK ready\r\n')
  for (;;) {
    const line = await connection.nextLine()
    if (line === undefined) return
    const isRefused = line.startsWith('PASS ') && line !== `PASS ${CANARY}`
    const replies: Record<string, string> = {
      CAPA: '+OK\r\nUSER\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n.\r\n',
      STAT: '+OK 3 1234\r\n',
    }
    await connection.send(replies[line] ?? (isRefused ? '-ERR [AUTH] no\r\n' : '+OK\r\n'))
    if (line === 'QUIT') return connection.fin()
  }
}

function add(...args: readonly string[]): PseudoTerminal {
  return new PseudoTerminal([process.execPath, PROGRAM, 'account', 'add', ...args], {
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, TERM: 'xterm' },
  })
}

/** All files below the home folder but the new password, for the canary. */
function filesWithCanary(): readonly string[] {
  return readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file, 'utf8').includes(CANARY))
}

describe.skipIf(!hasOpenssl || !hasPseudoTerminal)('at a terminal', () => {
  it('asks, logs in once, and writes password and config', async () => {
    await using pop = await server()
    await using terminal = add('me@mail.invalid', ...trust())
    await terminal.until('Looking for the POP3 server of mail.invalid')
    await terminal.answer('Server: ', `localhost:${pop.port}`)
    await terminal.answer('User [me@mail.invalid]: ', 'me')
    await terminal.answer('Name of the account [mail]: ', 'work')
    await terminal.answer('Archive [sqlite:~/Mail/popkeep.sqlite]: ', '')
    await terminal.answer('Choice [1]: ', '')
    await terminal.answer('Password: ', 'wrong')
    await terminal.until('The server said: "-ERR [AUTH] no"')
    expect(existsSync(config())).toBe(false)
    await terminal.answer('Password again (Return alone: other choices): ', CANARY)
    await terminal.until('The login works: 3 messages, 1.2 kB.')
    await terminal.until('sync work')
    expect(await terminal.ended()).toBe(0)
    expect(terminal.shown).not.toContain(CANARY)
    expect(readFileSync(config(), 'utf8')).toBe(`archive = "sqlite:~/Mail/popkeep.sqlite"

[accounts.work]
host = "localhost"
port = ${pop.port}
tls_ca = ${JSON.stringify(certificates?.ca)}
user = "me"
password_file = "work.password"
`)
    expect(statSync(config()).mode & 0o777).toBe(0o600)
    const password = join(config(), '../work.password')
    expect(filesWithCanary()).toEqual([password])
    expect(statSync(password).mode & 0o777).toBe(0o600)
    expect(
      pop.connections.map(({ receivedText }) => /PASS (.*)\r/.exec(receivedText)?.[1]),
    ).toEqual(['wrong', CANARY])
  })

  it('writes nothing if the person leaves after a refused login', async () => {
    await using pop = await server()
    const where = ['--host', 'localhost', '--port', String(pop.port), ...trust()]
    await using terminal = add('me@example.com', ...where, '--ask-password', '--name', 'a')
    await terminal.answer('User [me@example.com]: ', '')
    await terminal.answer('Archive [', '')
    await terminal.answer('Password: ', 'wrong')
    await terminal.answer('Password again (Return alone: other choices): ', '')
    await terminal.answer('Choice [1]: ', '3')
    await terminal.until('Nothing was written.')
    expect(await terminal.ended()).toBe(77)
    expect(readdirSync(home)).toEqual([])
  })

  it.each([
    ['at a question', 'User [me@example.com]: '],
    ['at the password', 'Password: '],
  ])('leaves on Ctrl-C %s, and writes nothing', async (_where, question) => {
    await using pop = await server()
    const where = ['--host', 'localhost', '--port', String(pop.port), ...trust()]
    const user = question.startsWith('User') ? [] : ['--user', 'me', '--archive', 'sqlite:~/m']
    await using terminal = add('me@example.com', ...where, '--ask-password', '--name', 'a', ...user)
    await terminal.until(question)
    terminal.type('\x03')
    expect(await terminal.ended()).toBe(130)
    expect(terminal.shown).toContain('nothing was written')
    expect(readdirSync(home)).toEqual([])
    expect(pop.connections).toEqual([])
  })
})

describe.skipIf(!hasOpenssl)('without a terminal', () => {
  it('takes all from options, says nothing, and keeps comments', async () => {
    await using pop = await server()
    const secret = join(home, 'secret')
    writeFileSync(secret, `${CANARY}\n`, { mode: 0o600 })
    mkdirSync(join(config(), '..'), { recursive: true })
    writeFileSync(config(), '# mine\narchive = "maildir:~/Mail" # common\n')
    const where = ['--host', 'localhost', '--port', String(pop.port), ...trust()]
    const words = ['account', 'add', 'me@example.com', ...where, '--password-file', secret]
    const run = await popkeep(words, { home })
    expect([run.code, run.stdout.toString(), run.stderr.toString()]).toEqual([0, '', ''])
    expect(readFileSync(config(), 'utf8')).toBe(`# mine
archive = "maildir:~/Mail" # common

[accounts.example]
host = "localhost"
port = ${pop.port}
tls_ca = ${JSON.stringify(certificates?.ca)}
user = "me@example.com"
password_file = ${JSON.stringify(secret)}
`)
    const list = await popkeep(['account', 'list', '--json'], { home })
    expect(JSON.parse(list.stdout.toString())).toMatchObject({
      name: 'example',
      login: 'passwordFile',
      archive: `maildir:${join(home, 'Mail')}`,
    })
  })

  it.each([
    [['--auth', 'external', '--ask-password'], 64, /EXTERNAL needs a tls_certificate/],
    [['--auth', 'xoauth2', '--token-command', 'echo t', '--tls', 'none'], 64, /token/],
    [['--auth', 'xoauth2', '--token-command', 'echo t', '--dry-run'], 0, /^$/],
    [['--oauth', 'google', '--client-id', 'id', '--dry-run'], 0, /^$/],
    [['--name', 'pops://x', '--ask-password'], 64, /:\/\//],
    [['--archive', 'imap:x', '--ask-password'], 64, /no kind of archive/],
  ])('ends with %j by %i, connects to nobody and writes nothing', async (words, code, said) => {
    const where = ['--host', '127.0.0.1', '--port', '1', '--archive', 'sqlite:~/m']
    const run = await popkeep(['account', 'add', 'me@example.com', ...where, ...words], {
      home,
      env: { POPKEEP_PASSWORD: CANARY },
    })
    expect(run.stderr.toString()).toMatch(said)
    expect(run.code).toBe(code)
    expect(run.stdout.toString()).toEqual(code === 0 ? expect.stringContaining('[accounts.') : '')
    expect(`${run.stdout}${run.stderr}`).not.toContain(CANARY)
    expect(readdirSync(home)).toEqual([])
  })

  it('writes nothing if the login is refused', async () => {
    await using pop = await server()
    const where = ['--host', 'localhost', '--port', String(pop.port), ...trust()]
    const how = ['--ask-password', '--archive', 'sqlite:~/m']
    const run = await popkeep(['account', 'add', 'me@example.com', ...where, ...how], {
      home,
      env: { POPKEEP_PASSWORD: `wrong-${CANARY}` },
    })
    expect(run.code).toBe(77)
    expect(run.stderr.toString()).toMatch(/^popkeep: [^\n]+\n$/)
    expect(run.stderr.toString()).not.toContain(CANARY)
    expect(readdirSync(home)).toEqual([])
  })
})
