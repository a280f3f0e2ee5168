import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SecretError } from '../../src/accounts/errors.ts'
import type { Grant, GrantOwner } from '../../src/accounts/oauth-grant.ts'
import { oauthProvider } from '../../src/accounts/oauth-provider.ts'
import { openTokenStore, tokenFile } from '../../src/accounts/token-store.ts'
import { CANARY } from '../support/authorization-server.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { authorizationFailureOf, failureOf, memoryKeyring, never } from './oauth-cases.ts'

const owner: GrantOwner = {
  account: 'work',
  host: 'pop.example.com',
  user: 'me@example.com',
  provider: oauthProvider('google', { client_id: 'mine' }),
}
const grant: Grant = {
  accessToken: `${CANARY}-access`,
  refreshToken: `${CANARY}-refresh`,
  expiresAt: 1_800_000_000_000,
}

let folder: TemporaryFolder
let env: { readonly XDG_STATE_HOME: string }
beforeEach(() => {
  folder = temporaryFolder('tokens')
  env = { XDG_STATE_HOME: folder.path }
})
afterEach(() => folder.remove())

const open = (changed: Partial<GrantOwner> = {}) =>
  openTokenStore({ ...owner, ...changed }, 'file', { env })
const put = async (given = grant) => {
  const store = await open()
  await store.locked(never, () => store.write(given))
  return store
}

describe('a token file', () => {
  it('is private, whole, and gives back what was written', async () => {
    const store = await put()
    expect(store.place).toBe(tokenFile('work', env))
    expect(statSync(store.place).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(store.place)).mode & 0o777).toBe(0o700)
    expect(await store.read(never)).toEqual({ state: 'good', grant })
    const { refreshToken: _, ...lasting } = grant
    await put({ ...lasting, refreshToken: undefined })
    expect(await store.read(never)).toEqual({
      state: 'good',
      grant: { ...grant, refreshToken: undefined },
    })
    expect(readdirSync(dirname(store.place)).filter((name) => name.endsWith('.new'))).toEqual([])
  })

  it('is replaced, never written in place', async () => {
    const store = await put()
    const before = statSync(store.place).ino
    writeFileSync(`${store.place}.new`, 'a piece that a kill left')
    await put({ ...grant, accessToken: 'another' })
    expect(statSync(store.place).ino).not.toBe(before)
    expect(await store.read(never)).toMatchObject({ grant: { accessToken: 'another' } })
    expect(existsSync(`${store.place}.new`)).toBe(false)
  })

  it('is refused if others can read it', async () => {
    const store = await put()
    for (const mode of [0o640, 0o604, 0o660]) {
      chmodSync(store.place, mode)
      const error = await failureOf(store.read(never))
      expect(error).toBeInstanceOf(SecretError)
      expect(error.message).toContain('chmod 600')
    }
  })

  it('is not there before a login, nor after it was removed', async () => {
    const store = await open()
    expect(await store.read(never)).toEqual({ state: 'none' })
    expect(await store.locked(never, () => store.remove())).toBe(false)
    await put()
    expect(await store.locked(never, () => store.remove())).toBe(true)
    expect(await store.read(never)).toEqual({ state: 'none' })
    expect(existsSync(store.place)).toBe(false)
  })

  it.each<[string, Partial<GrantOwner>]>([
    ['host', { host: 'pop.example.net' }],
    ['user', { user: 'you@example.com' }],
    ['client', { provider: { ...owner.provider, clientId: 'other' } }],
    ['token endpoint', { provider: { ...owner.provider, tokenEndpoint: 'https://evil.example/' } }],
    ['scope', { provider: { ...owner.provider, scope: 'more' } }],
  ])('is of no use once the config names another %s', async (_, change) => {
    await put()
    expect(await (await open(change)).read(never)).toEqual({ state: 'changed' })
    expect(await (await open({ host: 'POP.example.com' })).read(never)).toMatchObject({
      state: 'good',
    })
  })

  it('is found damaged, whichever octet ends it', async () => {
    const store = await put()
    const text = readFileSync(store.place, 'utf8')
    const spoilt = [
      ...Array.from({ length: text.length - 2 }, (_, end) => text.slice(0, end)),
      'null',
      '[]',
      text.replace('"version": 1', '"version": 2'),
      text.replace(`${CANARY}-access`, `${CANARY} access`),
      text.replace(`${CANARY}-access`, ''),
      text.replace('1800000000000', '"soon"'),
    ]
    for (const piece of spoilt) {
      writeFileSync(store.place, piece)
      expect(await store.read(never)).toEqual({ state: 'damaged' })
    }
  })

  it('stays within its folder, and belongs to one name', () => {
    const name = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('..', '/', 'Work', 'wörk'))
    fc.assert(
      fc.property(name, name, (one, other) => {
        const [path, otherPath] = [tokenFile(one, env), tokenFile(other, env)]
        expect(dirname(path)).toBe(join(folder.path, 'popkeep', 'tokens'))
        expect(path).toMatch(/\/[a-z0-9@_-]{0,40}-[0-9a-f]{16}\.json$/)
        expect(path.toLowerCase() === otherPath.toLowerCase()).toBe(one === other)
      }),
      { numRuns: 200 },
    )
  })

  it('is below the home folder where XDG names no absolute one', () => {
    const { HOME } = { HOME: '/home/me' }
    const file = tokenFile('work', { HOME, XDG_STATE_HOME: 'relative' })
    expect(dirname(file)).toBe('/home/me/.local/state/popkeep/tokens')
    expect(tokenFile('work', { HOME })).toBe(file)
  })

  it('is not made in a folder that is a file', async () => {
    mkdirSync(join(folder.path, 'popkeep'))
    writeFileSync(join(folder.path, 'popkeep', 'tokens'), '')
    const store = await open()
    expect(await failureOf(store.locked(never, () => store.write(grant)))).toMatchObject({
      code: 'ARCHIVE_CREATE',
    })
  })
})

