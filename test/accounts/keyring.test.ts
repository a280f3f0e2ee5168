import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hasSessionBus, type KeyringPackage, openKeyring } from '../../src/accounts/keyring.ts'
import { temporaryFolder } from '../support/temp.ts'

/** A package with a store, and what its entries were made with. */
function fakePackage() {
  const store = new Map<string, string>()
  const made: unknown[][] = []
  class AsyncEntry {
    readonly #key: string

    constructor(...args: [string, string, unknown]) {
      made.push(args)
      this.#key = `${args[0]}/${args[1]}`
    }

    async getPassword(): Promise<string | null> {
      return store.get(this.#key) ?? null
    }

    async setPassword(text: string): Promise<void> {
      store.set(this.#key, text)
    }

    async deletePassword(): Promise<boolean> {
      return store.delete(this.#key)
    }
  }
  const load = async (): Promise<KeyringPackage> => ({ AsyncEntry })
  return { store, made, load }
}

describe('the keyring', () => {
  it('keeps one text for each account and service', async () => {
    const { store, load } = fakePackage()
    const passwords = await openKeyring('popkeep', load)
    const grants = await openKeyring('popkeep-oauth', load)
    await passwords?.set('work', 'password')
    await grants?.set('work', 'grant')
    await passwords?.set('work', 'newer')
    expect([...store]).toEqual([
      ['popkeep/work', 'newer'],
      ['popkeep-oauth/work', 'grant'],
    ])
    expect(await passwords?.get('work')).toBe('newer')
    expect(await grants?.get('work', new AbortController().signal)).toBe('grant')
    expect(await passwords?.get('home')).toBeUndefined()
    await passwords?.remove('work')
    await passwords?.remove('work')
    expect([...store.keys()]).toEqual(['popkeep-oauth/work'])
  })

  it('is never the one of the kernel, which forgets', async () => {
    const { made, load } = fakePackage()
    await (await openKeyring('popkeep', load))?.get('work')
    expect(made).toHaveLength(2)
    for (const [, , options] of made) {
      expect(options).toEqual({ linux: { store: 'secret-service' } })
    }
  })

  it('is not there without its package, or without a service that answers', async () => {
    const missing = () => Promise.reject(new Error('ERR_MODULE_NOT_FOUND'))
    expect(await openKeyring('popkeep', missing)).toBeUndefined()
    class AsyncEntry {
      constructor() {
        throw new Error('Platform failure: DBus error')
      }
    }
    const mute = async () => ({ AsyncEntry }) as unknown as KeyringPackage
    expect(await openKeyring('popkeep', mute)).toBeUndefined()
  })

  it('is waited for until the signal aborts', async () => {
    const { load } = fakePackage()
    const { AsyncEntry } = await load()
    const run = new AbortController()
    class Locked extends AsyncEntry {
      override getPassword(): Promise<string | null> {
        run.abort('over')
        return new Promise(() => {})
      }
    }
    const keyring = await openKeyring('popkeep', async () => ({ AsyncEntry: Locked }))
    await expect(keyring?.get('work', run.signal)).rejects.toBe('over')
    await expect(keyring?.get('work', AbortSignal.abort('before'))).rejects.toBe('before')
  })

  it('is not waited for without end where nobody unlocks it, and the signal ends a change too', async () => {
    const { AsyncEntry } = await fakePackage().load()
    class Locked extends AsyncEntry {
      override getPassword(): Promise<string | null> {
        return new Promise(() => {})
      }
      override setPassword(): Promise<void> {
        return new Promise(() => {})
      }
    }
    const load = async () => ({ AsyncEntry: Locked })
    const impatient = await openKeyring('popkeep', load, 10)
    const late = expect.objectContaining({ name: 'TimeoutError' })
    await expect(impatient?.get('work')).rejects.toEqual(late)
    await expect(impatient?.set('work', 'password')).rejects.toEqual(late)
    const keyring = await openKeyring('popkeep', load)
    const over = AbortSignal.abort('over')
    await expect(keyring?.set('work', 'password', over)).rejects.toBe('over')
  })

  it('is looked for on Linux where a session bus can be', () => {
    const folder = temporaryFolder()
    try {
      const XDG_RUNTIME_DIR = folder.path
      expect(hasSessionBus({ XDG_RUNTIME_DIR })).toBe(false)
      const DBUS_SESSION_BUS_ADDRESS = 'unix:path=/run/elsewhere'
      expect(hasSessionBus({ XDG_RUNTIME_DIR, DBUS_SESSION_BUS_ADDRESS })).toBe(true)
      writeFileSync(join(folder.path, 'bus'), '')
      expect(hasSessionBus({ XDG_RUNTIME_DIR })).toBe(true)
    } finally {
      folder.remove()
    }
  })
})
