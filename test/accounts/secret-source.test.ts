import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { SecretError } from '../../src/accounts/errors.ts'
import { formatPassword } from '../../src/accounts/kept-password.ts'
import type { Keyring } from '../../src/accounts/keyring.ts'
import { Secret } from '../../src/accounts/secret.ts'
import type { SecretSource, SecretSurroundings } from '../../src/accounts/secret-source.ts'
import { obtainSecret } from '../../src/accounts/secret-source.ts'

const HIDDEN = 'hunter2 \u00fc'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'popkeep-secret-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function file(content: string | Uint8Array, mode = 0o600): SecretSource & { type: 'file' } {
  const path = join(folder, 'secret')
  writeFileSync(path, content)
  chmodSync(path, mode)
  return { type: 'file', path }
}

const command = (...words: string[]): SecretSource => ({ type: 'command', command: words })
const script = (code: string) => command(process.execPath, '-e', code)

async function obtain(secret: SecretSource | undefined, surroundings: SecretSurroundings = {}) {
  return (await obtainSecret({ ...owner, name: 'work', secret }, surroundings)).reveal()
}

const owner = { host: 'pop.example.com', user: 'me@example.com' }
const kept = (password: string, changed: Partial<typeof owner> = {}) =>
  formatPassword({ ...owner, ...changed }, password)

/** A keyring with one entry, or with an account's name and what asking for it does. */
function keyringWith(entry: string | undefined | (() => Promise<never>)) {
  return async (): Promise<Keyring> => ({
    get: async (account) => {
      expect(account).toBe('work')
      return typeof entry === 'function' ? entry() : entry
    },
    set: () => Promise.reject(new Error('a secret was stored')),
    remove: () => Promise.reject(new Error('a secret was removed')),
  })
}

async function failure(promise: Promise<unknown>): Promise<SecretError> {
  const caught = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(caught).toBeInstanceOf(SecretError)
  expect(caught).toMatchObject({ code: 'SECRET_UNAVAILABLE' })
  expect(inspect(caught, { depth: 9 })).not.toContain('hunter2')
  return caught as SecretError
}

describe('a secret', () => {
  it('does not print itself', () => {
    const secret = new Secret(HIDDEN)
    const account = { name: 'a', secret, nested: [{ secret }] }
    const printed = [
      String(secret),
      `${secret}`,
      JSON.stringify(account),
      inspect(account, { depth: 9, showHidden: true }),
      Object.values(secret).join(),
      inspect(new Error('x', { cause: account }), { depth: 9 }),
    ].join()
    expect(printed).not.toContain('hunter2')
    expect(printed).toContain('[redacted]')
    expect(JSON.stringify(secret)).toBe('"[redacted]"')
    expect(secret.reveal()).toBe(HIDDEN)
  })

  it.each([
    ['hunter2 \u00fc', HIDDEN],
    ['hunter2 \u00fc\n', HIDDEN],
    ['hunter2 \u00fc\r\nsecond line\n', HIDDEN],
    [' spaces stay ', ' spaces stay '],
  ])('is the first line of the file %j', async (content, secret) => {
    expect(await obtain(file(content))).toBe(secret)
  })

  it.each(['', '\n', '\r\nhunter2', 'hunter2\0', 'hun\rter2'])('is not in %j', async (content) => {
    await failure(obtain(file(content)))
    await failure(obtain(undefined, { environment: content }))
  })

  it.each([0o640, 0o604, 0o620, 0o601])('is refused from a file of mode %o', async (mode) => {
    expect((await failure(obtain(file(HIDDEN, mode)))).message).toContain('chmod 600')
  })

  it('is taken from the credentials folder, whatever its mode', async () => {
    const source = file(HIDDEN, 0o644)
    expect(await obtain(source, { credentialsDirectory: folder })).toBe(HIDDEN)
    await failure(obtain(source, { credentialsDirectory: join(folder, 'sec') }))
    await failure(obtain(source, { credentialsDirectory: '' }))
  })

  it('is missing with its file', async () => {
    const { message } = await failure(obtain({ type: 'file', path: join(folder, 'none') }))
    expect(message).toContain('ENOENT')
  })

  it('is taken from a file, and from nothing else that a path leads to', async () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', ['-m', '600', pipe])
    // At once, though nobody writes to it.
    expect((await failure(obtain({ type: 'file', path: pipe }))).message).toMatch(/is a pipe/)
    expect((await failure(obtain({ type: 'file', path: folder }))).message).toMatch(/is a folder/)
    const inSecrets = obtain({ type: 'file', path: pipe }, { credentialsDirectory: folder })
    expect((await failure(inSecrets)).message).toMatch(/is a pipe/)
  })

  it('is the first line that a command writes, without a shell', async () => {
    expect(await obtain(script(`console.log('hunter2 \u00fc\\nmore')`))).toBe(HIDDEN)
    const echo = command(process.execPath, '-e', 'console.log(process.argv[1])', '$(id); *')
    expect(await obtain(echo)).toBe('$(id); *')
  })

  it('is what a string gives in the shell', async () => {
    expect(await obtain({ type: 'command', command: 'echo a | tr a b' })).toBe('b')
  })

  it('is not there if the command fails, whatever it wrote', async () => {
    const code = `console.log('hunter2'); console.error('no key\\nat all'); process.exitCode = 3`
    const { message } = await failure(obtain(script(code)))
    expect(message).toContain('status 3: no key')
    expect(message).not.toContain('at all')
    await failure(obtain(command(join(folder, 'no-such-program'))))
    const killed = await failure(obtain(script(`process.kill(process.pid, 'SIGTERM')`)))
    expect(killed.message).toContain('SIGTERM')
  })

  it('survives a command that writes without end of line', async () => {
    const { length } = await obtain(script(`process.stdout.write('x'.repeat(200_000))`))
    expect(length).toBe(64 * 1024)
  })

  it('comes from the first source that is there', async () => {
    const prompt = async () => 'typed'
    const own = file('own')
    const environment = 'environment'
    expect(await obtain(own, { environment, prompt })).toBe('own')
    expect(await obtain(undefined, { environment, prompt })).toBe('environment')
    expect(await obtain(undefined, { prompt })).toBe('typed')
    expect((await failure(obtain(undefined))).message).toContain('no password: give')
    const openKeyring = keyringWith(kept('kept'))
    expect(await obtain(own, { openKeyring, environment, prompt })).toBe('own')
    expect(await obtain(undefined, { openKeyring, environment, prompt })).toBe('kept')
    expect(await obtain({ type: 'keyring' }, { openKeyring, environment, prompt })).toBe('kept')
    // One that fails is not passed over.
    const noKeyring = async () => undefined
    await failure(obtain({ type: 'keyring' }, { openKeyring: noKeyring, environment, prompt }))
    await failure(obtain(file('own', 0o644), { environment, prompt }))
  })
})

