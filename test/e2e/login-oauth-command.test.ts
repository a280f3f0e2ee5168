/** From the owner's consent to the mail: the built command, an OAuth provider, and a real Dovecot that asks it. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type AuthorizationServer,
  CANARY,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { type Dovecot, isDovecotMissing, startDovecot } from '../support/dovecot.ts'
import { type Finished, popkeep } from '../support/popkeep.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { briefly, expectNoSecret } from './logins.ts'

const USER = 'me@example.com'
const SECRETS = ['access', 'refresh', 'device', 'code'].map((kind) => `${CANARY}-${kind}`)

describe.skipIf(isDovecotMissing())('popkeep with tokens at Dovecot', () => {
  let provider: AuthorizationServer
  let dovecot: Dovecot
  let folder: TemporaryFolder

  beforeAll(async () => {
    provider = await startAuthorizationServer({ user: USER })
    dovecot = await startDovecot({
      maildrops: { [USER]: 'pw' },
      mechanisms: ['plain', 'xoauth2', 'oauthbearer'],
      introspectionUrl: provider.introspectionUrl,
    })
  })

  beforeEach(() => {
    folder?.remove()
    folder = temporaryFolder('login')
    mkdirSync(join(folder.path, '.config/popkeep'), { recursive: true })
    provider.arrivals.length = 0
  })

  afterAll(async () => {
    await dovecot?.stop()
    await provider?.close()
    folder?.remove()
  })

  /** A config with one account, `me`, that has this line. */
  const configure = (line: string) => {
    const lines = [
      'archive = "sqlite:~/archive"',
      `[accounts.me]\nhost = "127.0.0.1"\nport = ${dovecot.port}\ntls = "stls"`,
      `user = "${USER}"\ntls_ca = ${JSON.stringify(dovecot.caPem)}\n${line}`,
      provider.toml(),
    ]
    writeFileSync(join(folder.path, '.config/popkeep/config.toml'), lines.join('\n'))
  }
  const run = async (...args: readonly string[]): Promise<Finished> => {
    const finished = await popkeep(args, { home: folder.path })
    const files = [join(folder.path, 'trace'), join(folder.path, 'archive')]
    for (const secret of SECRETS) expectNoSecret(secret, finished, files)
    return finished
  }
  const sync = () => run('sync', 'me', '--trace', join(folder.path, 'trace'))
  const SILENCE = { code: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }

  it('logs in with the token that a command prints, and leaves with 77 where it is no good', async () => {
    const file = join(folder.path, 'token')
    configure(`token_command = ["cat", ${JSON.stringify(file)}]`)
    const store = (token: string) => writeFileSync(file, `${token}\n`)
    store(provider.grant().accessToken)
    expect(await sync()).toMatchObject(SILENCE)
    expect(briefly(await dovecot.attempts())).toEqual(['XOAUTH2 ok'])

    store(`${CANARY}-access-no`)
    expect(await sync()).toMatchObject({ code: 77, stdout: Buffer.alloc(0) })
    // The command gives the same token again, which is not tried twice.
    expect(briefly(await dovecot.attempts())).toEqual(['XOAUTH2 refused'])
  })

  it('is let in by the owner once, then renews the access by itself', async () => {
    configure('oauth = "test"')
    expect(await sync()).toMatchObject({ code: 77, stdout: Buffer.alloc(0) })
    expect(await dovecot.attempts()).toEqual([])

    expect(await run('login', 'me')).toMatchObject({ code: 0 })
    expect(await sync()).toMatchObject(SILENCE)
    expect(briefly(await dovecot.attempts())).toEqual(['XOAUTH2 ok'])
    expect(provider.grantRequests('refresh_token')).toEqual([])

    // As if it had been revoked, or had ended early: only Dovecot says so.
    provider.revoke(stored().accessToken)
    expect(await sync()).toMatchObject(SILENCE)
    expect(briefly(await dovecot.attempts())).toEqual(['XOAUTH2 refused', 'XOAUTH2 ok'])
    expect(provider.grantRequests('refresh_token')).toHaveLength(1)

    // The owner took the access back.
    provider.revoke(stored().accessToken)
    provider.revoke(stored().refreshToken)
    const last = await sync()
    expect(last).toMatchObject({ code: 77, stdout: Buffer.alloc(0) })
    expect(last.stderr.toString()).toMatch(/^popkeep: [^\n]*popkeep login me[^\n]*\n$/)
    expect(briefly(await dovecot.attempts())).toEqual(['XOAUTH2 refused'])
  })

  /** What is stored for the one account. */
  function stored(): { readonly accessToken: string; readonly refreshToken: string } {
    const tokens = join(folder.path, '.local/state/popkeep/tokens')
    const [file = ''] = readdirSync(tokens).filter((name) => name.endsWith('.json'))
    return JSON.parse(readFileSync(join(tokens, file), 'utf8')) as ReturnType<typeof stored>
  }
})
