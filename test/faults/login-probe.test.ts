/** `popkeep probe` tells all that it sees: of servers that say the password back, too. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  closed,
  expectLine,
  fin,
  type Step,
  scriptedServer,
  send,
} from '../support/scripted-server.ts'
import { CANARY, leaks } from './canary.ts'
import { listOf, serve } from './healthy-server.ts'
import { Household } from './household.ts'
import { popkeepHere } from './program.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const PLAIN = base64(`\0me\0${CANARY}`)

let household: Household
beforeEach(() => {
  household = new Household()
})
afterEach(() => household.remove())

const begin = (...capabilities: readonly string[]): Step[] => [
  send('+OK ready\r\n'),
  expectLine('CAPA'),
  send(listOf(capabilities)),
]

describe.each([[[]], [['--json']]])('popkeep probe %j', (words) => {
  it.each<[string, number, readonly Step[]]>([
    [
      'in its refusal of PASS',
      77,
      [
        ...begin('USER'),
        ...[expectLine('USER me'), send('+OK\r\n'), expectLine(`PASS ${CANARY}`)],
        ...[send(`-ERR ${CANARY} is wrong, ${base64(CANARY)} too\r\n`), fin(), closed()],
      ],
    ],
    [
      'in its refusal of AUTH',
      77,
      [
        ...begin('SASL PLAIN'),
        ...[expectLine(`AUTH PLAIN ${PLAIN}`), send(`-ERR [AUTH] ${PLAIN}\r\n`), fin(), closed()],
      ],
    ],
    [
      'in its capabilities',
      0,
      [
        ...begin('USER', 'UIDL'),
        ...[expectLine('USER me'), send('+OK\r\n'), expectLine(`PASS ${CANARY}`), send('+OK\r\n')],
        (connection) => serve(connection, ['UIDL', `X-PASS ${CANARY}`, `X-PLAIN ${PLAIN}`]),
      ],
    ],
  ])('shows no password that the server says back %s', async (_where, exit, script) => {
    // The first connection is for what can be seen without a login.
    const look = [...begin('USER', 'SASL PLAIN'), expectLine('QUIT'), send('+OK\r\n'), fin()]
    await using server = await scriptedServer(look, script)
    const password = household.given('password', `${CANARY}\n`)
    const run = await popkeepHere(
      [
        ...['probe', `pop://me@127.0.0.1:${server.port}`, '--tls', 'none', ...words],
        ...['--password-file', password, '--trace', household.trace],
      ],
      household.environment,
    )
    await server.played()
    const wire = server.connections.map(({ receivedText }) => receivedText).join('')
    expect(leaks(household.traces(run), [CANARY], wire)).toEqual([])
    expect(run.exit).toBe(exit)
    expect(run.stdout).toContain('127.0.0.1')
  })
})
