/** What a server says to DELE, and when it deletes. */
import { expect } from 'vitest'
import { fin, type Step, send } from '../support/scripted-server.ts'
import {
  fourLetters,
  hangs,
  inTurn,
  type Letter,
  letter,
  type MailSession,
  type MailStage,
  mailCase,
} from './mail-case.ts'

const ALL = ['u-1', 'u-2', 'u-3', 'u-4']

mailCase({
  number: 'D7',
  name: 'refuses DELE of one message, each time',
  only: { mode: 'delete' },
  script: () => (line) => (line === 'DELE 1' ? '-ERR permission denied\r\n' : undefined),
  expect: { exit: 0, deleted: ALL, stderr: /refused to delete 1 of 4 messages/ },
  later: [
    { expect: { exit: 0, retrieved: [], deleted: ['u-1'] } },
    { expect: { exit: 0, retrieved: [], deleted: ['u-1'] } },
    { expect: { exit: 0, retrieved: [], deleted: [], stderr: /keeps a message/ } },
  ],
  recovery: { deleted: [] },
})

mailCase({
  number: 'D8',
  name: 'refuses each DELE',
  only: { mode: 'delete' },
  letters: () => Array.from({ length: 30 }, (_, n) => letter(`u-${n}`, `Subject: ${n}\r\n\r\n`)),
  script: () => (line) => (line.startsWith('DELE ') ? '-ERR [SYS/PERM] read only\r\n' : undefined),
  expect: { exit: 0, stderr: /refused to delete 30 of 30 messages/ },
})

for (const [what, reply] of [
  ['an empty line', '\r\n'],
  ['a line that is no reply', 'deleted\r\n'],
  ['+OK for another message', '+OK message 3 deleted\r\n'],
  ['the reply to another STAT', '* 1\r\n'],
] as const) {
  mailCase({
    number: 'D9',
    name: `answers DELE by ${what}`,
    only: { mode: 'delete' },
    script: () => (line, session) => {
      if (line === 'DELE 2') return reply
      // Nothing that was said behind it counts.
      return session.lines.includes('DELE 2') && line === 'QUIT' ? '+OK\r\n' : undefined
    },
    expect: ({ pipelining }) => ({
      exit: 76,
      code: 'POP3_OUT_OF_STEP',
      deleted: pipelining ? ALL : ['u-1', 'u-2'],
      wire: (sessions) => {
        for (const lines of sessions) {
          if (lines.some((line) => line.startsWith('DELE'))) {
            if (lines.includes('QUIT')) throw new Error(`QUIT behind ${lines.join(', ')}`)
          }
        }
      },
    }),
  })
}

const atOnce =
  (session: MailSession, line: string): Step =>
  async (connection) => {
    session.accept(line)
    session.commit()
    await connection.send('+OK\r\n')
  }

mailCase({
  number: 'D10',
  name: 'deletes at DELE',
  script: () => (line, session) => (line.startsWith('DELE ') ? atOnce(session, line) : undefined),
  expect: { exit: 0 },
  recovery: { retrieved: [], deleted: [] },
})

mailCase({
  number: 'D11',
  name: 'deletes at DELE, and hangs behind the second',
  only: { mode: 'delete' },
  script: (stage) => (line, session) => {
    if (session.index > 0) return undefined
    if (line === 'DELE 3') return hangs(stage)
    return line.startsWith('DELE ') ? atOnce(session, line) : undefined
  },
  expect: { exit: 0, deleted: ALL },
  recovery: { retrieved: [], deleted: [] },
})

mailCase({
  number: 'D12',
  name: 'gives the unique-id of a deleted message to a new one of the same size',
  script: () => () => undefined,
  expect: { exit: 0 },
  later: [
    {
      before: ({ maildrop }) => {
        const [first] = [...maildrop.known.values()]
        if (!first) return
        const text = first.octets.toString('latin1').replace('number 1', 'number 9')
        maildrop.letters = [letter('u-1', text, { name: 'new' })]
      },
      expect: ({ mode }) => ({
        exit: 0,
        ...(mode === 'keep'
          ? // Nobody looks at what has the same unique-id and the same octets, unless it is to be deleted.
            { retrieved: [], kept: ALL }
          : { retrieved: ['new'] }),
      }),
    },
  ],
  recovery: ({ mode }) => (mode === 'keep' ? { kept: ALL } : {}),
})

/** At QUIT everything goes that was retrieved in this session. */
const expiring = (stage: MailStage) => (line: string, session: MailSession) => {
  if (line !== 'QUIT') return undefined
  const { maildrop } = stage
  const retrieved = new Set(
    session.lines.filter((one) => one.startsWith('RETR ')).map((one) => session.of(one)),
  )
  return inTurn(
    () => {
      maildrop.letters = maildrop.letters.filter((one) => !retrieved.has(one))
      session.commit()
    },
    send('+OK\r\n'),
    fin(),
  )
}

/** Whether the session ended by QUIT. */
const hasQuit = (wanted: boolean) => (sessions: readonly (readonly string[])[]) => {
  expect(sessions.map((lines) => lines.includes('QUIT'))).toEqual([wanted])
}

