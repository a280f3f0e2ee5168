/** Tokens that are renewed by processes of their own: two at once, and some that are killed at the worst moment. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, watch } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTokenStore, tokenFile } from '../../src/accounts/token-store.ts'
import { transpileRooms } from '../archive/transpiled.ts'
import {
  type AuthorizationServer,
  CANARY,
  type Rotation,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'

const account = { name: 'work', host: 'pop.example.com', user: 'me@example.com' }
const never = new AbortController().signal

let built: ReturnType<typeof transpileRooms>
beforeAll(() => {
  built = transpileRooms(['accounts', 'durable', 'sqlite', 'sync'])
})
afterAll(() => built.remove())

let server: AuthorizationServer
let folder: TemporaryFolder
beforeEach(async () => {
  server = await startAuthorizationServer()
  folder = temporaryFolder('refresh')
})
afterEach(async () => {
  await server.close()
  folder.remove()
})

const env = () => ({ XDG_STATE_HOME: folder.path })
const openStore = () => {
  const owner = { account: 'work', host: account.host, user: account.user }
  return openTokenStore({ ...owner, provider: server.provider() }, 'file', { env: env() })
}

/** Stores a grant whose access token has ended. */
async function putOld(): Promise<void> {
  const store = await openStore()
  await store.locked(never, () => store.write({ ...server.grant(), expiresAt: 0 }))
}

/**
 * A process that asks for an access token, and prints `token` and it, or a code; and before that, on stderr, a line each
 * time that it has read the store and compares times.
 */
function ask() {
  const entry = pathToFileURL(join(built.folder, 'accounts/oauth-tokens.js')).href
  const body = `
    import { oauthToken } from ${JSON.stringify(entry)}
    const { account, provider, env } = JSON.parse(process.env.CASE)
    const now = () => (process.stderr.write('read\\n'), Date.now())
    const tokens = oauthToken(account, provider, 'file', { env, now })
    const signal = new AbortController().signal
    await tokens.accessToken(signal).then(
      (token) => console.log('token', token),
      (error) => console.log('failed', error.code),
    )`
  const given = JSON.stringify({ account, provider: server.provider(), env: env() })
  return spawn(process.execPath, ['--input-type=module', '--eval', body], {
    env: { PATH: process.env.PATH, CASE: given },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
}

async function outputOf(child: ReturnType<typeof ask>): Promise<string> {
  const parts: string[] = []
  child.stdout.on('data', (chunk) => parts.push(String(chunk)))
  child.stderr.resume()
  await once(child, 'close')
  return parts.join('')
}

const refreshes = () => server.grantRequests('refresh_token').length

describe('two processes that want the same token', () => {
  it.each<[Rotation, unknown]>([
    ['strict', 3600],
    // Within the margin all its life: who waited takes it nevertheless.
    ['strict', 60],
    ['lenient', 3600],
  ])('send one request and use one answer (%s, %i s)', async (rotation, expiresIn) => {
    server.rotation = rotation
    server.expiresIn = expiresIn
    await putOld()
    const children = [ask(), ask()]
    // The answer waits until both know the old tokens only: nothing but the lock keeps the other one from asking as well.
    const bothHaveRead = Promise.all(children.map((child) => once(child.stderr, 'data')))
    server.beforeAnswer = async () => void (await bothHaveRead)
    const outputs = await Promise.all(children.map(outputOf))
    expect(outputs[0]).toMatch(/^token canary-access-\w+\n$/)
    expect(outputs[1]).toBe(outputs[0])
    expect(refreshes()).toBe(1)
  })
})

describe('a process that is killed', () => {
  /** The store is whole: a JSON document with both tokens, and the folder holds no more than what belongs there. */
  async function storedGrant() {
    const stored = await (await openStore()).read(never)
    if (stored.state !== 'good') throw new Error(`the store is ${stored.state}`)
    return stored.grant
  }

  it.each<[Rotation, RegExp]>([
    ['lenient', /^token canary-access-\w+\n$/],
    ['strict', /^failed OAUTH_NEEDS_OWNER\n$/],
  ])('before the answer came leaves the old tokens (%s)', async (rotation, then) => {
    server.rotation = rotation
    await putOld()
    const before = await storedGrant()
    const child = ask()
    const exit = once(child, 'exit')
    // The provider has decided, and what it decided never arrives.
    server.beforeAnswer = async () => {
      child.kill('SIGKILL')
      await exit
    }
    await outputOf(child)
    expect(await storedGrant()).toEqual(before)
    server.beforeAnswer = async () => undefined
    expect(await outputOf(ask())).toMatch(then)
  })

  it.each<Rotation>(['lenient', 'strict'])(
    'as the answer arrives leaves old or new tokens, whole (%s)',
    async (rotation) => {
      server.rotation = rotation
      const path = tokenFile('work', env())
      for (let round = 0; round < 12; round++) {
        await putOld()
        const before = await storedGrant()
        const child = ask()
        // Each round at a later change in the folder: before, while and after the answer is stored.
        let changes = 0
        const watcher = watch(dirname(path))
        server.afterAnswer = () => {
          if (round % 6 === 0) return child.kill('SIGKILL')
          return watcher.on('change', () => {
            changes += 1
            if (changes === round % 6) child.kill('SIGKILL')
          })
        }
        await outputOf(child)
        watcher.close()
        server.afterAnswer = () => undefined
        const after = await storedGrant()
        const works = after.refreshToken !== before.refreshToken || rotation === 'lenient'
        expect(await outputOf(ask())).toMatch(
          works ? /^token canary-access-\w+\n$/ : /^failed OAUTH_NEEDS_OWNER\n$/,
        )
        // What the kill left is gone with the next writing.
        if (works) expect(existsSync(`${path}.new`)).toBe(false)
      }
    },
  )

  it('does not keep others out', async () => {
    await putOld()
    const child = ask()
    server.beforeAnswer = async () => {
      server.beforeAnswer = async () => undefined
      child.kill('SIGKILL')
    }
    const other = outputOf(ask())
    await outputOf(child)
    expect(await other).toMatch(/^token canary-access-\w+\n$/)
  })

  it('shows no token to those who list processes', async () => {
    await putOld()
    const child = ask()
    let line = 'none'
    server.beforeAnswer = async () => {
      line = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')
    }
    await outputOf(child)
    expect(line).toContain('--eval')
    expect(line).not.toContain(`${CANARY}-`)
  })
})
