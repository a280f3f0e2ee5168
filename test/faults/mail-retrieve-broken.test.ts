/** Messages that do not come to their end, and messages that the server refuses. */
import { expect, vi } from 'vitest'
import { fin, reset, type Step, send } from '../support/scripted-server.ts'
import {
  type Letter,
  letter,
  type MailSession,
  type MailStage,
  hangs,
  inTurn,
  mailCase,
} from './mail-case.ts'

const many = (count: number): readonly Letter[] =>
  Array.from({ length: count }, (_, n) =>
    letter(`u-${n + 1}`, `Subject: number ${n + 1}\r\n\r\n${'x'.repeat(n)}\r\n`),
  )

const namesBut = (count: number, ...missing: readonly string[]): string[] =>
  many(count)
    .map(({ name }) => name)
    .filter((name) => !missing.includes(name))

/** The others came, and where all is to be deleted they are gone. */
const allBut =
  (count: number, ...missing: readonly string[]) =>
  ({ mode }: { readonly mode: 'keep' | 'delete' }) => ({
    exit: 1,
    kept: namesBut(count, ...missing),
    deleted: mode === 'delete' ? namesBut(count, ...missing) : [],
  })

const isFor = (line: string, session: MailSession, name: string): boolean =>
  line.startsWith('RETR ') && session.of(line)?.name === name

const headOf = (line: string, session: MailSession, cut: string): string => {
  const right = session.right(line)
  return right.slice(0, right.lastIndexOf('.\r\n')).replace(/\r\n$/, '') + cut
}

const UNENDED: readonly [what: string, ending: string][] = [
  ['is followed by nothing', '\r\n'],
  ['ends in a dot and CR', '\r\n.\r'],
  ['has its dot glued to the last line', '.\r\n'],
  ['has a dot between LF and CRLF, before all came', '\n.\r\n'],
]

for (const [what, ending] of UNENDED) {
  mailCase({
    number: 'R10',
    name: `has a message that ${what}, each time`,
    letters: () => many(5),
    script: (stage) => (line, session) =>
      isFor(line, session, 'u-3')
        ? inTurn(send(headOf(line, session, ending)), hangs(stage))
        : undefined,
    expect: allBut(5, 'u-3'),
  })
}

mailCase({
  number: 'R11',
  name: 'has a message at which the connection breaks, each time',
  letters: () => many(5),
  script: () => (line, session) =>
    isFor(line, session, 'u-3') ? inTurn(send('+OK\r\nSubj'), reset()) : undefined,
  expect: allBut(5, 'u-3'),
})

mailCase({
  number: 'R12',
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
  number: 'R13',
  name: 'sends an octet of a message every 50 s',
  letters: () => many(5),
  script: (stage) => (line, session) =>
    isFor(line, session, 'u-3') ? drips(stage) : undefined,
  expect: allBut(5, 'u-3'),
})

mailCase({
  number: 'R14',
  name: 'refuses one of a hundred messages',
  letters: () => many(100),
  script: () => (line, session) =>
    isFor(line, session, 'u-50') ? '-ERR it is not readable\r\n' : undefined,
  expect: (variant) => ({
    ...allBut(100, 'u-50')(variant),
    wire: (sessions) => expect(sessions).toHaveLength(1),
  }),
})

mailCase({
  number: 'R15',
  name: 'refuses six messages in a row',
  letters: () => many(100),
  script: () => (line, session) =>
    /^RETR 1[0-5]$/.test(line) && session.of(line) ? '-ERR no\r\n' : undefined,
  expect: (variant) => ({
    ...allBut(100, ...[10, 11, 12, 13, 14, 15].map((n) => `u-${n}`))(variant),
    wire: (sessions) => expect(sessions).toHaveLength(1),
  }),
})

/** Dovecot's way: it closes at the 20th refusal in a row. */
const counting = (): ((line: string) => string | Step | undefined) => {
  let refusals = 0
  return (line) => {
    if (!line.startsWith('RETR ')) return undefined
    refusals += 1
    return refusals < 20 ? '-ERR no\r\n' : inTurn(send('-ERR Too many bad commands\r\n'), fin())
  }
}
void counting
void vi

mailCase({
  number: 'R16',
  name: 'refuses all messages',
  letters: () => many(30),
  script: () => (line) => (line.startsWith('RETR ') ? '-ERR no\r\n' : undefined),
  expect: { exit: 1, kept: [], wire: (sessions) => expect(sessions).toHaveLength(1) },
})

mailCase({
  number: 'R17',
  name: 'says of a message, when another session removed it, that it is expunged',
  letters: () => many(5),
  script: () => (line, session) =>
    isFor(line, session, 'u-3') ? '-ERR Message 3 expunged.\r\n' : undefined,
  expect: allBut(5, 'u-3'),
})

mailCase({
  number: 'R18',
  name: 'ends the session because of another one, once',
  letters: () => many(5),
  script: () => (line, session) =>
    isFor(line, session, 'u-3') && session.index === 0
      ? inTurn(send('-ERR [IN-USE] killed by another session\r\n'), fin())
      : undefined,
  expect: { exit: 0 },
})
