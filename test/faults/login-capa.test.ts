/** Servers whose list of capabilities, or whose end at CAPA, is not as it should be. */
import {
  chunk,
  closed,
  expectLine,
  expectOctets,
  fin,
  reset,
  type Step,
  send,
} from '../support/scripted-server.ts'
import { CANARY } from './canary.ts'
import { faultCase } from './fault-case.ts'
import { accept, listOf } from './healthy-server.ts'

const capa = (...after: readonly Step[]): readonly Step[] => [expectLine('CAPA'), ...after]
const announce = (...capabilities: readonly string[]): Step => send(listOf(capabilities))
/** USER and PASS, accepted. */
const byUser: readonly Step[] = [
  ...[expectLine('USER me'), send('+OK\r\n'), expectLine(`PASS ${CANARY}`), accept()],
]
const saysUser = ['USER me', `PASS ${CANARY}`]

for (const [how, steps] of [
  ['closes at CAPA', [fin()]],
  ['resets the connection at CAPA', [reset()]],
  ['closes within its list of capabilities', [send('+OK\r\nUSER\r\nSA'), fin()]],
] as const) {
  faultCase({
    name: `${how}: one more connection, without CAPA`,
    connections: [capa(...steps, closed()), byUser],
    expect: { exit: 0, wire: [['CAPA'], saysUser] },
  })
}

faultCase({
  name: 'closes at CAPA, and at whatever comes first on the next connection',
  connections: [capa(fin(), closed()), [expectLine('USER me'), fin(), closed()]],
  expect: { exit: 69, code: 'NET_CLOSED', wire: [['CAPA'], ['USER me']] },
})

faultCase({
  name: 'refuses CAPA',
  connections: [capa(send('-ERR what?\r\n'), ...byUser)],
  expect: { exit: 0, wire: [['CAPA', ...saysUser]] },
})

faultCase({
  name: 'refuses CAPA for a passing trouble',
  connections: [capa(send('-ERR [SYS/TEMP] later\r\n'), closed())],
  expect: { exit: 75, code: 'POP3_TEMPORARY', wire: [['CAPA']] },
})

faultCase({
  name: 'lists capabilities without end',
  connections: [capa(send(`+OK\r\n${'X-NOTHING\r\n'.repeat(100_000)}`), closed())],
  expect: { exit: 76, code: 'POP3_LIMIT', wire: [['CAPA']] },
})

faultCase({
  name: 'lists a capability of 1 MB',
  modes: ['implicit'],
  connections: [capa(send(`+OK\r\nSASL ${'A'.repeat(1_000_000)}\r\n.\r\n`), closed())],
  expect: { exit: 76, code: 'POP3_LIMIT', wire: [['CAPA']] },
})

faultCase({
  name: 'lists capabilities in any case, with tabs, empty lines, doubles, and tags that nobody knows',
  connections: [
    capa(
      send('+OK\r\n\r\nuser\r\nUser\r\nsasl\tgssapi\r\nX-\x01\xff y\r\n  \r\npipelining\r\n.\r\n'),
      ...byUser,
    ),
  ],
  expect: { exit: 0, wire: [['CAPA', ...saysUser]] },
})

faultCase({
  name: 'lists 100,000 octets of capabilities, an octet a segment',
  modes: ['none'],
  connections: [
    capa(
      chunk(1),
      announce('USER', ...Array<string>(190).fill(`X-${'y'.repeat(522)}`)),
      chunk(0),
      ...byUser,
    ),
  ],
  expect: { exit: 0, wire: [['CAPA', ...saysUser]] },
})

faultCase({
  name: 'offers no mechanism that is known here',
  connections: [capa(announce('SASL GSSAPI NTLM DIGEST-MD5 ANONYMOUS'), closed())],
  expect: { exit: 76, code: 'LOGIN_NO_MECHANISM', wire: [['CAPA']] },
})

faultCase({
  name: 'says more behind its list of capabilities',
  modes: ['implicit', 'none'],
  connections: [capa(send(`${listOf(['USER'])}+OK logged in\r\n`), closed())],
  expect: { exit: 76, code: 'POP3_OUT_OF_STEP', wire: [['CAPA']] },
})

faultCase({
  name: 'refuses UTF8, which it announced',
  modes: ['implicit'],
  connections: [
    capa(announce('USER', 'UTF8 USER'), expectLine('UTF8'), send('-ERR no\r\n'), ...byUser),
  ],
  expect: { exit: 0, wire: [['CAPA', 'UTF8', ...saysUser]] },
})

faultCase({
  name: 'closes at UTF8, which it announced',
  modes: ['implicit'],
  connections: [capa(announce('USER', 'UTF8'), expectLine('UTF8'), fin(), closed())],
  expect: { exit: 69, code: 'NET_CLOSED', wire: [['CAPA', 'UTF8']] },
})

faultCase({
  name: 'announces PIPELINING, and closes at the second command of a batch: one at a time from there on',
  connections: [
    capa(
      announce('USER'),
      ...[expectLine('USER me'), send('+OK\r\n'), expectLine(`PASS ${CANARY}`), send('+OK\r\n')],
      ...capa(announce('PIPELINING', 'UIDL'), expectLine('STAT'), send('+OK 2 47\r\n')),
      ...[
        expectOctets('UIDL\r\nLIST\r\n'),
        send('+OK\r\n1 h-1\r\n2 h-2\r\n.\r\n'),
        fin(),
        closed(),
      ],
    ),
    capa(announce('USER'), ...byUser),
  ],
  expect: {
    exit: 0,
    wire: [
      ['CAPA', ...saysUser, 'CAPA', 'STAT', 'UIDL', 'LIST'],
      ['CAPA', ...saysUser],
    ],
  },
})
