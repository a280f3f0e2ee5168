/** Ctrl-C, and once more, while a refresh token is on its way that comes only once. */
import { EventEmitter } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { openTokenStore, tokenFile } from '../../src/accounts/token-store.ts'
import type { ArchiveLocation } from '../../src/archive/location.ts'
import { startWriterHere } from '../archive/temp-archive.ts'
import {
  type AuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'

// Node 20 runs no TypeScript in a thread: the writer shares this one, behind the same channel.
vi.doMock('../../src/archive/thread-archive.ts', async (original) => {
  const { ThreadArchive } = await original<typeof import('../../src/archive/thread-archive.ts')>()
  return {
    ThreadArchive: class extends ThreadArchive {
      constructor(location: ArchiveLocation) {
        super(location, () => startWriterHere())
      }
    },
  }
})
const { run } = await import('../../src/cli/main.ts')

const NOW = 1_800_000_000_000
const never = new AbortController().signal

let server: AuthorizationServer
let folder: TemporaryFolder
beforeEach(async () => {
  server = await startAuthorizationServer({ rotation: 'strict' })
  folder = temporaryFolder('interrupted')
})
afterEach(async () => {
  await server.close()
  folder.remove()
})

it.each([
  ['sync', 'work', '--archive', 'maildir:ARCHIVE'],
  ['console', 'work', '--login'],
])('a refresh token is stored before %s ends', async (...argv) => {
  const env = { HOME: folder.path, XDG_STATE_HOME: join(folder.path, 'state') }
  const config = join(folder.path, 'config.toml')
  const account = '[accounts.work]\nhost = "127.0.0.1"\nport = 1\nuser = "me"\noauth = "test"\n'
  writeFileSync(config, `${account}\n${server.toml()}`)
  const owner = { account: 'work', host: '127.0.0.1', user: 'me', provider: server.provider() }
  const store = await openTokenStore(owner, 'file', { env })
  const old = server.grant()
  await store.locked(never, () => store.write({ ...old, expiresAt: NOW }))

  const signals = new EventEmitter()
  const stored: (string | undefined)[] = []
  server.beforeAnswer = async () => {
    signals.emit('SIGINT')
    signals.emit('SIGINT')
    expect(stored).toEqual([])
  }
  const quits: number[] = []
  await run(
    [...argv.map((word) => word.replace('ARCHIVE', join(folder.path, 'mail'))), '--config', config],
    {
      ...{
        stdin: new PassThrough(),
        stdout: new PassThrough().resume(),
        stderr: new PassThrough().resume(),
      },
      ...{ signals, env, invocation: 'popkeep', now: () => NOW },
      quit: (exit) => {
        quits.push(exit)
        stored.push(JSON.parse(readFileSync(tokenFile('work', env), 'utf8')).refreshToken)
      },
    },
  )
  expect(server.grantRequests('refresh_token')).toHaveLength(1)
  expect(quits).toEqual([130])
  expect(stored).not.toEqual([old.refreshToken])
})
