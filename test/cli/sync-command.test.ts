/** `popkeep sync`, built, against the server of the house: several accounts, dry run, trace, signals, closed pipe. */
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listen, type Pop3Server } from '../../src/server/listen.ts'
import type { MaildropMessage, MaildropSource } from '../../src/server/maildrop-source.ts'
import { MemoryMaildrop } from '../../src/server/memory-maildrop.ts'
import { qpopper } from '../../src/server/personality.ts'
import { freePort } from '../support/free-port.ts'
import { popkeep, startPopkeep } from '../support/popkeep.ts'
import { temporaryFolder } from '../support/temp.ts'

const PASSWORD = 'a secret that is nowhere'
const octetsOf = (number: number) => Buffer.from(`Subject: message ${number}\r\n\r\nText.\r\n`)

function memory(messages: number): MemoryMaildrop {
  const numbers = Array.from({ length: messages }, (_, index) => index + 1)
  return new MemoryMaildrop(
    numbers.map((number) => ({ octets: octetsOf(number), uniqueId: `u${number}` })),
  )
}

/** Hands over the first message, and does not end the second until it is let go. */
class StuckMaildrop implements MaildropSource {
  readonly deleted: MaildropMessage[] = []
  letGo: () => void = () => undefined
  readonly #end = new Promise<void>((resolve) => {
    this.letGo = resolve
  })

  async open() {
    const end = this.#end
    const first = { octets: 30, uniqueId: 'a', accessed: false, read: () => [octetsOf(1)] }
    const second = {
      octets: 300_000,
      uniqueId: 'b',
      accessed: false,
      async *read() {
        yield octetsOf(2)
        // Enough to push the first message out of every buffer.
        yield Buffer.alloc(256 * 1024, 'x')
        await end
      },
    }
    return {
      messages: [{ ...first, octets: octetsOf(1).length }, second],
      commit: async (deleted: readonly MaildropMessage[]) => void this.deleted.push(...deleted),
      release: () => undefined,
    }
  }
}