mailCase({
  number: 'D13',
  name: 'announces EXPIRE 0, and deletes at QUIT what was retrieved, where the owner says --no-quit',
  capabilities: ['EXPIRE 0'],
  script: expiring,
  args: ['--no-quit'],
  expect: ({ mode }) => ({ exit: 0, wire: hasQuit(mode === 'delete') }),
  recovery: { retrieved: [], kept: ALL },
})

mailCase({
  number: 'D14',
  name: 'announces EXPIRE 0, and deletes at QUIT what was retrieved',
  capabilities: ['EXPIRE 0'],
  script: expiring,
  expect: ({ mode }) => ({
    exit: 0,
    // Warned of at first, and nothing is lost by it; behind that the owner has had his say.
    stderr: mode === 'keep' ? /EXPIRE 0.*--no-quit/ : /kept/,
    wire: hasQuit(mode === 'delete'),
  }),
  later: [
    {
      before: ({ maildrop }) => {
        maildrop.letters = [...maildrop.letters, letter('u-5', 'Subject: new\r\n\r\n')]
      },
      expect: { exit: 0, retrieved: ['u-5'], wire: hasQuit(true) },
    },
  ],
})

mailCase({
  number: 'D15',
  name: 'says that it disconnected for inactivity, behind the last message, and closes',
  script: () => (line, session) => {
    if (session.index > 0 || line !== 'RETR 4') return undefined
    return inTurn(send(session.right(line)), send('-ERR Disconnected for inactivity.\r\n'), fin())
  },
  expect: { exit: 0 },
})

mailCase({
  number: 'D16',
  name: 'says that it disconnected for inactivity before the first DELE, and closes',
  only: { mode: 'delete' },
  script: () => (line, session) => {
    // The second behind the last message goes with DELE.
    const isLast = session.lines.filter((one) => one === 'STAT').length === 3
    if (session.index > 0 || line !== 'STAT' || !isLast) return undefined
    return inTurn(send('-ERR Disconnected for inactivity.\r\n'), fin())
  },
  expect: { exit: 0, retrieved: ALL },
})

for (const [what, live] of [
  ['is deleted by another client', (rows: readonly Letter[]) => rows.slice(1)],
  [
    'is deleted by another client and one comes',
    (rows: readonly Letter[]) => [
      ...rows.slice(1),
      letter('u-5', 'Subject: number 5\r\n\r\n5\r\n'),
    ],
  ],
] as const) {
  mailCase({
    number: 'D24',
    name: `numbers its messages anew between the DELEs and the STAT before, as one ${what}`,
    only: { mode: 'delete' },
    letters: () => fourLetters().slice(0, 3),
    // The second DELE means the third message, which was never retrieved.
    args: ['--max-messages', '2'],
    script: ({ maildrop }) => {
      const doomed = new Set<Letter>()
      const shown = () => maildrop.letters.filter((one) => !doomed.has(one))
      return (line, { index, rows }) => {
        if (index > 0) return undefined
        if (line.startsWith('DELE ')) {
          if (doomed.size === 0) maildrop.letters = live(rows)
          for (const one of maildrop.letters.slice(0, Number(line.at(-1)))) doomed.add(one)
          return send('+OK\r\n')
        }
        if (doomed.size === 0) return undefined
        const octets = shown().reduce((sum, { listed }) => sum + Number(listed), 0)
        if (line === 'STAT') return `+OK ${shown().length} ${octets}\r\n`
        if (line !== 'QUIT') return undefined
        maildrop.log.gone.push(...[...doomed].map(({ name }) => name))
        maildrop.letters = shown()
        return inTurn(send('+OK\r\n'), fin())
      }
    },
    expect: {
      exit: 0,
      kept: ['u-1', 'u-2'],
      deleted: ['u-1', 'u-2'],
      wire: ([first = []]) => expect(first.slice(-3)).toEqual(['DELE 1', 'DELE 2', 'STAT']),
    },
  })
}

/** What STAT counts of messages that are marked as deleted, where it counts any of them. */
const COUNTED = [
  ['qmail-pop3d', { messages: true, octets: false }],
  ['mailpit', { messages: true, octets: true }],
  ['nobody that we know', { messages: false, octets: true }],
] as const

for (const [server, counted] of COUNTED) {
  mailCase({
    number: 'D25',
    name: `answers STAT behind DELE as ${server} does`,
    only: { mode: 'delete' },
    args: ['--max-messages', '2'],
    script: () => (line, session) => {
      if (line !== 'STAT') return undefined
      const [, messages, octets] = session.right(line).trimEnd().split(' ')
      const all = session.rows.reduce((sum, { listed }) => sum + Number(listed), 0)
      const shown = [
        counted.messages ? session.rows.length : messages,
        counted.octets ? all : octets,
      ]
      return `+OK ${shown.join(' ')}\r\n`
    },
    expect: {
      exit: 0,
      kept: ['u-1', 'u-2'],
      deleted: ['u-1', 'u-2'],
      wire: (sessions) => {
        expect(sessions.map((lines) => lines.slice(-2))).toEqual([['STAT', 'QUIT']])
      },
    },
  })
}