describe('the lock of a token store', () => {
  it('lets one at a time in', async () => {
    const store = await open()
    const order: string[] = []
    let letGo = () => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const first = store.locked(never, async () => {
      order.push('first in')
      await held
      order.push('first out')
    })
    const second = (await open()).locked(never, async () => order.push('second in'))
    letGo()
    await Promise.all([first, second])
    expect(order).toEqual(['first in', 'first out', 'second in'])
  })

  it('is not waited for without end', async () => {
    const store = await openTokenStore(owner, 'file', { env, lockPatienceMs: 0 })
    await store.locked(never, async () => {
      const error = await authorizationFailureOf(store.locked(never, async () => undefined))
      expect(error.code).toBe('OAUTH_TEMPORARY')
    })
    expect(await store.locked(never, async () => 'free')).toBe('free')
  })

  it('is given up on interrupt', async () => {
    const store = await open()
    const reason = new Error('interrupted')
    await store.locked(never, async () => {
      const controller = new AbortController()
      const waiting = store.locked(controller.signal, async () => undefined)
      controller.abort(reason)
      await expect(waiting).rejects.toBe(reason)
    })
  })
})

describe('tokens in the keyring', () => {
  it('are kept there, bound like those in a file', async () => {
    const entries = new Map<string, string>()
    const openKeyring = async () => memoryKeyring(entries)
    const store = await openTokenStore(owner, 'keyring', { env, openKeyring })
    expect(await store.read(never)).toEqual({ state: 'none' })
    await store.locked(never, () => store.write(grant))
    expect(await store.read(never)).toEqual({ state: 'good', grant })
    expect(existsSync(tokenFile('work', env))).toBe(false)
    const other = await openTokenStore({ ...owner, host: 'x' }, 'keyring', { env, openKeyring })
    expect(await other.read(never)).toEqual({ state: 'changed' })
    // What proves that there is room changes nothing.
    const before = [...entries]
    await store.draft()
    expect([...entries]).toEqual(before)
    expect(await store.remove()).toBe(true)
    await store.draft()
    expect([...entries]).toEqual([])
  })

  it('are not kept where there is no keyring, or where it fails', async () => {
    const none = async () => undefined
    const error = await failureOf(openTokenStore(owner, 'keyring', { env, openKeyring: none }))
    expect(error).toMatchObject({ code: 'SECRET_UNAVAILABLE' })
    const fails = () => Promise.reject(new Error('locked'))
    const broken = async () => ({ get: fails, set: fails, remove: fails })
    const store = await openTokenStore(owner, 'keyring', { env, openKeyring: broken })
    for (const attempt of [store.read(never), store.write(grant), store.draft(), store.remove()]) {
      expect(await failureOf(attempt)).toMatchObject({ code: 'SECRET_UNAVAILABLE' })
    }
    const interrupt = new Error('interrupted')
    await expect(store.read(AbortSignal.abort(interrupt))).rejects.toBe(interrupt)
  })
})