describe('popkeep sync', () => {
  const folder = temporaryFolder('sync')
  const kept = memory(3)
  const stuck = { SIGINT: new StuckMaildrop(), SIGTERM: new StuckMaildrop() }
  let server: Pop3Server
  let closed = 0

  beforeAll(async () => {
    closed = await freePort()
    let connections = 0
    server = await listen({
      host: '127.0.0.1',
      port: 0,
      maildrops: [
        { user: 'kept', secret: PASSWORD, source: kept },
        { user: 'other', secret: PASSWORD, source: memory(2) },
        { user: 'SIGINT', secret: PASSWORD, source: stuck.SIGINT },
        { user: 'SIGTERM', secret: PASSWORD, source: stuck.SIGTERM },
      ],
      personality: qpopper({ hostName: 'test', now: () => 0, pid: () => ++connections }),
      onFault: () => undefined,
    })
  })

  afterAll(async () => {
    for (const maildrop of Object.values(stuck)) maildrop.letGo()
    await server.close()
    folder.remove()
  })

  const at = (name: string) => join(folder.path, name)
  const env = { POPKEEP_PASSWORD: PASSWORD }
  const words = (user: string, archive: string, ...more: readonly string[]) =>
    [
      'sync',
      `pop://${user}@127.0.0.1:${server.port}`,
      '--tls',
      'none',
      '--archive',
      archive,
    ].concat(more)

  function config(name: string, accounts: Readonly<Record<string, string>>): string {
    writeFileSync(at('password'), `${PASSWORD}\n`, { mode: 0o600 })
    const tables = Object.entries(accounts).map(
      ([account, lines]) =>
        `[accounts.${account}]\nhost = "127.0.0.1"\ntls = "none"\npassword_file = "password"\n${lines}\n`,
    )
    writeFileSync(at(name), `archive = "sqlite:${name}.sqlite"\n${tables.join('\n')}`)
    return at(name)
  }

  it('goes on with the other accounts, and leaves with 1', async () => {
    const file = config('some.toml', {
      good: `user = "kept"\nport = ${server.port}`,
      lost: `user = "kept"\nport = ${closed}`,
      wrong: `user = "nobody"\nport = ${server.port}`,
    })
    const run = await popkeep(['sync', '--config', file])
    expect({ code: run.code, stdout: run.stdout.toString() }).toEqual({ code: 1, stdout: '' })
    const lines = run.stderr.toString().trimEnd().split('\n').sort()
    expect(lines).toEqual([
      expect.stringMatching(/^popkeep: lost: .*refused.*Check host and port\.$/),
      expect.stringMatching(/^popkeep: wrong: .*The server said: '.*nobody.*'/),
    ])
    const list = await popkeep(['list', '--json', '--config', file])
    expect(list.stdout.toString().trimEnd().split('\n')).toHaveLength(3)
    const unheardOf = ['--account', 'goud', '--config', file]
    for (const command of [['list'], ['export', at('nothing')]]) {
      const refused = await popkeep([...command, ...unheardOf])
      expect(refused.code).toBe(64)
      expect(refused.stderr.toString()).toContain('goud; there are good')
    }
  })

  it('leaves with the gravest code where none of the accounts finished', async () => {
    const file = config('none.toml', {
      lost: `user = "kept"\nport = ${closed}`,
      wrong: `user = "nobody"\nport = ${server.port}`,
    })
    expect((await popkeep(['sync', '--config', file])).code).toBe(77)
    expect((await popkeep(['sync', 'lost', '--config', file])).code).toBe(69)
  })

  it('asks for no password where several accounts are meant', async () => {
    const file = config('open.toml', {
      good: `user = "kept"\nport = ${server.port}`,
      other: `user = "other"\nport = ${server.port}`,
    })
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/^password_file.*\n/gm, ''))
    const all = await popkeep(['sync', '--config', file], { env })
    expect(all.code).toBe(78)
    const lines = all.stderr.toString().trimEnd().split('\n').sort()
    expect(lines).toEqual([
      expect.stringContaining(`popkeep: good: ${file}:2: there is no password_command`),
      expect.stringContaining(`popkeep: other: ${file}:8: there is no password_command`),
    ])
    const one = await popkeep(['sync', 'other', '--config', file])
    expect(one.code).toBe(78)
    expect(one.stderr.toString()).toMatch(/^popkeep: other: there is no password: give [^\n]*\n$/)
    expect((await popkeep(['sync', 'other', '--config', file], { env })).code).toBe(0)
  })

  it('names each fault of the config in a line, and says where the syntax is broken', async () => {
    const file = at('faults.toml')
    writeFileSync(file, 'hots = 1\narchive = "sqllite:x"\n[accounts.a]\nhost = "h"\n')
    const run = await popkeep(['sync', '--config', file])
    expect([run.code, run.stderr.toString()]).toEqual([
      78,
      `popkeep: ${file}:1: unknown key "hots"; the keys here are archive, jobs, jobs_per_host, deadline, proxy, oauth, accounts.\n` +
        `popkeep: ${file}:3: account "a" has no "user".\n`,
    ])
    writeFileSync(file, 'archive = "sqllite:x"\njbos = 1\n')
    const faults = (await popkeep(['list', '--config', file])).stderr.toString()
    expect(faults).toContain(`popkeep: ${file}:1: "sqllite:" is no kind of archive`)
    expect(faults).toContain(`popkeep: ${file}:2: unknown key "jbos"; did you mean "jobs"?\n`)
    writeFileSync(file, 'jobs = 1\n')
    const none = await popkeep(['list', '--config', file])
    expect(none.code).toBe(78)
    expect(none.stderr.toString()).toContain(`${file}: there are no accounts in it`)
    writeFileSync(file, 'jobs = 1\nhost = pop\n')
    expect((await popkeep(['sync', '--config', file])).stderr.toString()).toMatch(
      /^popkeep: [^\n]*:2:8: [^\n]*\n$/,
    )
  })

  it('only says what it would do in a dry run', async () => {
    const archive = at('dry.sqlite')
    const dry = words('kept', archive, '--dry-run', '--delete', '--json')
    const run = await popkeep(dry, { env })
    const lines = run.stdout.toString().trimEnd().split('\n')
    const account = lines.map((line) => JSON.parse(line)).find(({ type }) => type === 'account')
    expect([run.code, run.stderr.toString()]).toEqual([0, ''])
    expect(account.wouldRetrieve).toHaveLength(3)
    expect(account.wouldDelete).toHaveLength(3)
    expect([existsSync(archive), existsSync(`${archive}.locks`)]).toEqual([false, false])
    expect(kept.messages).toHaveLength(3)
  })

  it('traces the session without the password, for the owner only', async () => {
    const trace = at('trace.log')
    const run = await popkeep(words('kept', at('trace.sqlite'), '--trace', trace), { env })
    expect(run.code).toBe(0)
    const text = readFileSync(trace, 'utf8')
    expect(text).toMatch(/ kept@127\.0\.0\.1 C: UIDL\n/)
    expect(text).toMatch(/ kept@127\.0\.0\.1 S: \+OK QPOP/)
    expect(text).not.toContain(PASSWORD)
    expect(text).not.toContain(Buffer.from(`\0kept\0${PASSWORD}`).toString('base64'))
    expect(statSync(trace).mode & 0o777).toBe(0o600)
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'keeps what is stored at %s, deletes nothing, and leaves with %d',
    async (name, code) => {
      const archive = at(`${name}.sqlite`)
      const running = startPopkeep(words(name, archive, '--delete', '--json'), { env })
      await untilStored(running.child.stdout)
      running.child.kill(name)
      const run = await running.finished
      expect({ code: run.code, signal: run.signal }).toEqual({ code, signal: null })
      expect(run.stderr.toString()).toMatch(/^popkeep: interrupted[^\n]*\n$/)
      expect(stuck[name].deleted).toEqual([])
      const list = await popkeep(['list', '--json', '--archive', archive])
      expect(list.stdout.toString()).toContain('"subject":"message 1"')
      expect((await popkeep(['verify', '--archive', archive])).code).toBe(0)
    },
  )

  it('stores all though nobody reads its events', async () => {
    const archive = at('pipe.sqlite')
    const running = startPopkeep(words('kept', archive, '--json'), { env })
    running.child.stdout?.destroy()
    const run = await running.finished
    expect([run.code, run.stderr.toString()]).toEqual([0, ''])
    const list = await popkeep(['list', '--archive', archive])
    expect(list.stdout.toString().trimEnd().split('\n')).toHaveLength(3)
  })

  it('says the steps and the result off a terminal if it is asked to', async () => {
    const run = await popkeep(words('kept', at('verbose.sqlite'), '--verbose'), { env })
    expect(run.stderr.toString()).toBe(
      `kept@127.0.0.1: new archive: sqlite:${at('verbose.sqlite')}\n` +
        'kept@127.0.0.1: connecting\n' +
        'kept@127.0.0.1: 3 messages listed, 0 known, 3 messages (87 B) to retrieve\n' +
        'kept@127.0.0.1: 3 new messages (87 B) kept, 0 already here, 0 deleted\n',
    )
  })
})

/** Until the first message is reported as stored. Its reader goes on. */
async function untilStored(stdout: NodeJS.ReadableStream | null): Promise<void> {
  let seen = ''
  while (!seen.includes('"type":"stored"')) {
    const [chunk] = await once(stdout as NodeJS.ReadableStream, 'data')
    seen += String(chunk)
  }
}
