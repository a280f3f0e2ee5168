/** `popkeep sync`, built, against a server that shows 250 of 600 messages a session and wants a pause between two logins. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type PartServer, type PartServerOptions, partServer } from '../support/part-server.ts'
import { popkeep } from '../support/popkeep.ts'
import { temporaryFolder } from '../support/temp.ts'

const PASSWORD = 'secret'
const octetsOf = (index: number) => `Subject: message ${index}\r\n\r\nText ${index}.\r\n`
const gmail = { messages: 600, part: 250, pause: 1, octetsOf }

describe('a server that shows a part of its maildrop', () => {
  const folder = temporaryFolder('parts')
  const env = { POPKEEP_PASSWORD: PASSWORD }
  afterAll(() => folder.remove())

  const archiveAt = (name: string) => `sqlite:${join(folder.path, name)}.sqlite`
  const sync = (server: PartServer, name: string, ...more: readonly string[]) =>
    popkeep(
      [
        'sync',
        `pop://me@127.0.0.1:${server.port}`,
        '--tls',
        'none',
        '--archive',
        archiveAt(name),
      ].concat(more),
      { env },
    )
  async function kept(name: string): Promise<number> {
    const { stdout } = await popkeep(['list', '--json', '--archive', archiveAt(name)])
    return stdout.toString().split('\n').length - 1
  }

  it('shows no other part where sessions end without QUIT: one further look tells', async () => {
    await using server = await partServer(gmail)
    const run = await sync(server, 'all', '--no-quit')
    expect([run.code, run.stdout.length, run.stderr.toString()]).toEqual([0, 0, ''])
    expect(server.taken).toEqual([])
    expect(server.logins).toHaveLength(2)
    expect(await kept('all')).toBe(250)
  })

  it('is kept whole, and every message once', async () => {
    const options: PartServerOptions = { ...gmail }
    await using server = await partServer(options)
    const run = await sync(server, 'whole', '--json', '--deadline', '5m')
    expect([run.code, run.stderr.toString()]).toEqual([0, ''])
    expect(server.taken).toHaveLength(600)
    expect(await kept('whole')).toBe(600)
    expect(server.refused).toBe(0)
    const events = run.stdout
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const waits = events.filter(({ type }) => type === 'waiting')
    // 250, 250, 100, and a look that finds nothing. Where a session takes longer than the pause, there is nothing to wait for.
    expect(server.logins).toHaveLength(4)
    expect(waits.length).toBeLessThanOrEqual(3)
    expect(waits.every(({ reason }) => reason === 'pause')).toBe(true)
    await server.played()
    // STAT says 0 now: that all has gone is no reason to forget it.
    options.enforcesPause = false
    const empty = await sync(server, 'whole', '--json')
    expect([empty.code, empty.stdout.toString()]).toEqual([
      0,
      expect.stringMatching(/"listed":0,.*"deleted":0/),
    ])
    const verify = await popkeep(['verify', '--archive', archiveAt('whole')])
    expect([verify.code, verify.stdout.toString()]).toEqual([0, expect.stringContaining('600')])
  })

  it('is left at the deadline with 1, and the next run goes on', async () => {
    await using server = await partServer({ ...gmail, pause: 600, enforcesPause: false })
    for (const stored of [250, 500]) {
      const run = await sync(server, 'deadline', '--deadline', '5m')
      expect(run.code).toBe(1)
      expect(run.stderr.toString()).toContain('The next run goes on from there.')
      expect(await kept('deadline')).toBe(stored)
    }
    expect(server.logins).toHaveLength(2)
    expect(server.taken).toHaveLength(500)
  })

  it('lets other accounts go on while one waits, also one at a time', async () => {
    // One short session, and a look when the pause is over.
    await using waiting = await partServer({ ...gmail, messages: 10, part: 10, pause: 6 })
    await using other = await partServer({ ...gmail, messages: 3, pause: 0 })
    const table = (name: string, port: number) =>
      `[accounts.${name}]\nhost = "127.0.0.1"\nport = ${port}\ntls = "none"\nuser = "me"\nquit = false\npassword_file = "password"\n`
    writeFileSync(join(folder.path, 'password'), `${PASSWORD}\n`, { mode: 0o600 })
    const config = join(folder.path, 'two.toml')
    writeFileSync(
      config,
      `archive = "sqlite:two.sqlite"\njobs = 1\ndeadline = "5m"\n${table('waiting', waiting.port)}${table('other', other.port)}`,
    )
    const run = await popkeep(['sync', '--config', config, '--json'])
    expect(run.code).toBe(0)
    const ends = run.stdout
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ type }) => type === 'account')
      .map(({ account }) => account)
    expect(ends).toEqual(['other', 'waiting'])
  })
})
