/** Connections that end in the transaction state, wherever they do. */
import { reset, send } from '../support/scripted-server.ts'
import { hangs, inTurn, mailCase } from './mail-case.ts'

mailCase({
  number: 'B1',
  name: 'resets the connection within a message, once',
  script: () => (line, session) =>
    line === 'RETR 2' && session.index === 0
      ? inTurn(send('+OK\r\nSubject: nu'), reset())
      : undefined,
  expect: { exit: 0 },
})

mailCase({
  number: 'B2',
  name: 'resets the connection at LIST, each time',
  script: () => (line) => (line === 'LIST' ? reset() : undefined),
  expect: { exit: 69, code: 'NET_CLOSED', kept: [] },
})

mailCase({
  number: 'B3',
  name: 'hangs within a message, once',
  script: (stage) => (line, session) =>
    line === 'RETR 3' && session.index === 0
      ? inTurn(send('+OK\r\nSubject: nu'), hangs(stage))
      : undefined,
  expect: { exit: 0 },
})
