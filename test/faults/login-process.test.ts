/** What only a process of its own shows: its environment, its command line, signals, and how it ends by itself. */
import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startPopkeep } from '../support/popkeep.ts'
import {
  closed,
  expectLine,
  gate,
  reset,
  type Script,
  type ScriptedServer,
  scriptedServer,
  scriptedTlsServer,
  send,
} from '../support/scripted-server.ts'
import { CANARY, leaks } from './canary.ts'
import { stageOf } from './fault-case.ts'
import { DIGESTS, healthy, listOf, type TlsMode } from './healthy-server.ts'
import { Household, storedIn } from './household.ts'

let household: Household
beforeEach(() => {
  household = new Household()
})
afterEach(() => household.remove())

interface Process {
  readonly mode?: TlsMode
  /** Where the password comes from; default: a file. */
  readonly source?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

function start({ port }: Pick<ScriptedServer, 'port'>, { mode = 'none', source, env }: Process) {
  const { certificates } = stageOf(mode)
  const secret = source ?? ['--password-file', household.given('password', CANARY)]
  return startPopkeep(
    [
      ...['sync', `${mode === 'implicit' ? 'pops' : 'pop'}://me@127.0.0.1:${port}`],
      ...['--tls', mode, '--tls-ca', certificates.ca, '--archive', household.archive],
      ...['--trace', household.trace, '--json', '--verbose', ...secret],
    ],
    { home: household.environment.HOME ?? '', ...(env ? { env } : {}) },
  )
}

async function expectNoLeak(running: ReturnType<typeof start>, wire = ''): Promise<number | null> {
  const { code, stdout, stderr } = await running.finished
  const [out, err] = [stdout.toString('latin1'), stderr.toString('latin1')]
  expect(
    leaks(household.traces({ exit: code ?? 0, stdout: out, stderr: err }), [CANARY], wire),
  ).toEqual([])
  expect(out + err).not.toMatch(/^ +at |unhandled|Unhandled|Warning: /m)
  return code
}

/** The second run, to a server in health. */
async function expectRecovery(): Promise<void> {
  const { tls } = stageOf('none')
  await using server = await scriptedServer(healthy('none', tls))
  expect(await expectNoLeak(start(server, {}))).toBe(0)
  expect(storedIn(household)).toEqual(DIGESTS)
}

/** Up to PASS; `reached` settles there. */
function silentAtPass(): { readonly script: Script; readonly reached: Promise<void> } {
  const { opened, open } = gate()
  const script = [
    ...[send('+OK ready\r\n'), expectLine('CAPA'), send(listOf(['USER'])), expectLine('USER me')],
    ...[send('+OK\r\n'), expectLine(`PASS ${CANARY}`), open, closed()],
  ]
  return { script, reached: opened }
}

describe('the environment', () => {
  it.each(['implicit', 'stls'] as const)(
    'that switches certificate checks off is refused, before anything connects (%s)',
    async (mode) => {
      const { tls } = stageOf(mode)
      const script = healthy(mode, tls)
      await using server = await (mode === 'implicit'
        ? scriptedTlsServer(tls, script)
        : scriptedServer(script))
      const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0' }
      const running = start(server, { mode, env })
      const { code, stderr } = await running.finished
      expect(code).toBe(76)
      expect(stderr.toString()).toMatch(/NODE_TLS_REJECT_UNAUTHORIZED/)
      expect(server.connections).toHaveLength(0)
      expect(storedIn(household)).toEqual([])
    },
  )
})

describe.skipIf(process.platform !== 'linux')('the list of processes', () => {
  it.each([
    ['a file', () => ({})],
    [
      'a command',
      () => ({ source: ['--password-command', `cat ${household.given('p', CANARY)}`] }),
    ],
    ['the environment', () => ({ source: [], env: { POPKEEP_PASSWORD: CANARY } })],
  ] as const)(
    'shows no secret while the password, from %s, is on its way',
    async (_from, source) => {
      const { script, reached } = silentAtPass()
      await using server = await scriptedServer(script)
      const running = start(server, source())
      await reached
      const own = commandLines().get(running.child.pid ?? 0) ?? ''
      expect(own).toContain('popkeep')
      expect(
        leaks(new Map([...commandLines()].map(([pid, line]) => [`${pid}`, line])), [CANARY], ''),
      ).toEqual([])
      running.child.kill('SIGTERM')
      expect(await expectNoLeak(running, server.connections[0]?.receivedText)).toBe(143)
    },
  )
})

describe('a login that is cut off', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGKILL', null],
  ] as const)('by %s leaves nothing behind that the next run minds', async (signal, exit) => {
    const { script, reached } = silentAtPass()
    await using server = await scriptedServer(script)
    const running = start(server, {})
    await reached
    running.child.kill(signal)
    expect(await expectNoLeak(running, server.connections[0]?.receivedText)).toBe(exit)
    expect(server.connections).toHaveLength(1)
    await expectRecovery()
  })

  it('by a reset of the server ends the process by itself', async () => {
    await using server = await scriptedServer([
      ...[send('+OK ready\r\n'), expectLine('CAPA'), send(listOf(['USER'])), expectLine('USER me')],
      ...[send('+OK\r\n'), expectLine(`PASS ${CANARY}`), reset()],
    ])
    expect(await expectNoLeak(start(server, {}), server.connections[0]?.receivedText)).toBe(69)
    expect(server.connections).toHaveLength(1)
    await expectRecovery()
  })
})

/** Of all processes of this machine that may be looked at, NUL between the words. */
function commandLines(): ReadonlyMap<number, string> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return new Map(pids.map((pid) => [Number(pid), commandLine(pid)]))
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    // It has ended since.
    return ''
  }
}
