/** `popkeep login`, in this process and built, against a provider on loopback. */
import { EventEmitter } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { tokenFile } from '../../src/accounts/token-store.ts'
import { run } from '../../src/cli/main.ts'
import {
  type AuthorizationServer,
  CANARY,
  refusal,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'

let server: AuthorizationServer
let folder: TemporaryFolder
let config: string
beforeEach(async () => {
  server = await startAuthorizationServer({ clientSecret: `${CANARY}-client-secret` })
  folder = temporaryFolder('login')
  config = join(folder.path, 'config.toml')
  const account = (name: string, line: string) =>
    `[accounts.${name}]\nhost = "pop.example.com"\nuser = "me@example.com"\n${line}\n`
  const text = [
    account('work', 'oauth = "test"'),
    account("'my mail'", 'oauth = "test"'),
    account('plain', 'password_command = ["false"]'),
    account('pizauth', 'token_command = ["pizauth"]'),
    account('kept', 'keyring = true'),
    account('google', 'oauth = "google"'),
    server.toml(),
    '[oauth.google]\nclient_id = "mine"\n',
  ]
  writeFileSync(config, text.join('\n'))
})
afterEach(async () => {
  await server.close()
  folder.remove()
})

const environment = () => ({ HOME: folder.path, XDG_STATE_HOME: join(folder.path, 'state') })
const file = (account = 'work') => tokenFile(account, environment())

interface Session {
  readonly exit: Promise<number>
  readonly stdin: PassThrough
  readonly signals: EventEmitter
  /** All that was said so far. */
  readonly said: () => string
  /** Waits until something is said that matches, and gives it. */
  readonly hear: (what: RegExp) => Promise<string>
}

function start(...argv: readonly string[]): Session {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const signals = new EventEmitter()
  let said = ''
  stdout.on('data', (chunk) => {
    said += `STDOUT ${chunk}`
  })
  const heard = new EventEmitter()
  stderr.on('data', (chunk) => {
    said += String(chunk)
    heard.emit('more')
  })
  const exit = run(['login', ...argv, '--config', config], {
    ...{ stdin, stdout, stderr, signals },
    env: environment(),
    invocation: 'popkeep',
    quit: () => undefined,
    now: () => 1_800_000_000_000,
  }).then((code) => {
    heard.emit('more')
    expect(said).not.toContain(`${CANARY}-`)
    expect(said).not.toContain('STDOUT')
    return code
  })
  const hear = async (what: RegExp): Promise<string> => {
    for (;;) {
      const [found] = what.exec(said) ?? []
      if (found !== undefined) return found
      const end = await Promise.race([
        new Promise((resolve) => heard.once('more', () => resolve(undefined))),
        exit,
      ])
      if (end !== undefined && !what.test(said)) throw new Error(`never said: ${what}\n${said}`)
    }
  }
  return { exit, stdin, signals, said: () => said, hear }
}

async function ended(session: Session): Promise<[number, string]> {
  return [await session.exit, session.said()]
}

const urlIn = (session: Session) => session.hear(/http:\S+\/authorize\S+/)

describe('popkeep login', () => {
  it('shows a code, and stores what was granted', async () => {
    server.pollErrors.push('authorization_pending')
    const [exit, said] = await ended(start('work'))
    expect(said.split('\n')).toEqual([
      `Open ${server.origin}/enter in any browser and type this code: WDJB-MJHT`,
      `work is logged in; its tokens are in ${file()}`,
      '',
    ])
    expect(exit).toBe(0)
    expect(statSync(file()).mode & 0o777).toBe(0o600)
    const stored: unknown = JSON.parse(readFileSync(file(), 'utf8'))
    expect(stored).toMatchObject({
      expiresAt: 1_800_003_600_000,
      for: { host: 'pop.example.com', user: 'me@example.com', clientId: server.clientId },
    })
  })

  it('asks nobody for what could not be kept', async () => {
    mkdirSync(`${file()}.new/full`, { recursive: true })
    const [exit, said] = await ended(start('work'))
    expect([exit, server.arrivals]).toEqual([74, []])
    expect(said).not.toContain('Open ')
  })

  it('hears the browser of this machine', async () => {
    const session = start('work', '--flow', 'browser', '--no-browser')
    const page = await fetch(await urlIn(session))
    expect(page.status).toBe(200)
    expect(await session.exit).toBe(0)
    expect(existsSync(file())).toBe(true)
  })

  it('takes a pasted URL from a pipe', async () => {
    const session = start('my mail', '--flow', 'paste')
    const response = await fetch(await urlIn(session), { redirect: 'manual' })
    const location = response.headers.get('location')
    // In one piece: what was read ahead must not be lost.
    session.stdin.end(`what?\n${location}\n`)
    expect(await session.exit).toBe(0)
    expect(session.said()).toContain('That is not the URL of this login')
    expect(existsSync(file('my mail'))).toBe(true)
  })

  it('needs the owner where nothing is pasted', async () => {
    const session = start('my mail', '--flow', 'paste')
    await urlIn(session)
    session.stdin.end()
    const [exit, said] = await ended(session)
    expect(exit).toBe(77)
    expect(said).toMatch(/not pasted; run: popkeep login 'my mail'\.\n$/)
    expect(existsSync(file('my mail'))).toBe(false)
  })

  it.each<[number, string, () => void]>([
    [77, 'access_denied', () => void server.pollErrors.push('access_denied')],
    [78, 'invalid_client', () => void server.tokenAnswers.push(refusal('invalid_client', 401))],
    [76, 'no usable token', () => void server.tokenAnswers.push({ status: 200, body: {} })],
  ])('leaves with %i for %s', async (code, words, prepare) => {
    prepare()
    const [exit, said] = await ended(start('work', '--flow', 'device'))
    expect([exit, said]).toEqual([code, expect.stringContaining(words)])
    expect(existsSync(file())).toBe(false)
  })

  it('leaves with 75 where the provider cannot be reached', async () => {
    await server.close()
    expect((await ended(start('work')))[0]).toBe(75)
  })

  it('makes the words of the provider safe for a terminal', async () => {
    server.device = { interval: 0.01, expires_in: 900, user_code: 'A\u001b]0;title\u0007B' }
    server.pollErrors.push('access_denied\u001b[2J')
    const [, said] = await ended(start('work'))
    expect(said).toContain('A\\x1b]0;title\\x07B')
    expect(said).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
  })

  it('stores nothing when it is interrupted', async () => {
    server.device = { interval: 1000, expires_in: 900 }
    const session = start('work')
    await session.hear(/WDJB/)
    session.signals.emit('SIGINT')
    expect(await session.exit).toBe(130)
    expect(existsSync(file())).toBe(false)
  })

  it('forgets', async () => {
    await start('work').exit
    const [exit, said] = await ended(start('work', '--forget'))
    expect([exit, said]).toEqual([0, `removed the tokens of work from ${file()}\n`])
    expect(existsSync(file())).toBe(false)
    const [again, nothing] = await ended(start('work', '--forget'))
    expect([again, nothing]).toEqual([0, expect.stringContaining('nothing to remove')])
    const folderOfTokens = join(folder.path, 'state/popkeep/tokens')
    const left = readdirSync(folderOfTokens).map((name) =>
      readFileSync(join(folderOfTokens, name), 'utf8'),
    )
    expect(left.join('')).not.toContain(CANARY)
  })

  it.each([
    [64, ['plain'], 'oauth = "google"'],
    [64, ['pizauth'], 'token_command'],
    [64, ['kept', '--flow', 'browser'], '--flow is for OAuth'],
    [64, ['google', '--flow', 'device'], 'no device flow'],
    [64, ['nobody'], 'no account is called nobody'],
    [64, ['work', '--flow', 'magic'], 'device, browser, paste'],
    [64, [], 'account'],
  ])('leaves with %i for %j', async (code, argv, words) => {
    expect(await ended(start(...argv))).toEqual([code, expect.stringContaining(words)])
  })
})
