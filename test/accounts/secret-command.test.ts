import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { inspect } from 'node:util'

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { SecretError } from '../../src/accounts/errors.ts'
import { runSecretCommand, type SecretCommandOptions } from '../../src/accounts/secret-command.ts'
import { temporaryFolder } from '../support/temp.ts'

/** A process that connected to the server of a test; it lives as long as its connection. */
interface Arrival {
  readonly end: Promise<void>
}

let server: Server
let port = 0
let first: Promise<Arrival>
let second: Promise<Arrival>

beforeEach(async () => {
  const waiting: ((arrival: Arrival) => void)[] = []
  first = new Promise((resolve) => waiting.push(resolve))
  second = new Promise((resolve) => waiting.push(resolve))
  server = createServer((socket) => {
    socket.on('error', () => undefined).resume()
    waiting.shift()?.({ end: new Promise((resolve) => socket.once('close', () => resolve())) })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
})
afterEach(() => new Promise((resolve) => server.close(resolve)))

const options = (more: Partial<SecretCommandOptions> = {}): SecretCommandOptions => ({
  what: 'password command',
  timeoutMs: 30_000,
  isInteractive: false,
  ...more,
})
const node = (code: string) => [process.execPath, '-e', code]
const hang = () => `require('node:net').connect(${port}, '127.0.0.1').on('error', () => {});`
/** It and its child hang, and both have a connection. */
const family = () =>
  `${hang()} require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(hang())}], { stdio: 'inherit' })`

describe.skipIf(process.platform === 'win32')('a command that asks', () => {
  it('ends with all it started when the run ends', async () => {
    const run = new AbortController()
    const reason = new Error('interrupted')
    const end = runSecretCommand(node(family()), options({ signal: run.signal }))
    const arrivals = await Promise.all([first, second])
    run.abort(reason)
    await expect(end).rejects.toBe(reason)
    await Promise.all(arrivals.map(({ end: left }) => left))
  })

  it('is killed if it does not want to end', async () => {
    const run = new AbortController()
    const reason = new Error('interrupted')
    const stubborn = `process.on('SIGTERM', () => {}); ${hang()}`
    const end = runSecretCommand(node(stubborn), options({ signal: run.signal, graceMs: 20 }))
    const failed = expect(end).rejects.toBe(reason)
    const arrival = await first
    run.abort(reason)
    await failed
    await arrival.end
  })

  it('may tidy up first', async () => {
    const run = new AbortController()
    const tidy = `process.on('SIGTERM', () => { console.log('tidied'); process.exit() }); ${hang()}`
    const end = runSecretCommand(
      node(tidy),
      options({ signal: run.signal, graceMs: 2_000_000 }),
    ).catch((error: unknown) => error)
    await first
    run.abort('over')
    expect(await end).toBe('over')
  })

  it('is not run once the run has ended', async () => {
    const folder = temporaryFolder('command')
    try {
      const file = join(folder.path, 'run')
      const signal = AbortSignal.abort('over')
      const end = runSecretCommand(`touch '${file}'`, options({ signal }))
      await expect(end).rejects.toBe('over')
      expect(existsSync(file)).toBe(false)
    } finally {
      folder.remove()
    }
  })

  it.skipIf(!existsSync('/proc/self/stat'))('stays in our group at a terminal', async () => {
    const group = `console.log(require('node:fs').readFileSync('/proc/self/stat', 'utf8').split(' ')[4], process.pid)`
    const groupOf = async (isInteractive: boolean) =>
      (await runSecretCommand(node(group), options({ isInteractive }))).trim().split(' ')
    const [own, pid] = await groupOf(false)
    expect(own).toBe(pid)
    const [ours, otherPid] = await groupOf(true)
    expect(ours).not.toBe(otherPid)
  })

  it('inherits the environment, but none of our passwords', async () => {
    try {
      vi.stubEnv('POPKEEP_PASSWORD', 'hunter2')
      vi.stubEnv('POPKEEP_PROXY_PASSWORD', 'hunter2')
      vi.stubEnv('POPKEEP_ELSE', 'kept')
      const told = await runSecretCommand(
        node('console.log(JSON.stringify(process.env))'),
        options(),
      )
      expect(told).toContain('"POPKEEP_ELSE":"kept"')
      expect(told).not.toContain('hunter2')
    } finally {
      vi.unstubAllEnvs()
    }
  })

  it('does not complain with the secret in it', async () => {
    const traced = `set -x; echo hunter2; exit 3`
    const caught = await runSecretCommand(traced, options()).catch((error: unknown) => error)
    expect(caught).toBeInstanceOf(SecretError)
    expect((caught as SecretError).message).toBe(
      'the password command left with status 3: + echo [redacted]',
    )
    expect(inspect(caught, { depth: 9 })).not.toContain('hunter2')
  })

  it('is not waited for without end, even by a grandchild', async () => {
    const sleep = `setTimeout(() => {}, 5000)`
    const grandchild = `require('node:child_process').spawn(process.execPath, ['-e', '${sleep}'], { stdio: 'inherit' })`
    const asked = runSecretCommand(
      node(`${grandchild}; setInterval(() => {}, 1000)`),
      options({ timeoutMs: 300 }),
    )
    await expect(asked).rejects.toThrow('the password command gave nothing within 1 s')
  })
})
