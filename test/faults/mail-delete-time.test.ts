/** Pauses between two logins, and listings that begin late. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { scriptedServer, scriptedTlsServer, send } from '../support/scripted-server.ts'
import { Household, serverCertificates, storedIn } from './household.ts'
import { inTurn, mailCase } from './mail-case.ts'
import { type Answer, fourLetters, ScriptedMaildrop } from './mail-server.ts'
import { popkeepHere } from './program.ts'

const MINUTE = 60_000
const DELAY = 5 * MINUTE

const ENFORCED = {
  number: 'D20',
  name: 'enforces the LOGIN-DELAY of 300 s that it announces, and is asked each minute',
}
const ANNOUNCED = {
  number: 'D21',
  name: 'announces a LOGIN-DELAY of 300 s, enforces none, and is asked each minute',
}

let household: Household
beforeEach(() => {
  household = new Household()
})
afterEach(() => household.remove())

const variants = [false, true].flatMap((tls) =>
  [false, true].map((pipelining) => ({ tls, pipelining, deletes: tls !== pipelining })),
)

/** Runs once a minute. Returns, a minute each, the exit and how many connections came. */
async function eachMinute(
  minutes: number,
  { tls, pipelining, deletes }: (typeof variants)[number],
  answer: (now: () => number) => Answer,
): Promise<readonly string[]> {
  const maildrop = new ScriptedMaildrop(fourLetters())
  const capabilities = ['USER', 'UIDL', 'TOP', 'LOGIN-DELAY 300']
  if (pipelining) capabilities.push('PIPELINING')
  let passed = 0
  const now = (): number => Date.now() + passed
  const answers = answer(now)
  const script = (connection: Parameters<ScriptedMaildrop['serve']>[0]) =>
    maildrop.serve(connection, capabilities, answers)
  await using server = await (tls
    ? scriptedTlsServer(serverCertificates().tls, script)
    : scriptedServer(script))
  const seen: string[] = []
  for (let minute = 0; minute < minutes; minute++) {
    passed = minute * MINUTE
    const before = server.connections.length
    const { exit } = await popkeepHere(
      [
        ...['sync', `${tls ? 'pops' : 'pop'}://me@127.0.0.1:${server.port}`],
        ...['--archive', household.archive, '--password-file', household.given('p', 'pw\n')],
        ...(tls ? ['--tls-ca', serverCertificates().certificates.ca] : ['--tls', 'none']),
        ...(deletes ? ['--delete'] : []),
      ],
      household.environment,
      now,
    )
    seen.push(`${exit} ${server.connections.length - before}`)
  }
  expect(storedIn(household)).toHaveLength(4)
  return seen
}

it.each(variants)(
  `${ENFORCED.name} (TLS $tls, pipelined $pipelining, delete $deletes)`,
  async (variant) => {
    const seen = await eachMinute(11, variant, (now) => {
      let last = Number.NEGATIVE_INFINITY
      return (line) => {
        if (!line.startsWith('PASS')) return undefined
        if (now() < last + DELAY) return '-ERR [LOGIN-DELAY] minimum time between logins\r\n'
        last = now()
        return undefined
      }
    })
    // Refused once; from there on nothing is sent before its time.
    const waiting = ['75 0', '75 0', '75 0']
    const again = ['0 1', '75 0', ...waiting, '0 1']
    expect(seen).toEqual(['0 1', '75 1', ...waiting, ...again])
  },
)

it.each(variants)(
  `${ANNOUNCED.name} (TLS $tls, pipelined $pipelining, delete $deletes)`,
  async (variant) => {
    const seen = await eachMinute(3, variant, () => () => undefined)
    expect(seen).toEqual(['0 1', '0 1', '0 1'])
  },
)

mailCase({
  number: 'D22',
  name: 'begins its listing after 100 s',
  script:
    ({ time }) =>
    (line, session) =>
      line === 'UIDL' ? inTurn(() => time.pass(100_000), send(session.right(line))) : undefined,
  expect: { exit: 0 },
})
