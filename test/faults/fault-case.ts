/**
 * One fault of a server against the real program: what it said on the wire, how it ended, that nothing secret is
 * anywhere but there, that nothing is stored in part, and that the next run, with a server in health, stores all.
 */
import { expect, it } from 'vitest'
import type { Certificates } from '../support/certificates.ts'
import {
  type Script,
  type ScriptedServer,
  type Step,
  scriptedServer,
  scriptedTlsServer,
} from '../support/scripted-server.ts'
import { CANARY, leaks } from './canary.ts'
import { type Ending, expectEnding } from './ending.ts'
import { DIGESTS, greeted, healthy, saidBeforeLogin, type TlsMode } from './healthy-server.ts'
import { Household, type ServerKey, serverCertificates, storedIn } from './household.ts'
import { popkeepHere, type Run } from './program.ts'

/** The bound against hangs, not a speed limit. */
const CASE_MS = 120_000

const ALL_MODES: readonly TlsMode[] = ['implicit', 'stls', 'none']

/** What a case may need to write its script. */
export interface Stage {
  readonly mode: TlsMode
  readonly tls: ServerKey
  /** Ms since the epoch; that of the system if not given. */
  readonly now?: (() => number) | undefined
  readonly certificates: Certificates
}

export interface FaultCase {
  /** What the server does, as docs/faults.md has it. */
  readonly name: string
  /** Default: all. */
  readonly modes?: readonly TlsMode[]
  /**
   * What the server does on each connection behind its greeting and, with `stls`, TLS; or `script`: from the first octet,
   * with `implicit` behind the handshake.
   */
  readonly connections?: readonly (readonly Step[])[]
  readonly script?: (stage: Stage) => readonly [Script, ...Script[]]
  /** Starts the server in some other way. */
  readonly start?: (stage: Stage) => Promise<ScriptedServer>
  /** Default: a password. A list: tokens that the command of the account prints one after another. */
  readonly credential?: 'password' | readonly string[]
  /** Default: the canary. */
  readonly password?: string
  /** Instead of the file with the password. */
  readonly environment?: Readonly<Record<string, string>>
  /** As a URL has it; default: me. */
  readonly user?: string
  /** Default: the certificate of the test's CA is trusted. */
  readonly trust?: (stage: Stage) => readonly string[]
  readonly args?: readonly string[]
  readonly expect: Expectation
}

export interface Expectation extends Ending {
  /**
   * What was said on each connection up to the login, line by line, without the STLS that comes first with `stls`
   * unless the case has a `script`.
   */
  readonly wire: readonly (readonly (string | RegExp)[])[] | ((server: ScriptedServer) => void)
}

export const stageOf = (mode: TlsMode): Stage => ({ mode, ...serverCertificates() })

/** Declares the tests of one case, one for each mode; the first has the run after it. */
export function faultCase(fault: FaultCase): void {
  const modes = fault.modes ?? ALL_MODES
  for (const mode of modes) {
    const isFirst = mode === modes[0]
    it(`${fault.name} (${mode})`, () => play(fault, stageOf(mode), isFirst), CASE_MS)
  }
}

async function play(fault: FaultCase, stage: Stage, recovers: boolean): Promise<void> {
  const household = new Household()
  try {
    await using server = await startServer(fault, stage)
    const run = await runAgainst(server, fault, stage, household)
    await server.played()
    expectEnding(run, fault.expect)
    expectWire(server, fault, stage)
    const heard = server.connections.map(({ receivedText }) => receivedText).join('')
    const traces = household.traces(run)
    // A search that looked past the trace would prove nothing.
    if (heard.includes('CAPA')) expect(traces.get(household.trace)).toContain(' C: CAPA\n')
    expect(leaks(traces, secretsOf(fault), heard)).toEqual([])
    expect(storedIn(household)).toEqual(fault.expect.exit === 0 ? DIGESTS : [])
    if (recovers) await expectRecovery(fault, stage, household)
  } finally {
    household.remove()
  }
}

