/** Replies that are not those of the commands, and servers that take one command at a time, whatever they announce. */
import { setImmediate as settled } from 'node:timers/promises'
import { expect } from 'vitest'
import { type Step, send } from '../support/scripted-server.ts'
import { hangs, inTurn, type Letter, letter, type MailSession, mailCase } from './mail-case.ts'

/** Two of each size, so that no size tells them apart from their neighbours. */
const pairs = (): readonly Letter[] =>
  Array.from({ length: 8 }, (_, n) =>
    letter(`u-${n + 1}`, `Subject: number ${n + 1}\r\n\r\n${'x'.repeat(n >> 1)}\r\n`),
  )

const names = [1, 2, 4, 5, 6, 7, 8].map((n) => `u-${n}`)

const once =
  (spoil: (line: string, session: MailSession) => string | undefined) =>
  () =>
  (line: string, session: MailSession): string | undefined =>
    session.index === 0 && line.startsWith('RETR ') ? spoil(line, session) : undefined

const replies: readonly [
  what: string,
  spoil: (line: string, session: MailSession) => string | undefined,
  ...also: Buffer[],
][] = [
  ['nothing, once', (line) => (line === 'RETR 3' ? '' : undefined)],
  [
    'the same message twice, once',
    (line, session) => (line === 'RETR 3' ? session.right(line).repeat(2) : undefined),
  ],
  [
    'two messages in the other order',
    (line, session) =>
      line === 'RETR 2'
        ? session.right('RETR 3')
        : line === 'RETR 3'
          ? session.right('RETR 2')
          : undefined,
  ],
  [
    'two bodies, one in the other',
    (line, session) => {
      const [second, third] = [session.right('RETR 2'), session.right('RETR 3')]
      if (line === 'RETR 2') return second.slice(0, 20) + third.slice(0, 20)
      return line === 'RETR 3' ? second.slice(20) + third.slice(20) : undefined
    },
    // What ended as a message is kept, bound to no unique-id.
    Buffer.from('Subject: number+OK\r\nSubject: number 2\r\n\r\n\r\n'),
  ],
]

for (const [what, spoil, ...also] of replies) {
  mailCase({
    number: 'M19',
    name: `answers one of many RETR with ${what}`,
    only: { pipelining: true },
    letters: pairs,
    script: once(spoil),
    expect: { exit: 0, kept: [...names, 'u-3', ...also] },
  })
}

const rests: readonly [what: string, rest: string, ...taken: string[]][] = [
  ['-ERR', '-ERR not a reply\r\n'],
  ['+OK', '+OK 120 octets\r\nmore\r\n', 'more\r\n'],
  ['text', 'more of the text\r\n'],
]

for (const [what, rest, ...taken] of rests) {
  mailCase({
    number: 'M23',
    name: `does not stuff a line that is a dot, and has behind it ${what}`,
    letters: () =>
      pairs().map((one) =>
        one.name === 'u-3' ? letter('u-3', `Subject: dot\r\n\r\nabove\r\n.\r\n${rest}`) : one,
      ),
    script: () => (line, session) =>
      line.startsWith('RETR ') && session.of(line)?.name === 'u-3'
        ? `+OK\r\n${session.of(line)?.octets.toString('latin1')}.\r\n`
        : undefined,
    expect: ({ mode, pipelining }) => ({
      exit: 1,
      code: 'POP3_REFUSED',
      // What seemed to be a message is kept, bound to no unique-id.
      kept: [
        ...names,
        ...['Subject: dot\r\n\r\nabove\r\n', ...(pipelining ? taken : [])].map((text) =>
          Buffer.from(text),
        ),
      ],
      deleted: mode === 'delete' ? names : [],
    }),
  })
}

mailCase({
  number: 'M20',
  name: 'reads no command while anything that it said is on its way',
  only: { pipelining: true, mode: 'keep' },
  letters: () => large(80),
  script: () => (line, session) =>
    line.startsWith('RETR ') ? deaf(session.right(line)) : undefined,
  expect: { exit: 0 },
})

/** More than the buffers of both sockets hold. */
const large = (count: number): readonly Letter[] =>
  Array.from({ length: count }, (_, n) =>
    letter(`u-${n + 1}`, `Subject: number ${n + 1}\r\n\r\n${'a line of text\r\n'.repeat(6250)}`),
  )

const deaf =
  (reply: string): Step =>
  async (connection) => {
    connection.stopReading()
    await connection.send(reply)
    connection.readOn()
  }

mailCase({
  number: 'M21',
  name: 'takes one command a second, however many wait',
  letters: pairs,
  script:
    ({ time }) =>
    async (line) => {
      if (line.startsWith('RETR ')) await time.pass(1000)
      return undefined
    },
  expect: { exit: 0, wire: (sessions) => expect(sessions).toHaveLength(1) },
})

mailCase({
  number: 'M22',
  name: 'announces PIPELINING, and drops all that came with a command',
  only: { pipelining: true },
  letters: pairs,
  script: (stage) => async (line, session) => {
    const { connection } = session
    await settled()
    if (connection.dropUnread() === 0) return undefined
    return inTurn(send(session.right(line)), hangs(stage))
  },
  expect: { exit: 0 },
})
