/** Servers that fall silent, in each phase; and one that is only slow. The limits are shortened, their order is kept. */
import { describe, expect, vi } from 'vitest'
import type { Timeouts } from '../../src/client/timeouts.ts'
import {
  closed,
  expectLine,
  gate,
  hold,
  type ScriptedServer,
  type Step,
  scriptedServer,
  send,
} from '../support/scripted-server.ts'
import { CANARY } from './canary.ts'
import { faultCase } from './fault-case.ts'
import { accept, listOf } from './healthy-server.ts'

const TIMEOUTS = vi.hoisted(
  (): Timeouts => ({
    attempt: 3_000,
    command: 2_000,
    login: 3_000,
    listing: 15_000,
    retrieve: 15_000,
    data: 2_000,
    quit: 3_000,
    update: 15_000,
    idle: 60_000,
  }),
)
vi.mock('../../src/client/timeouts.ts', () => ({ TIMEOUTS }))

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const PLAIN = base64(`\0me\0${CANARY}`)
const capa = (...capabilities: readonly string[]): Step[] => [
  expectLine('CAPA'),
  send(listOf(capabilities)),
]
const toPass = [expectLine('USER me'), send('+OK\r\n'), expectLine(`PASS ${CANARY}`)]
const late = { exit: 69, code: 'NET_TIMEOUT' }

// They wait for limits, not for the machine: side by side.
describe.concurrent('a server that falls silent', () => {
  faultCase({
    name: 'hangs before its greeting',
    script: () => [[closed()]],
    expect: { ...late, wire: [[]] },
  })

  faultCase({
    name: 'hangs within its greeting',
    modes: ['implicit'],
    script: () => [[send('+OK rea'), closed()]],
    expect: { ...late, wire: [[]] },
  })

  faultCase({
    name: 'hangs before the TLS handshake',
    modes: ['implicit'],
    start: () => scriptedServer([closed()]),
    expect: { ...late, wire: heardNoWord },
  })

  faultCase({
    name: 'hangs at STLS',
    modes: ['stls'],
    script: () => [[send('+OK\r\n'), expectLine('STLS'), closed()]],
    expect: { ...late, wire: [['STLS']] },
  })

  faultCase({
    name: 'hangs in the TLS handshake behind STLS',
    modes: ['stls'],
    script: () => [[send('+OK\r\n'), expectLine('STLS'), send('+OK\r\n'), closed()]],
    expect: { ...late, wire: heardNoWord },
  })

  faultCase({
    name: 'hangs at CAPA: one more connection, without CAPA',
    connections: [
      [expectLine('CAPA'), closed()],
      [...toPass, accept()],
    ],
    expect: { exit: 0, wire: [['CAPA'], ['USER me', `PASS ${CANARY}`]] },
  })

  faultCase({
    name: 'hangs within its list of capabilities',
    modes: ['implicit'],
    connections: [
      [expectLine('CAPA'), send('+OK\r\nUSER\r\nSA'), closed()],
      [...toPass, accept()],
    ],
    expect: { exit: 0, wire: [['CAPA'], ['USER me', `PASS ${CANARY}`]] },
  })

  faultCase({
    name: 'hangs at USER',
    modes: ['implicit'],
    connections: [[...capa('USER'), expectLine('USER me'), closed()]],
    expect: { ...late, wire: [['CAPA', 'USER me']] },
  })

  faultCase({
    name: 'hangs at PASS: the password is not sent again',
    modes: ['implicit', 'none'],
    connections: [[...capa('USER'), ...toPass, closed()]],
    expect: { ...late, wire: [['CAPA', 'USER me', `PASS ${CANARY}`]] },
  })

  faultCase({
    name: 'hangs at AUTH: the password is not sent again',
    modes: ['implicit'],
    connections: [[...capa('SASL PLAIN', 'USER'), expectLine(`AUTH PLAIN ${PLAIN}`), closed()]],
    expect: { ...late, wire: [['CAPA', `AUTH PLAIN ${PLAIN}`]] },
  })

  faultCase({
    name: 'hangs in the middle of SCRAM, when it is told to cancel',
    modes: ['implicit'],
    connections: [
      [
        ...capa('SASL SCRAM-SHA-256 PLAIN', 'USER'),
        ...[expectLine(/^AUTH SCRAM-SHA-256 /), send('+ x\r\n'), expectLine('*'), closed()],
      ],
    ],
    expect: { ...late, wire: [['CAPA', /^AUTH SCRAM-SHA-256 /, '*']] },
  })

  faultCase({
    name: 'hangs after the login',
    modes: ['implicit'],
    connections: [[...capa('USER'), ...toPass, send('+OK\r\n'), expectLine('CAPA'), closed()]],
    expect: { ...late, wire: [['CAPA', 'USER me', `PASS ${CANARY}`, 'CAPA']] },
  })

  faultCase({
    name: 'is slow to answer PASS, longer than any other command may take',
    modes: ['implicit'],
    connections: [
      [
        ...capa('USER'),
        ...toPass,
        (connection) => {
          const { opened, open } = gate()
          setTimeout(open, TIMEOUTS.command + 100)
          return hold(opened)(connection)
        },
        accept(),
      ],
    ],
    expect: { exit: 0, wire: [['CAPA', 'USER me', `PASS ${CANARY}`]] },
  })
})

/** Nothing but a TLS handshake came, behind STLS where that begins it. */
function heardNoWord(server: ScriptedServer): void {
  expect(server.connections).toHaveLength(1)
  expect(server.connections[0]?.receivedText).toMatch(/^(STLS\r\n)?\x16\x03/)
  expect(server.connections[0]?.receivedText).not.toMatch(/CAPA|AUTH|USER|PASS/)
}