/** The second run meets a server in health: each message is stored once, and the log of both runs tells nothing. */
async function expectRecovery(fault: FaultCase, stage: Stage, household: Household): Promise<void> {
  const { name, credential } = fault
  const { tls } = stage
  const mode = credential === undefined ? stage.mode : 'implicit'
  const script = healthy(mode, tls)
  await using server = await (mode === 'implicit'
    ? scriptedTlsServer(tls, script)
    : scriptedServer(script))
  // A pause that the server enforced is over then.
  const nextDay = { ...stage, mode, now: () => Date.now() + 24 * 3600 * 1000 }
  const plain = { name, expect: fault.expect, ...(credential ? { credential } : {}) }
  const run = await runAgainst(server, { ...plain, connections: [] }, nextDay, household)
  await server.played()
  expect(run).toMatchObject({ exit: 0 })
  expect(storedIn(household)).toEqual(DIGESTS)
  const heard = server.connections.map(({ receivedText }) => receivedText).join('')
  expect(leaks(household.traces(run), secretsOf(fault), heard)).toEqual([])
}

function secretsOf({ credential, password = CANARY }: FaultCase): readonly string[] {
  return Array.isArray(credential) ? credential : [CANARY, password]
}

function startServer(fault: FaultCase, stage: Stage): Promise<ScriptedServer> {
  if (fault.start) return fault.start(stage)
  const { mode, tls } = stage
  const behind = (fault.connections ?? []).map((steps) => greeted(mode, tls, steps))
  const [first = [], ...more] = fault.script?.(stage) ?? behind
  return mode === 'implicit'
    ? scriptedTlsServer(tls, first, ...more)
    : scriptedServer(first, ...more)
}

function runAgainst(
  { port }: ScriptedServer,
  fault: FaultCase,
  stage: Stage,
  household: Household,
): Promise<Run> {
  const { mode, certificates, now } = stage
  const { credential = 'password', user = 'me', args = [], environment } = fault
  const trust = fault.trust?.(stage) ?? ['--tls-ca', certificates.ca]
  const common = [
    ...['--archive', household.archive, '--trace', household.trace, '--json', '--verbose'],
    ...['--tls', mode, ...(mode === 'none' ? [] : trust), ...args],
  ]
  const env = { ...household.environment, ...environment }
  if (typeof credential !== 'string') {
    const config = tokenConfig(credential, port, household)
    return popkeepHere(['sync', 'faulty', '--config', config, ...common], env, now)
  }
  const password = household.given('password', `${fault.password ?? CANARY}\n`)
  const secret = environment ? [] : ['--password-file', password]
  const url = `${mode === 'implicit' ? 'pops' : 'pop'}://${user}@127.0.0.1:${port}`
  return popkeepHere(['sync', url, '--account', 'faulty', ...common, ...secret], env, now)
}

/** The command prints the next token each time, and the last one for ever. */
function tokenConfig(tokens: readonly string[], port: number, household: Household): string {
  const list = household.given('tokens', `${tokens.join('\n')}\n`)
  const command = `head -n 1 ${list}; if [ $(wc -l < ${list}) -gt 1 ]; then sed -i 1d ${list}; fi`
  return household.given(
    'config.toml',
    `[accounts.faulty]\nhost = "127.0.0.1"\nport = ${port}\nuser = "me"\n` +
      `token_command = ${JSON.stringify(command)}\n`,
  )
}

function expectWire(server: ScriptedServer, fault: FaultCase, { mode }: Stage): void {
  const { wire } = fault.expect
  if (typeof wire === 'function') {
    wire(server)
    return
  }
  const isBehindStls = mode === 'stls' && fault.connections !== undefined
  expect(server.connections.map(saidBeforeLogin)).toEqual(
    wire.map((lines) => [
      ...(isBehindStls ? ['STLS'] : []),
      ...lines.map((line) => (typeof line === 'string' ? line : expect.stringMatching(line))),
    ]),
  )
}
