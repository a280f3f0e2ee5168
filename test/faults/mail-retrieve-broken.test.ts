/** Messages that do not come to their end, and messages that the server refuses. */
import { expect } from 'vitest'
import { fin, reset, type Step, send } from '../support/scripted-server.ts'
import {
  hangs,
  inTurn,
  type Letter,
  letter,
  type MailSession,
  type MailStage,
  mailCase,
} from './mail-case.ts'

const many = (count: number): readonly Letter[] =>
  Array.from({ length: count }, (_, n) =>
    letter(`u-${n + 1}`, `Subject: number ${n + 1}\r\n\r\n${'x'.repeat(n)}\r\n`),
  )

/** Each DELE costs a look at the whole archive. */
const someOf = (mode: 'keep' | 'delete'): number => (mode === 'keep' ? 100 : 12)

const namesBut = (count: number, ...missing: readonly string[]): string[] =>
  many(count)
    .map(({ name }) => name)
    .filter((name) => !missing.includes(name))

/** The others came, and where all is to be deleted they are gone. */
const allBut =
  (count: number, ...missing: readonly string[]) =>
  ({ mode }: { readonly mode: 'keep' | 'delete' }) => ({
    exit: 1,
    code: 'POP3_REFUSED',
    kept: namesBut(count, ...missing),
    deleted: mode === 'delete' ? namesBut(count, ...missing) : [],
  })

/** Three sessions broke at it, one brought all others, and in the last it was alone. */
const isTriedAlone = (sessions: readonly (readonly string[])[]): void => {
  const retrievals = sessions.map((lines) => lines.filter((line) => line.startsWith('RETR ')))
  expect(retrievals).toHaveLength(5)
  expect(retrievals.at(-1)).toHaveLength(1)
}

const isFor = (line: string, session: MailSession, name: string): boolean =>
  line.startsWith('RETR ') && session.of(line)?.name === name

const headOf = (line: string, session: MailSession, cut: string): string => {
  const right = session.right(line)
  return right.slice(0, right.lastIndexOf('.\r\n')).replace(/\r\n$/, '') + cut
}

const UNENDED: readonly [what: string, ending: string, only?: { readonly tls: boolean }][] = [
  ['is followed by nothing', '\r\n'],
  ['ends in a dot and CR', '\r\n.\r', { tls: false }],
  ['has its dot glued to the last line', '.\r\n', { tls: false }],
  ['has a dot between LF and CRLF, before all came', '\n.\r\n', { tls: false }],
]

for (const [what, ending, only = {}] of UNENDED) {
  mailCase({
    number: 'M10',
    name: `has a message that ${what}, each time`,
    only,
    letters: () => many(5),
    script: (stage) => (line, session) =>
      isFor(line, session, 'u-3')
        ? inTurn(send(headOf(line, session, ending)), hangs(stage))
        : undefined,
    expect: (variant) => ({ ...allBut(5, 'u-3')(variant), wire: isTriedAlone }),
  })
}

mailCase({
  number: 'M11',
  name: 'has a message at which the connection breaks, each time',
  letters: () => many(5),
  script: () => (line, session) =>
    isFor(line, session, 'u-3') ? inTurn(send('+OK\r\nSubj'), reset()) : undefined,
  expect: (variant) => ({ ...allBut(5, 'u-3')(variant), wire: isTriedAlone }),
})

mailCase({
  number: 'M12',
  name: 'closes in the middle of a message, as if that were its end',
  letters: () => many(5),
  script: () => (line, session) =>
    isFor(line, session, 'u-3')
      ? inTurn(send(headOf(line, session, '')), (connection) => connection.fin())
      : undefined,
  expect: allBut(5, 'u-3'),
})

/** One octet every 50 s, for as long as the client listens. */
const drips =
  ({ time }: MailStage): Step =>
  async (connection) => {
    await connection.send('+OK\r\nSubject: ')
    for (let octet = 0; octet < 1000 && !connection.isEnded; octet += 1) {
      await connection.send('x')
      await time.pass(50_000)
    }
  }

mailCase({
  number: 'M13',
  name: 'sends an octet of a message every 50 s',
  letters: () => many(5),
  script: (stage) => (line, session) => (isFor(line, session, 'u-3') ? drips(stage) : undefined),
  expect: allBut(5, 'u-3'),
})

mailCase({
  number: 'M14',
  name: 'refuses one of many messages',
  letters: ({ mode }) => many(someOf(mode)),
  script: () => (line, session) =>
    isFor(line, session, 'u-9') ? '-ERR it is not readable\r\n' : undefined,
  expect: (variant) => ({
    ...allBut(someOf(variant.mode), 'u-9')(variant),
    wire: (sessions) => expect(sessions).toHaveLength(1),
  }),
})

mailCase({
  number: 'M15',
  name: 'refuses six messages in a row',
  letters: () => many(18),
  script: () => (line, session) =>
    /^RETR 1[0-5]$/.test(line) && session.of(line) ? '-ERR no\r\n' : undefined,
  expect: (variant) => ({
    ...allBut(18, ...[10, 11, 12, 13, 14, 15].map((n) => `u-${n}`))(variant),
    wire: (sessions) => {
      expect(sessions).toHaveLength(1)
      // Pipelined, all were asked for by then.
      if (!variant.pipelining) expect(sessions[0]).toContain('NOOP')
    },
  }),
})

mailCase({
  number: 'M16',
  name: 'refuses all messages',
  only: { tls: false },
  letters: () => many(30),
  script: () => (line) => (line.startsWith('RETR ') ? '-ERR no\r\n' : undefined),
  expect: {
    exit: 1,
    code: 'POP3_REFUSED',
    kept: [],
    wire: (sessions) => expect(sessions).toHaveLength(1),
  },
})

mailCase({
  number: 'M17',
  name: 'says of a message, when another session removed it, that it is expunged',
  letters: () => many(5),
  script: () => (line, session) =>
    isFor(line, session, 'u-3') ? '-ERR Message 3 expunged.\r\n' : undefined,
  expect: allBut(5, 'u-3'),
})

mailCase({
  number: 'M18',
  name: 'ends the session because of another one, once',
  letters: () => many(5),
  script: () => (line, session) =>
    isFor(line, session, 'u-3') && session.index === 0
      ? inTurn(send('-ERR [IN-USE] killed by another session\r\n'), fin())
      : undefined,
  expect: { exit: 0 },
})
