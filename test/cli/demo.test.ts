/** The demo, as the built command runs it: what it promises must work when it is copied from the screen. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Finished, popkeep, startPopkeep } from '../support/popkeep.ts'
import { temporaryFolder } from '../support/temp.ts'

describe('popkeep demo', () => {
  let demo: Finished
  let text = ''
  let archive = ''

  beforeAll(async () => {
    demo = await popkeep(['demo'])
    text = demo.stdout.toString()
    archive = /sqlite:(\S+)/.exec(text)?.[1] ?? ''
  })

  afterAll(() => {
    if (archive.includes('popkeep-demo-')) rmSync(dirname(archive), { recursive: true })
  })

  it('syncs two maildrops, and nothing a second time', () => {
    expect({ code: demo.code, stderr: demo.stderr.toString() }).toEqual({ code: 0, stderr: '' })
    expect(text).toContain('quest: 6 new messages (12.6 kB) kept, 0 already here, 0 deleted\n')
    expect(text).toMatch(/^example: 5 new messages/m)
    expect(text).toContain('quest: nothing new, 6 already here, 0 deleted\n')
    expect(text).toContain('example: nothing new, 5 already here, 0 deleted\n')
  })

  it('lists eleven messages, in Russian too', () => {
    expect(text.match(/^[0-9a-f]{8} {2}/gm)).toHaveLength(11)
    expect(text).toContain('Фотографии с дачи')
  })

  it('keeps the archive, and proposes commands that work on it', async () => {
    expect(existsSync(archive)).toBe(true)
    const proposed = [...text.matchAll(/^ {2}node \S+ (.*--archive \S+popkeep-demo-\S+)$/gm)]
    expect(proposed.map(([, words]) => words?.split(' ', 1)[0])).toEqual([
      ...['show', 'show', 'export', 'verify'],
    ])
    for (const [, words = ''] of proposed) {
      const run = await popkeep(words.split(' '))
      expect([run.code, run.stderr.toString()], words).toEqual([0, ''])
      const said = run.stdout.toString()
      if (words.startsWith('export'))
        expect(said).toMatch(/: 11 messages \(17\.9 kB\) written as eml files\n$/)
      if (words.startsWith('verify')) {
        expect(said).toMatch(/: 11 messages \(17\.9 kB\) verified, all as they were stored\n$/)
      }
    }
  })
})

describe('popkeep demo without SQLite', () => {
  it('names both causes and both ways out, and leaves nothing behind', async () => {
    const folder = temporaryFolder('no-sqlite')
    try {
      const env = { TMPDIR: folder.path, POPKEEP_SQLITE: 'none' }
      const run = await popkeep(['demo'], { env })
      const said = run.stdout.toString() + run.stderr.toString()
      expect(run.code).toBe(78)
      expect(said).toMatch(/not allowed to run, or it ran and could not compile/)
      expect(said).toMatch(/Node 22\.13 or later; or .*install popkeep again.*npm ci/)
      expect(readdirSync(folder.path)).toEqual([])
    } finally {
      folder.remove()
    }
  })
})

describe('popkeep demo --serve', () => {
  it('serves the maildrop of 1997 until Ctrl-C', async () => {
    const serving = startPopkeep(['demo', '--serve', '--port', '0'])
    const port = await announcedPort(serving.child.stdout)
    const said = await session(port, ['user paul', 'pass Kukuru23432', 'last', 'rset 4', 'quit'])
    expect(said).toEqual([
      expect.stringMatching(
        /^\+OK QPOP \(version 2\.2\) at quest\.net\.kiae\.su starting\. {2}<\d+\.\d+@quest\.net\.kiae\.su>$/,
      ),
      '+OK Password required for paul.',
      '+OK paul has 6 messages (12576 octets).',
      '+OK 4 is the last read message.',
      '-ERR Too many arguments for the rset command.',
      '+OK Pop server at quest.net.kiae.su signing off.',
    ])
    serving.child.kill('SIGINT')
    expect(await serving.finished).toMatchObject({ code: 130, signal: null })
  })

  it('says what to do where the port is taken', async () => {
    const serving = startPopkeep(['demo', '--serve', '--port', '0'])
    const port = await announcedPort(serving.child.stdout)
    const second = await popkeep(['demo', '--serve', '--port', String(port)])
    expect(second.code).toBe(64)
    expect(second.stderr.toString()).toMatch(/^popkeep: port \d+ is in use[^\n]*--port\.\n$/)
    serving.child.kill('SIGTERM')
    expect(await serving.finished).toMatchObject({ code: 143 })
  })
})

async function announcedPort(stdout: NodeJS.ReadableStream | null): Promise<number> {
  if (stdout === null) throw new Error('stdout is a pipe')
  const lines = createInterface({ input: stdout })
  for await (const line of lines) {
    const port = /listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1]
    if (port === undefined) continue
    stdout.resume()
    return Number(port)
  }
  throw new Error('the server did not come up')
}

/** Says each command after the reply to the one before; returns all replies, the greeting first. */
async function session(port: number, commands: readonly string[]): Promise<readonly string[]> {
  const socket = connect(port, '127.0.0.1')
  const waiting = [...commands]
  const said: string[] = []
  for await (const line of createInterface({ input: socket })) {
    said.push(line)
    const next = waiting.shift()
    if (next !== undefined) socket.write(`${next}\r\n`)
  }
  return said
}
