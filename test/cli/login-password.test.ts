/** `popkeep login` for a password in the keyring. */
import { EventEmitter } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { Terminal } from '../../src/accounts/hidden-prompt.ts'
import type { Keyring } from '../../src/accounts/keyring.ts'
import { type LoginOptions, runLogin } from '../../src/cli/login-run.ts'
import { Output } from '../../src/cli/output.ts'
import { temporaryFolder } from '../support/temp.ts'

const PASSWORD = 'canary hunter2 \u00fc'
const never = new AbortController().signal

describe('a password for the keyring', () => {
  const folder = temporaryFolder('keyring')
  afterAll(() => folder.remove())
  const config = join(folder.path, 'config.toml')
  writeFileSync(
    config,
    '[accounts.kept]\nhost = "pop.example.com"\nuser = "me@example.com"\nkeyring = true\n',
  )

  let entries: Map<string, string>
  let shown: string
  beforeEach(() => {
    entries = new Map()
    shown = ''
  })

  const keyring: Keyring = {
    get: async (account) => entries.get(account),
    set: async (account, text) => void entries.set(account, text),
    remove: async (account) => void entries.delete(account),
  }

  /** Runs the command for a person who types `keys`; returns what it said on stderr. */
  async function logIn(
    keys: string | undefined,
    options: Partial<LoginOptions> = {},
    opened: Keyring | undefined = keyring,
  ): Promise<string> {
    const stderr = new PassThrough()
    const context = {
      output: new Output(new PassThrough(), stderr),
      stdin: new PassThrough(),
      env: { HOME: folder.path },
      signals: new EventEmitter(),
      invocation: 'popkeep',
      quit: () => undefined,
      now: () => 0,
      end: () => undefined,
    }
    const openTerminal = (): Terminal | undefined => {
      if (keys === undefined) return undefined
      const input = Object.assign(new PassThrough(), { setRawMode: () => undefined })
      input.write(keys)
      const output = {
        write: (text: string) => {
          shown += text
        },
      }
      return { input, output, interrupt: () => undefined, close: () => input.destroy() }
    }
    const openKeyring = async (service: string) => {
      expect(service).toBe('popkeep')
      return opened
    }
    const machine = { openKeyring, openTerminal }
    await runLogin('kept', { browser: true, config, ...options }, context, never, machine)
    return String(stderr.read() ?? '')
  }

  it('is asked for without echo, and stored', async () => {
    expect(await logIn(`${PASSWORD}\r`)).toBe('the password of kept is in the keyring\n')
    expect([...entries.keys()]).toEqual(['kept'])
    expect(JSON.parse(entries.get('kept') ?? '')).toEqual({
      popkeep: 1,
      host: 'pop.example.com',
      user: 'me@example.com',
      password: PASSWORD,
    })
    expect(shown).toBe('Password for kept at pop.example.com: \n')
  })

  it('is removed on request', async () => {
    entries.set('kept', PASSWORD)
    expect(await logIn(undefined, { forget: true })).toBe(
      'removed the password of kept from the keyring\n',
    )
    expect([...entries]).toEqual([])
    expect(await logIn(undefined, { forget: true })).toContain('nothing to remove')
  })

  it('is not taken where it is empty, nobody can type it, or no keyring takes it', async () => {
    const unavailable = { code: 'SECRET_UNAVAILABLE' }
    await expect(logIn('\r')).rejects.toMatchObject(unavailable)
    await expect(logIn(undefined)).rejects.toMatchObject(unavailable)
    const locked: Keyring = { ...keyring, set: () => Promise.reject(new Error('locked')) }
    await expect(logIn(`${PASSWORD}\r`, {}, locked)).rejects.toMatchObject(unavailable)
    expect([...entries]).toEqual([])
  })
})
