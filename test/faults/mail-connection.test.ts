/** Connections that end in the transaction state, wherever they do, and servers that are not as they announce. */
import { expect } from 'vitest'
import { closed, fin, reset, type Step, send } from '../support/scripted-server.ts'
import { hangs, inTurn, type MailSession, mailCase } from './mail-case.ts'

const ENDS: readonly (readonly [how: string, end: Step])[] = [
  ['resets', reset()],
  ['half-closes', inTurn(fin(), closed())],
]

/** Behind so much of its reply to a command; `octets` counts from the end where it is negative. */
const LISTING: readonly (readonly [where: string, command: string, octets: number])[] = [
  ['at STAT', 'STAT', 0],
  ['at UIDL', 'UIDL', 0],
  ['within UIDL', 'UIDL', 12],
  ['at LIST', 'LIST', 0],
  ['before the last octet of LIST', 'LIST', -1],
]
const RETRIEVAL: typeof LISTING = [
  ['at RETR', 'RETR 2', 0],
  ['within the reply to RETR', 'RETR 2', 2],
  ['within a message', 'RETR 2', 30],
  ['before the terminator of a message', 'RETR 2', -3],
  ['between CR and LF of the terminator', 'RETR 2', -1],
  ['behind the whole of a message', 'RETR 2', 10_000],
]

for (const [how, end] of ENDS) {
  for (const [where, command, octets] of LISTING) {
    mailCase({
      number: 'B1',
      name: `${how} the connection ${where}`,
      script: () => (line, session) =>
        line === command ? inTurn(send(session.right(line).slice(0, octets)), end) : undefined,
      expect: { exit: 69, code: 'NET_CLOSED', kept: [] },
    })
  }

  for (const [where, command, octets] of RETRIEVAL) {
    mailCase({
      number: 'B2',
      name: `${how} the connection ${where}, in the first session`,
      script: () => (line, session) =>
        line === command && session.index === 0
          ? inTurn(send(session.right(line).slice(0, octets)), end)
          : undefined,
      expect: { exit: 0 },
    })
  }

  for (const octets of [0, 2]) {
    mailCase({
      number: 'B3',
      name: `${how} the connection behind ${octets} octets of its reply to DELE, in the first session`,
      only: { mode: 'delete' },
      script: () => (line, session) =>
        line === 'DELE 2' && session.index === 0
          ? inTurn(send('+OK\r\n'.slice(0, octets)), end)
          : undefined,
      expect: { exit: 0, retrieved: ['u-1', 'u-2', 'u-3', 'u-4'] },
    })
  }

  for (const [what, deletes] of [
    ['has deleted nothing', false],
    ['has deleted all that it was told to', true],
  ] as const) {
    mailCase({
      number: 'B4',
      name: `${how} the connection at QUIT, and ${what}`,
      script: () => (line, session) => {
        if (line !== 'QUIT') return undefined
        if (deletes) session.commit()
        return end
      },
      expect: { exit: 0 },
      // What it was told to delete is known: it is not retrieved again.
      recovery: { retrieved: [] },
    })
  }
}

mailCase({
  number: 'B5',
  name: 'hangs within a message, in the first session',
  script: (stage) => (line, session) =>
    line === 'RETR 3' && session.index === 0
      ? inTurn(send('+OK\r\nSubject: nu'), hangs(stage))
      : undefined,
  expect: { exit: 0 },
})

mailCase({
  number: 'B6',
  name: 'closes behind each message',
  script: () => (line, session) =>
    line.startsWith('RETR ') ? inTurn(send(session.right(line)), reset()) : undefined,
  // It is whole, and kept; but no STAT says whose it is, and the run gives up.
  expect: { exit: 69, code: 'NET_CLOSED', kept: ['u-1'] },
})

mailCase({
  number: 'B7',
  name: 'closes behind two messages, each time',
  script: () => (line, session) => {
    const retrieved = session.lines.filter((said) => said.startsWith('RETR '))
    return line.startsWith('RETR ') && retrieved.length === 2
      ? inTurn(send(session.right(line)), reset())
      : undefined
  },
  expect: { exit: 0 },
})

/** Behind the first of several commands that are answered in turn, whether the next one had come. */
const isNextThere = ({ connection }: MailSession): boolean =>
  connection.receivedText.includes('RETR 2')

for (const [when, isBefore] of [
  ['before the login', true],
  ['behind the login', false],
] as const) {
  mailCase({
    number: 'B8',
    name: `announces PIPELINING only ${when}`,
    only: { pipelining: true },
    script: () => (line, session) => {
      const isLoggedIn = session.lines.some((said) => said.startsWith('PASS '))
      if (line === 'RETR 1') expect(isNextThere(session)).toBe(!isBefore)
      if (line !== 'CAPA' || isLoggedIn !== isBefore) return undefined
      return session.right(line).replace('PIPELINING\r\n', '')
    },
    expect: { exit: 0 },
  })
}

mailCase({
  number: 'B9',
  name: 'announces PIPELINING, and closes where a second command has come before its reply',
  only: { pipelining: true },
  script:
    () =>
    (_line, { connection, lines }) =>
      connection.receivedText.split('\r\n').length > lines.length + 1 ? reset() : undefined,
  expect: { exit: 0 },
})

mailCase({
  number: 'B10',
  name: 'accepts the password, fails to open the maildrop, and closes, for a day',
  keepsAtFirst: true,
  script:
    () =>
    (line, { index }) =>
      line.startsWith('PASS ') && index > 0
        ? inTurn(send('+OK Logged in.\r\n-ERR [SYS/TEMP] no maildrop now\r\n'), fin(), closed())
        : undefined,
  expect: { exit: 0 },
  later: [{ expect: { exit: 75, code: 'POP3_TEMPORARY', retrieved: [] } }],
  recovery: { retrieved: [] },
})

mailCase({
  number: 'B11',
  name: 'says to three logins that the maildrop is in use',
  args: ['--deadline', '1h'],
  script:
    () =>
    (line, { index }) =>
      line.startsWith('PASS ') && index < 3 ? '-ERR [IN-USE] another session\r\n' : undefined,
  expect: { exit: 0, wire: (sessions) => expect(sessions).toHaveLength(4) },
})

mailCase({
  number: 'B12',
  name: 'answers the password after 100 s',
  script:
    ({ time }) =>
    async (line) => {
      if (line.startsWith('PASS ')) await time.pass(100_000)
      return undefined
    },
  expect: { exit: 0, wire: (sessions) => expect(sessions).toHaveLength(1) },
})

mailCase({
  number: 'B13',
  name: 'refuses a login within 300 s of the one before',
  capabilities: ['LOGIN-DELAY 300'],
  script: ({ time }) => {
    let lastLogin = Number.NEGATIVE_INFINITY
    return (line) => {
      if (!line.startsWith('PASS ')) return undefined
      if (time.now() - lastLogin < 300_000) return '-ERR [LOGIN-DELAY] too soon\r\n'
      lastLogin = time.now()
      return undefined
    }
  },
  expect: { exit: 0 },
  later: [
    { afterMs: 60_000, expect: { exit: 75, code: 'LOGIN_DELAY', retrieved: [] } },
    // Known now: nothing connects.
    {
      afterMs: 60_000,
      expect: {
        exit: 75,
        code: 'LOGIN_DELAY',
        wire: (_sessions, { connections }) => expect(connections).toEqual([]),
      },
    },
    { afterMs: 190_000, expect: { exit: 0, retrieved: [] } },
  ],
})
