/** What a server says reaches a terminal, a script, a trace and the catalog: as text that does nothing there. */
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  fin,
  type ScriptedServer,
  scriptedServer,
  scriptedTlsServer,
} from '../support/scripted-server.ts'
import { Household, serverCertificates, storedIn } from './household.ts'
import { inTurn } from './mail-case.ts'
import { type Answer, fourLetters, ScriptedMaildrop } from './mail-server.ts'
import { popkeepHere, type Run } from './program.ts'

const CASE = {
  number: 'D19',
  name: 'says escape sequences, control and bidi characters and 8 KB in its refusal of ...',
}

/** Retitles a window, clears it, answers for its owner; C1 alone and in UTF-8, bidi, NUL, BEL, backspaces; and long. */
const WORDS = Buffer.concat([
  Buffer.from(
    '\x1b]0;owned\x07\x1b[2J\x1b[31m\x1b[6n\x1bP$q\x1b\\\x08\x08\x7f\x00\t{"type":"summary"}',
  ),
  Buffer.from([0x9b, 0x33, 0x31, 0x6d, 0xc2, 0x9b, 0xff]),
  Buffer.from('\u202edesrever\u2066 \u2028 '),
])
const REFUSAL = Buffer.concat([Buffer.from('-ERR '), WORDS, Buffer.alloc(8000 - WORDS.length, 'x')])
const LINE = Buffer.concat([REFUSAL, Buffer.from('\r\n')])

let household: Household
beforeEach(() => {
  household = new Household()
})
afterEach(() => household.remove())

function expectHarmless(text: string): void {
  const shown = Buffer.from(text, 'latin1').toString('utf8')
  expect(shown).not.toMatch(
    /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/,
  )
  expect(shown).not.toMatch(/^ +at /m)
}

/** All that its owner may look at behind a run. */
async function expectHarmlessTraces({ stdout, stderr }: Run, isJson: boolean): Promise<void> {
  expectHarmless(stdout)
  expectHarmless(stderr)
  // A person is told the beginning of it.
  for (const line of stderr.split('\n')) expect(line.length).toBeLessThan(1500)
  if (isJson) {
    const types = stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type)
    expect(types.filter((type) => type === 'summary')).toHaveLength(1)
  }
  const trace = readFileSync(household.trace, 'latin1')
  expectHarmless(trace)
  expect(trace).toContain('\\x1b]0;owned\\x07')
  const { archive, environment } = household
  for (const command of ['status', 'list']) {
    for (const more of [[], ['--json']]) {
      const said = await popkeepHere([command, '--archive', archive, ...more], environment)
      expect(said.exit).toBe(0)
      expectHarmless(said.stdout)
      expectHarmless(said.stderr)
    }
  }
}

const refusing =
  (pattern: RegExp): Answer =>
  (line) =>
    pattern.test(line) ? LINE : undefined

const places: Readonly<Record<string, Answer>> = {
  CAPA: refusing(/^CAPA/),
  USER: refusing(/^USER/),
  PASS: refusing(/^PASS/),
  STAT: refusing(/^STAT/),
  UIDL: refusing(/^UIDL/),
  LIST: refusing(/^LIST/),
  'one RETR': refusing(/^RETR 2/),
  'each RETR': refusing(/^RETR/),
  'one DELE': refusing(/^DELE 2/),
  QUIT: (line) => (line === 'QUIT' ? inTurn((c) => c.send(LINE), fin()) : undefined),
}

const plays = Object.entries(places).map(([place, answer], index) => ({
  ...{ place, answer, tls: index % 2 === 0, pipelining: index % 4 < 2, isJson: index % 3 > 0 },
}))

it.each(plays)(
  `${CASE.name.replace('...', '$place')} (TLS $tls, pipelined $pipelining, JSON $isJson)`,
  async ({ answer, tls, pipelining, isJson }) => {
    const maildrop = new ScriptedMaildrop(fourLetters())
    await expectHarmlessTraces(await sync(maildrop, { answer, tls, pipelining, isJson }), isJson)
    const healthy = { tls, pipelining, isJson, answer: () => undefined, retries: true }
    expect((await sync(maildrop, healthy)).exit).toBe(0)
    expect(storedIn(household)).toHaveLength(4)
  },
)

it.each([true, false])(
  `${CASE.name.replace('...', 'the connection')} (JSON %s)`,
  async (isJson) => {
    await using server = await scriptedServer([(connection) => connection.send(LINE), fin()])
    const run = await popkeep(server, { tls: false, isJson })
    expect(run.exit).toBe(69)
    await expectHarmlessTraces(run, isJson)
  },
)

interface Play {
  readonly answer: Answer
  readonly tls: boolean
  readonly pipelining: boolean
  readonly isJson: boolean
  readonly retries?: boolean
}

async function sync(maildrop: ScriptedMaildrop, play: Play): Promise<Run> {
  const { answer, tls, pipelining } = play
  const capabilities = ['USER', 'UIDL', 'TOP', ...(pipelining ? ['PIPELINING'] : [])]
  const script = (connection: Parameters<ScriptedMaildrop['serve']>[0]) =>
    maildrop.serve(connection, capabilities, answer)
  await using server = await (tls
    ? scriptedTlsServer(serverCertificates().tls, script)
    : scriptedServer(script))
  return await popkeep(server, play)
}

function popkeep(
  { port }: ScriptedServer,
  { tls, isJson, retries }: Pick<Play, 'tls' | 'isJson' | 'retries'>,
): Promise<Run> {
  return popkeepHere(
    [
      ...['sync', `${tls ? 'pops' : 'pop'}://me@127.0.0.1:${port}`, '--account', 'faulty'],
      ...['--archive', household.archive, '--password-file', household.given('p', 'pw\n')],
      ...['--trace', household.trace, '--verbose', '--delete', ...(isJson ? ['--json'] : [])],
      ...(tls ? ['--tls-ca', serverCertificates().certificates.ca] : ['--tls', 'none']),
      ...(retries ? ['--retry-quarantined'] : []),
    ],
    household.environment,
  )
}
