/** What a server says to QUIT, and what it does: only the next listing tells. */
import { fin, type Step, send } from '../support/scripted-server.ts'
import { hangs, inTurn, type MailSession, type MailStage, mailCase } from './mail-case.ts'

const ALL = ['u-1', 'u-2', 'u-3', 'u-4']

/** Retrieves nothing a second time. */
const again = (deleted: readonly string[], stderr?: RegExp) => ({
  expect: { exit: 0, retrieved: [], deleted, stderr },
})

const committing =
  (session: MailSession): Step =>
  () =>
    session.commit()

mailCase({
  number: 'D1',
  name: 'closes at QUIT without a reply, and has deleted',
  script: () => (line, session) =>
    line === 'QUIT' ? inTurn(committing(session), fin()) : undefined,
  expect: ({ mode }) => ({ exit: 0, stderr: mode === 'delete' ? /not confirm/ : /kept/ }),
  recovery: { retrieved: [], deleted: [] },
})

mailCase({
  number: 'D2',
  name: 'says +OK to QUIT, and then deletes, and closes within that +OK',
  script: () => (line, session) =>
    line === 'QUIT' ? inTurn(committing(session), send('+O'), fin()) : undefined,
  expect: { exit: 0 },
  recovery: { retrieved: [], deleted: [] },
})

for (const [what, reply] of [
  ['closes without a reply', ''],
  ['says +OK', '+OK bye\r\n'],
] as const) {
  mailCase({
    number: 'D3',
    name: `never deletes at QUIT, and ${what}`,
    only: { mode: 'delete' },
    script: () => (line) => (line === 'QUIT' ? inTurn(send(reply), fin()) : undefined),
    expect: { exit: 0 },
    later: [
      again(ALL),
      again(ALL),
      again([], /faulty: the server keeps 4 messages that were deleted 3 times/),
      again([], /nothing new/),
      { args: ['--delete-again'], expect: { exit: 0, retrieved: [], deleted: ALL } },
    ],
    // It was told of, and is left alone.
    recovery: { deleted: [] },
  })
}

const unsure: Readonly<Record<string, (stage: MailStage) => Step>> = {
  'hangs at QUIT': (stage) => hangs(stage),
  'answers QUIT by -ERR [SYS/TEMP]': () =>
    inTurn(send('-ERR [SYS/TEMP] some deleted messages not removed\r\n'), fin()),
  'answers QUIT by an empty line': () => inTurn(send('\r\n'), fin()),
  'answers QUIT by 100,000 octets without a line end': () =>
    inTurn(send(`+OK ${'x'.repeat(100_000)}`), fin()),
}

for (const [what, step] of Object.entries(unsure)) {
  mailCase({
    number: 'D4',
    name: `${what}, and has deleted nothing`,
    script: (stage) => (line) => (line === 'QUIT' ? step(stage) : undefined),
    expect: ({ mode }) => ({ exit: 0, stderr: mode === 'delete' ? /not confirm/ : /kept/ }),
    recovery: ({ mode }) => ({ retrieved: [], deleted: mode === 'delete' ? ALL : [] }),
  })
}

mailCase({
  number: 'D5',
  name: 'says -ERR to QUIT, and has deleted one of two',
  only: { mode: 'delete' },
  script: (stage) => (line, session) => {
    if (line !== 'QUIT' || session.index > 0) return undefined
    return inTurn(
      () => {
        const { maildrop } = stage
        maildrop.letters = maildrop.letters.filter(({ name }) => name > 'u-2')
      },
      send('-ERR [SYS/TEMP] some deleted messages not removed\r\n'),
      fin(),
    )
  },
  expect: { exit: 0, stderr: /not confirm/ },
  recovery: { retrieved: [], deleted: ['u-3', 'u-4'] },
})

mailCase({
  number: 'D6',
  name: 'shows for two sessions what it deleted, and hides it then',
  only: { mode: 'delete' },
  script: () => (line, session) =>
    line === 'QUIT' && session.index < 2 ? inTurn(send('+OK\r\n'), fin()) : undefined,
  expect: { exit: 0 },
  later: [again(ALL), again(ALL)],
  recovery: { retrieved: [], deleted: [] },
})
