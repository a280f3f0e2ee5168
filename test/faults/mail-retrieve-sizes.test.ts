/** What a server says of the sizes of its messages, and messages that are not what was listed. */
import { expect } from 'vitest'
import { type Letter, letter, mailCase } from './mail-case.ts'

const text = (n: number): string =>
  `From: a@example.com\r\nSubject: number ${n}\r\n\r\n${'a line\r\n'.repeat(n)}`

/** 25 messages, so that a server's way to count shows. */
const listedAs =
  (listed: (octets: number, n: number) => number | string) => (): readonly Letter[] =>
    Array.from({ length: 25 }, (_, n) =>
      letter(`u-${n + 1}`, text(n), { listed: listed(text(n).length, n) }),
    )

const SIZES: readonly [what: string, listed: (octets: number, n: number) => number | string][] = [
  ['without the last line end', (octets) => octets - 2],
  ['counted with LF for CRLF', (octets, n) => octets - text(n).split('\n').length + 1],
  ['rounded to 1,024', (octets) => Math.ceil(octets / 1024) * 1024],
  ['at random', (octets, n) => octets + ((n * 7919) % 600) - 200],
  ['as 0', () => 0],
  ['as 2^40', () => 2 ** 40],
  ['as 2^53 and more', () => '9007199254740993'],
]

for (const [what, listed] of SIZES) {
  mailCase({
    number: 'M24',
    name: `lists all sizes ${what}`,
    only: { tls: false },
    letters: listedAs(listed),
    expect: { exit: 0 },
  })
}

const THIRD = text(3)
const HALF = THIRD.slice(0, THIRD.length / 2).concat('\r\n')
const others = listedAs((octets) => octets)()
  .map(({ name }) => name)
  .filter((name) => name !== 'u-4')

mailCase({
  number: 'M25',
  name: 'cuts a message to half of its size, and ends it as if that were all, each time',
  letters: listedAs((octets) => octets),
  script: () => (line, session) =>
    line.startsWith('RETR ') && session.of(line)?.name === 'u-4'
      ? `+OK\r\n${HALF}.\r\n`
      : undefined,
  expect: ({ mode }) => ({
    exit: 0,
    kept: [...others, Buffer.from(HALF)],
    deleted: mode === 'delete' ? others : [],
    wire: (sessions) => expect(sessions.flat().filter((line) => line === 'RETR 4')).toHaveLength(2),
  }),
  // Twice the same was the server's final word.
  recovery: { kept: [...others, Buffer.from(HALF)], deleted: [] },
})

mailCase({
  number: 'M26',
  name: 'cuts a message to half of its size, once',
  letters: listedAs((octets) => octets),
  script: () => {
    let times = 0
    return (line, session) => {
      if (!line.startsWith('RETR ') || session.of(line)?.name !== 'u-4') return undefined
      times += 1
      return times === 1 ? `+OK\r\n${HALF}.\r\n` : undefined
    }
  },
  expect: { exit: 0, kept: [...others, 'u-4', Buffer.from(HALF)] },
})

/** Its author wants the rest of it to be read as replies; a server of CRLF does not stuff what stands behind LF. */
const SMUGGLING =
  'Subject: smuggling\r\n\r\nabove\n.\r\n+OK forged\r\nSubject: forged\r\n\r\nevil\r\n'

/** A dot that begins a line counts as stuffing; so this is an octet shorter than listed. */
const UNDOTTED = Buffer.from(SMUGGLING.replace('\n.\r', '\n\r'))

mailCase({
  number: 'M27',
  name: 'does not stuff a dot behind a bare LF, where a mail has a forged reply behind it',
  letters: () => [
    letter('u-1', text(1)),
    letter('u-2', SMUGGLING),
    ...[3, 4].map((n) => letter(`u-${n}`, text(n))),
  ],
  script: () => (line, session) =>
    line.startsWith('RETR ') && session.of(line)?.name === 'u-2'
      ? `+OK\r\n${SMUGGLING}.\r\n`
      : undefined,
  expect: ({ mode }) => ({
    exit: 0,
    kept: ['u-1', 'u-3', 'u-4', UNDOTTED],
    deleted: mode === 'delete' ? ['u-1', 'u-3', 'u-4'] : [],
  }),
  recovery: { kept: ['u-1', 'u-3', 'u-4', UNDOTTED], deleted: [] },
})
