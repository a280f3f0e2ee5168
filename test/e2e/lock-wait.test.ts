/** `popkeep sync --wait` and `repair --wait`, built, beside another run that has the account or the archive. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { archiveLock } from '../../src/durable/lock.ts'
import { lettersOf, Maildrop } from '../reliability/maildrop.ts'
import { popkeep, printed, type Running, startPopkeep } from '../support/popkeep.ts'
import { hasPseudoTerminal, PseudoTerminal } from '../support/pseudo-terminal.ts'
import { gate } from '../support/scripted-server.ts'
import { temporaryFolder } from '../support/temp.ts'

const PROGRAM = join(import.meta.dirname, '../../bin/popkeep.js')
const LETTERS = 5
const env = { POPKEEP_PASSWORD: 'pw' }

describe('a run that waits for another one', () => {
  const folder = temporaryFolder('lock-wait')
  afterAll(() => folder.remove())

  /** A maildrop of whose sessions the first comes no further than LIST, until it is let go; and runs that want it. */
  async function scene(name: string) {
    const path = join(folder.path, `${name}.sqlite`)
    const maildrop = new Maildrop(lettersOf(LETTERS))
    const listed = gate()
    const held = gate()
    let lists = 0
    maildrop.onStep = async ({ line }) => {
      if (line !== 'LIST' || ++lists > 1) return
      listed.open()
      await held.opened
    }
    const server = await maildrop.serve()
    onTestFinished(async () => {
      held.open()
      await server.close()
    })
    const words = ['sync', `pop://me@127.0.0.1:${server.port}`, '--tls', 'none'].concat(
      ...['--archive', `sqlite:${path}`, '--account', 'work', '--json'],
    )
    const start = (...more: readonly string[]) => startPopkeep([...words, ...more], { env })
    /** One that has begun to wait. */
    const startWaiting = async (...more: readonly string[]): Promise<Running> => {
      const run = start(...more)
      expect(await printed(run, '"reason":"locked"', 1)).toBe(true)
      return run
    }
    const holder = start()
    await listed.opened
    return { path, port: server.port, holder, letGo: held.open, start, startWaiting }
  }

  async function kept(path: string): Promise<number> {
    const { stdout } = await popkeep(['list', '--json', '--archive', `sqlite:${path}`])
    return stdout.toString().split('\n').length - 1
  }

  async function endsWell({ finished }: Running) {
    const { code, stderr, stdout } = await finished
    expect([code, stderr.toString()]).toEqual([0, ''])
    const lines = stdout.toString().trimEnd().split('\n')
    return lines.map((line) => JSON.parse(line))
  }

  it('goes on when that has ended, and finds all done', async () => {
    const { path, holder, letGo, startWaiting } = await scene('ended')
    const waiter = await startWaiting('--wait')
    letGo()
    await endsWell(holder)
    const events = await endsWell(waiter)
    expect(events.filter(({ type }) => type === 'waiting')).toHaveLength(1)
    expect(events.find(({ type }) => type === 'account')).toMatchObject({
      stored: 0,
      known: LETTERS,
    })
    expect(await kept(path)).toBe(LETTERS)
  })

  it('goes on when that is killed by -9, and does its work', async () => {
    const { path, holder, startWaiting } = await scene('killed')
    const waiter = await startWaiting('--wait=5m')
    holder.child.kill('SIGKILL')
    expect((await holder.finished).signal).toBe('SIGKILL')
    const events = await endsWell(waiter)
    expect(events.find(({ type }) => type === 'account')).toMatchObject({ stored: LETTERS })
    expect(await kept(path)).toBe(LETTERS)
  })

  it('is one of several, and each has its turn', async () => {
    const { path, holder, letGo, startWaiting } = await scene('several')
    const waiters = await Promise.all([1, 2, 3].map(() => startWaiting('--wait', '--deadline=90s')))
    letGo()
    for (const run of [holder, ...waiters]) await endsWell(run)
    expect(await kept(path)).toBe(LETTERS)
  })

  it.each([
    ['without --wait', []],
    ['once its own time is over', ['--wait=1s']],
    ['at the deadline', ['--wait', '--deadline', '1s']],
  ])('leaves with 75 %s, and says who is in the way', async (title, options) => {
    const { start } = await scene(title)
    const { code, stderr } = await start(...options).finished
    expect(code).toBe(75)
    expect(stderr.toString()).toBe(
      'popkeep: work: the account work is held by another run. Try again when that has ended; sync --wait and repair --wait wait for it.\n',
    )
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends by %s with %i', async (signal, exit) => {
    const { startWaiting } = await scene(signal)
    const waiter = await startWaiting('--wait')
    waiter.child.kill(signal)
    expect((await waiter.finished).code).toBe(exit)
  })

  it('lets its other accounts go on, also one at a time', async () => {
    const { path, port, holder, letGo } = await scene('others')
    const config = join(folder.path, 'config.toml')
    const table = (name: string) =>
      `[accounts.${name}]\nhost = "127.0.0.1"\nport = ${port}\nuser = "${name}"\ntls = "none"\npassword_command = ["echo", "pw"]\n`
    writeFileSync(config, `archive = "sqlite:${path}"\njobs = 1\n${table('work')}${table('home')}`)
    // "--wait" takes no account for its time.
    const run = startPopkeep(['sync', '--config', config, '--json', '--wait', 'work', 'home'])
    expect(await printed(run, '"account","account":"home"', 1)).toBe(true)
    letGo()
    await endsWell(holder)
    const events = await endsWell(run)
    const ends = events.filter(({ type }) => type === 'account')
    expect(ends).toMatchObject([
      { account: 'home', exit: 0 },
      { account: 'work', exit: 0 },
    ])
  })

  it('waits for a repair too, which has the archive for itself', async () => {
    const { path, holder, letGo, startWaiting } = await scene('repair')
    letGo()
    await endsWell(holder)
    const lock = archiveLock(path)
    lock.acquire('exclusive')
    const waiter = await startWaiting('--wait')
    lock.close()
    await endsWell(waiter)
  })

  it.skipIf(!hasPseudoTerminal)('says so once at a terminal; a repair waits as well', async () => {
    const { path, holder, letGo } = await scene('terminal')
    const home = folder.path
    await using terminal = new PseudoTerminal(
      [process.execPath, PROGRAM, 'repair', '--archive', `sqlite:${path}`, '--wait'],
      { cwd: home, env: { PATH: process.env.PATH, HOME: home } },
    )
    await terminal.until(`sqlite:${path}: waits for another run to end`)
    letGo()
    await once(holder.child, 'exit')
    expect(await terminal.ended()).toBe(0)
    expect(terminal.shown.match(/waits for/g)).toHaveLength(1)
  })
})
