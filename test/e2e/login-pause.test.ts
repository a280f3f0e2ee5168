/** When the first login of a run has to wait for the pause that a server wants: built, with other commands between. */
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, describe, expect, it } from 'vitest'
import { type PartServer, type PartServerOptions, partServer } from '../support/part-server.ts'
import { popkeep } from '../support/popkeep.ts'
import { hasPseudoTerminal, PseudoTerminal } from '../support/pseudo-terminal.ts'
import { temporaryFolder } from '../support/temp.ts'

const PROGRAM = join(import.meta.dirname, '../../bin/popkeep.js')
const env = { POPKEEP_PASSWORD: 'secret' }
const octetsOf = (index: number) => `Subject: message ${index}\r\n\r\nText ${index}.\r\n`

/** One session takes all; five minutes between two logins, and whether it means that can be changed. */
const dilatory = (): PartServerOptions => ({
  ...{ messages: 3, part: 3, pause: 300, octetsOf },
  enforcesPause: false,
})

describe('the first login of a run', () => {
  const folder = temporaryFolder('pause')
  afterAll(() => folder.remove())

  const urlOf = ({ port }: PartServer) => [`pop://me@127.0.0.1:${port}`, '--tls', 'none']
  const archiveAt = (name: string) => ['--archive', `sqlite:${join(folder.path, name)}.sqlite`]
  const sync = async (server: PartServer, name: string) => {
    const words = ['sync', ...urlOf(server), ...archiveAt(name), '--no-quit', '--deadline', '2m']
    // The deadline keeps it from a second look; without one, a run that nobody looks at does not wait for its first login.
    const args = name === 'announced' ? words : words.slice(0, -2)
    const { code, stderr } = await popkeep(args, { env })
    return { code, stderr: stderr.toString() }
  }

  it('is refused by no pause that is only announced', async () => {
    await using server = await partServer(dilatory())
    for (let run = 1; run <= 3; run += 1) {
      await sync(server, 'announced')
      expect(server.logins).toHaveLength(run)
    }
  })

  /** A server that enforced its pause a moment ago, and an archive that knows. */
  async function refusedLately(name: string) {
    const options = dilatory()
    const server = await partServer(options)
    const url = urlOf(server)
    // Another program's login, which no archive knows of.
    await popkeep(['probe', ...url], { env })
    expect(server.logins).toHaveLength(1)
    options.enforcesPause = true
    const first = await sync(server, name)
    expect(first.code).toBe(75)
    expect(first.stderr).toMatch(/The server said: .*minimum time between logins/)
    expect(server.refused).toBe(1)
    return { server, options, url }
  }

  it('is left for later with 75 and without a connection while an enforced one has not passed; only a sync counts', async () => {
    const { server, options, url } = await refusedLately('enforced')
    await using _server = server
    const connections = server.connections
    const refused = await sync(server, 'enforced')
    expect(refused.code).toBe(75)
    expect(refused.stderr).toMatch(
      /^popkeep: me@127\.0\.0\.1: the server wants a pause between two logins, until \d{4}-\S+Z\. Nothing was sent/,
    )
    expect(server.connections).toBe(connections)
    // They are not refused, and what they do moves no time.
    options.enforcesPause = false
    expect((await popkeep(['probe', ...url], { env })).code).toBe(0)
    expect(
      (await popkeep(['console', ...url], { env, input: 'USER me\nPASS secret\nSTAT\nQUIT\n' }))
        .code,
    ).toBe(0)
    expect(server.logins).toHaveLength(3)
    expect(await sync(server, 'enforced')).toEqual(refused)
    expect(server.logins).toHaveLength(3)
  })

  it.skipIf(!hasPseudoTerminal)('waits at a terminal, and counts down', async () => {
    const { server } = await refusedLately('terminal')
    await using _server = server
    const connections = server.connections
    await using terminal = new PseudoTerminal(
      [process.execPath, PROGRAM, 'sync', ...urlOf(server), ...archiveAt('terminal')],
      { cwd: folder.path, env: { ...env, PATH: process.env.PATH, HOME: folder.path } },
    )
    await terminal.until('waits until')
    await terminal.until("for the server's pause")
    const left = new Set<string | undefined>()
    for (let look = 0; look < 100 && left.size < 2; look += 1) {
      await terminal.until(' left')
      left.add([...terminal.shown.matchAll(/\b([45]:\d\d) left/g)].at(-1)?.[1])
    }
    expect([left.size, left.has(undefined)]).toEqual([2, false])
    expect(server.connections).toBe(connections)
    terminal.type('\x03')
    expect(await terminal.ended()).toBe(130)
  })
})
