/** Messages of odd forms, from servers that have their own ways to end a line. */
import { type Letter, letter, mailCase } from './mail-case.ts'

const DOTS = ['.', '..', '...', '.\r', '. ', '.a', 'a.', '\r.', ''].flatMap((line) => [line, '.'])

/** Lines of dots in all forms, behind a header and from the first octet on. */
const dots = (): readonly Letter[] => [
  letter('u-1', `.first: octet\r\n\r\n${DOTS.join('\r\n')}\r\n`),
  letter('u-2', `${DOTS.join('\r\n')}\r\n`),
  letter('u-3', 'Subject: plain\r\n\r\nno dot\r\n'),
]

for (const octets of [1, 2, 3]) {
  mailCase({
    number: 'M1',
    name: `sends lines of dots of all kinds, in segments of ${octets} octets`,
    letters: dots,
    script:
      () =>
      (line, { connection }) => {
        connection.chunk(line.startsWith('RETR ') ? octets : 0)
        return undefined
      },
    expect: { exit: 0 },
  })
}

const bare = (text: string): string => text.replaceAll('\r\n', '\n')

mailCase({
  number: 'M2',
  name: 'ends each line that it says in LF alone',
  letters: () => dots().map(({ name, octets }) => letter(name, bare(octets.toString('latin1')))),
  script: () => (line, session) => {
    const text = session.of(line)?.octets.toString('latin1') ?? ''
    const section = line.startsWith('TOP ') ? `${text.split('\n\n')[0]}\n\n` : text
    const isMessage = /^(RETR|TOP) /.test(line)
    return isMessage ? `+OK\n${stuffed(section)}.\n` : bare(session.right(line))
  },
  expect: { exit: 0 },
})

mailCase({
  number: 'M3',
  name: 'ends the lines of its messages in LF, and those of its replies in CRLF, the last one too',
  letters: () => [1, 2, 3].map((n) => letter(`u-${n}`, `Subject: ${n}\n\n.dot\nand end\n`)),
  script: () => (line, session) =>
    line.startsWith('RETR ')
      ? `+OK\r\n${stuffed(session.of(line)?.octets.toString('latin1') ?? '')}.\r\n`
      : undefined,
  expect: { exit: 0 },
})

mailCase({
  number: 'M4',
  name: 'ends the lines of its messages in LF, behind each of them CRLF, a dot and CRLF',
  letters: () => [1, 2, 3].map((n) => letter(`u-${n}`, `Subject: ${n}\n\n.dot\nand end\r\n`)),
  script: () => (line, session) =>
    line.startsWith('RETR ')
      ? `+OK\r\n${stuffed(session.of(line)?.octets.toString('latin1') ?? '')}.\r\n`
      : undefined,
  expect: { exit: 0 },
})

function stuffed(text: string): string {
  return text.replaceAll(/(^|\n)\./g, '$1..')
}

mailCase({
  number: 'M5',
  name: 'has messages of NULs, bare CR, 8-bit octets, a header without blank line, and nothing at all',
  letters: () => [
    letter('u-1', 'Subject: nul\0\r\n\r\n\0\0\r\n\0'.concat('\r\n')),
    letter('u-2', 'Subject: cr\r\r\n\r\na\rb\r\r\nc\n\rd\r\n'),
    letter('u-3', `Subject: \xe4\xf6\xfc\r\n\r\n${octetsFrom(0x80)}\r\n`),
    letter('u-4', 'Subject: header only\r\n'),
    letter('u-5', ''),
    letter('u-6', '\r\n\r\nno header\r\n'),
    letter('u-7', 'no colon\r\nat all\r\n'),
  ],
  expect: { exit: 0 },
})

function octetsFrom(first: number): string {
  return String.fromCharCode(...Array.from({ length: 0x100 - first }, (_, n) => first + n))
}

mailCase({
  number: 'M6',
  name: 'has messages with a forged From line, X-UIDL, Status and DELE in them',
  letters: () => [
    letter('u-1', 'From me Mon Jan  1 00:00:00 2001\r\nX-UIDL: u-2\r\nStatus: RO\r\n\r\nbody\r\n'),
    letter('u-2', '>From me\r\nX-UIDL: u-1\r\n\r\nFrom you\r\n\r\n+OK\r\nDELE 1\r\nQUIT\r\n'),
    letter('u-3', 'Content-Length: 999999999\r\nX-UIDL: u-3\r\n\r\n..\r\n'),
  ],
  expect: { exit: 0 },
})

mailCase({
  number: 'M7',
  name: 'has a header of 1 MB, and one of 100,000 fields',
  letters: () => [
    letter('u-1', `Subject: ${'long '.repeat(200_000)}\r\n\r\nbody\r\n`),
    letter('u-2', `${'X-Field: value\r\n'.repeat(100_000)}Subject: many\r\n\r\nbody\r\n`),
    letter('u-3', 'Subject: small\r\n\r\nbody\r\n'),
  ],
  expect: { exit: 0 },
})

mailCase({
  number: 'M8',
  name: 'has a message larger than the owner lets a run retrieve: all others come',
  letters: () => [
    letter('u-1', 'Subject: one\r\n\r\nfirst\r\n'),
    letter('u-2', `Subject: two\r\n\r\n${'text\r\n'.repeat(1000)}`),
    letter('u-3', 'Subject: three\r\n\r\nthird\r\n'),
  ],
  args: ['--limit-octets', '1K'],
  expect: ({ mode }) => ({
    exit: 0,
    kept: ['u-1', 'u-3'],
    deleted: mode === 'delete' ? ['u-1', 'u-3'] : [],
  }),
})