describe('a secret in the keyring', () => {
  const keyring: SecretSource = { type: 'keyring' }
  const locked = () => Promise.reject(new Error('the collection is locked'))

  it('must be there if the config says so', async () => {
    const { message } = await failure(obtain(keyring, { openKeyring: keyringWith(undefined) }))
    expect(message).toBe('the keyring has no password for work; this stores it: popkeep login work')
    for (const openKeyring of [undefined, async () => undefined]) {
      const absent = await failure(obtain(keyring, { openKeyring, environment: 'x' }))
      expect(absent.message).toMatch(/^no keyring can be reached/)
    }
    const refused = await failure(obtain(keyring, { openKeyring: keyringWith(locked) }))
    expect(refused.message).toBe('the keyring cannot be read: the collection is locked')
    expect(refused.cause).toBeInstanceOf(Error)
    for (const entry of ['', '\nhunter2', 'hunter2\0']) {
      await failure(obtain(keyring, { openKeyring: keyringWith(entry) }))
    }
  })

  it('is for one host and one user', async () => {
    for (const secret of [keyring, undefined]) {
      const openKeyring = keyringWith(kept(HIDDEN, { host: 'POP.example.com' }))
      expect(await obtain(secret, { openKeyring })).toBe(HIDDEN)
    }
    const later = JSON.stringify({ popkeep: 2, ...owner, password: 'hunter2' })
    const host = { host: 'pops.example.com' }
    for (const entry of [kept(HIDDEN, host), kept(HIDDEN, { user: 'you@example.com' }), later]) {
      const openKeyring = keyringWith(entry)
      const { message } = await failure(obtain(keyring, { openKeyring, environment: 'x' }))
      expect(message).toBe(
        "the keyring's password of work is for another host or user; this stores one: popkeep login work",
      )
      const asked: string[] = []
      const prompt = async (question: string) => {
        asked.push(question)
        return 'typed'
      }
      expect(await obtain(undefined, { openKeyring, prompt })).toBe('typed')
      expect(asked).toEqual(['Password for work at pop.example.com: '])
      expect((await failure(obtain(undefined, { openKeyring }))).message).toMatch(
        /the keyring has a password of work, but not for me@example.com at pop.example.com$/,
      )
    }
  })

  it('that somebody put there by hand is only for an account of the config that says so', async () => {
    for (const entry of [HIDDEN, '{"a":1}', 'null', '{"popkeep']) {
      const openKeyring = keyringWith(entry)
      expect(await obtain(keyring, { openKeyring })).toBe(entry)
      expect(await obtain(undefined, { openKeyring, environment: 'mine' })).toBe('mine')
      await failure(obtain(undefined, { openKeyring }))
    }
  })

  it('may be missing if it does not', async () => {
    const environment = 'environment'
    for (const openKeyring of [
      async () => undefined,
      keyringWith(undefined),
      keyringWith(locked),
    ]) {
      expect(await obtain(undefined, { openKeyring, environment })).toBe(environment)
    }
    const { message } = await failure(obtain(undefined, { openKeyring: keyringWith(locked) }))
    expect(message).toMatch(/^there is no password: .*the collection is locked$/)
  })

  it('is waited for until the run ends', async () => {
    const reason = new Error('interrupted')
    const openKeyring = (run: AbortController) => async (): Promise<Keyring> => ({
      get: (_, signal) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason))
          run.abort(reason)
        }),
      set: async () => undefined,
      remove: async () => undefined,
    })
    for (const secret of [keyring, undefined]) {
      const run = new AbortController()
      const surroundings = {
        openKeyring: openKeyring(run),
        environment: 'x',
        signal: run.signal,
      }
      await expect(obtain(secret, surroundings)).rejects.toBe(reason)
    }
  })
})
