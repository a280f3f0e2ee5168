/** Unique-ids that do not tell messages apart, or are not those of yesterday; and servers that have none. */
import { fourLetters, type Letter, letter, mailCase } from './mail-case.ts'

const text = (subject: string, body = 'text\r\n'): string =>
  `From: a@example.com\r\nSubject: ${subject}\r\n\r\n${body}`

/** Enough for a renumbering to be told from a few arrivals. */
const letters = (count: number, uniqueId = (n: number): string => `old-${n}`): Letter[] =>
  Array.from({ length: count }, (_, n) =>
    letter(uniqueId(n), text(`number ${n}`), { name: `m${n}` }),
  )

mailCase({
  number: 'U12',
  name: 'gives one unique-id to messages that are equal, and to others',
  keepsAtFirst: true,
  letters: () => [
    letter('same', text('a'), { name: 'a' }),
    letter('same', text('a'), { name: 'a again' }),
    letter('same', text('b', 'other\r\n'), { name: 'b' }),
    letter('u-4', text('d')),
  ],
  expect: { exit: 0, retrieved: ['a', 'a again', 'b', 'u-4'] },
  later: [
    {
      before: ({ maildrop }) => {
        maildrop.letters = [
          ...maildrop.letters,
          letter('same', text('e', 'late\r\n'), { name: 'e' }),
        ]
      },
      // Nobody knows which of them is new.
      expect: ({ mode }) => ({
        exit: 0,
        ...(mode === 'keep' ? { retrieved: ['a', 'a again', 'b', 'e'] } : {}),
      }),
    },
  ],
  recovery: { retrieved: [] },
})

for (const [what, second] of [
  ['equal', text('a')],
  ['of one size', text('b')],
  ['different', text('b', 'other\r\n')],
] as const) {
  mailCase({
    number: 'U13',
    name: `tells copies that are ${what} apart by a suffix, and names the second like the first when that is gone`,
    keepsAtFirst: true,
    letters: () => [
      letter('x', text('a'), { name: 'first' }),
      letter('x-2', second, { name: 'second' }),
    ],
    expect: { exit: 0 },
    later: [
      {
        before: ({ maildrop }) => {
          maildrop.letters = [letter('x', second, { name: 'second' })]
        },
        expect: { exit: 0 },
      },
    ],
  })
}

const TOPS: readonly (readonly [
  what: string,
  top: (right: string) => string,
  retrieves: boolean,
])[] = [
  ['TOP shows their header', (right) => right, false],
  ['TOP is refused', () => '-ERR what?\r\n', true],
  ['TOP is cut short', (right) => `${right.slice(0, 24)}\r\n.\r\n`, true],
]
for (const [what, top, retrieves] of TOPS) {
  mailCase({
    number: 'U14',
    name: `gives new unique-ids to all messages, where ${what}`,
    keepsAtFirst: true,
    letters: () => letters(12),
    script: () => (line, session) =>
      line.startsWith('TOP ') ? top(session.right(line)) : undefined,
    expect: { exit: 0 },
    later: [
      {
        before: ({ maildrop }) => {
          maildrop.letters = letters(12, (n) => `new-${n}`)
        },
        // Before DELE each of them is retrieved and compared in full.
        expect: ({ mode }) => ({
          exit: 0,
          retrieved: mode === 'delete' || retrieves ? letters(12).map(({ name }) => name) : [],
        }),
      },
    ],
  })
}

mailCase({
  number: 'U15',
  name: 'gives new unique-ids to 10,000 messages',
  only: { tls: true, pipelining: true, mode: 'keep' },
  boundMs: 120_000,
  letters: () => letters(10_000),
  expect: { exit: 0 },
  later: [
    {
      before: ({ maildrop }) => {
        maildrop.letters = letters(10_000, (n) => `new-${n}`)
      },
      expect: { exit: 0, retrieved: [], stderr: /renumbered/ },
    },
  ],
})

mailCase({
  number: 'U16',
  name: 'gives the unique-id of a message that is gone to a new one, of another size',
  keepsAtFirst: true,
  expect: { exit: 0 },
  later: [
    {
      before: ({ maildrop }) => {
        const [, ...others] = fourLetters()
        maildrop.letters = [...others, letter('u-1', text('new'), { name: 'new' })]
      },
      expect: ({ mode }) => ({ exit: 0, ...(mode === 'keep' ? { retrieved: ['new'] } : {}) }),
    },
  ],
})

const equalInSize = (): Letter => {
  const [first] = fourLetters()
  const octets = first?.octets.toString('latin1').replace('number 1', 'number 9') ?? ''
  return letter('u-1', octets, { name: 'new' })
}
mailCase({
  number: 'U17',
  name: 'gives the unique-id of a message that is gone to a new one, of the same size',
  keepsAtFirst: true,
  expect: { exit: 0 },
  later: [
    {
      before: ({ maildrop }) => {
        maildrop.letters = [equalInSize(), ...fourLetters().slice(1)]
      },
      // Nobody can know without looking. Before DELE its header is looked at.
      expect: ({ mode }) =>
        mode === 'delete'
          ? { exit: 0, retrieved: ['new'] }
          : { exit: 0, retrieved: [], kept: ['u-1', 'u-2', 'u-3', 'u-4'] },
    },
  ],
  recovery: ({ mode }) => (mode === 'keep' ? { kept: ['u-1', 'u-2', 'u-3', 'u-4'] } : {}),
})

mailCase({
  number: 'U18',
  name: 'refuses UIDL for a day, though it announces it',
  keepsAtFirst: true,
  script:
    () =>
    (line, { index }) =>
      line === 'UIDL' && index > 0 ? '-ERR not now\r\n' : undefined,
  expect: { exit: 0 },
  later: [{ expect: { exit: 75, code: 'POP3_TEMPORARY', retrieved: [] } }],
  recovery: { retrieved: [] },
})

for (const [what, hasTop] of [
  ['has no UIDL', true],
  ['has neither UIDL nor TOP', false],
] as const) {
  const lacks = (line: string): boolean => line === 'UIDL' || (!hasTop && line.startsWith('TOP '))
  mailCase({
    number: 'U19',
    name: `${what}; a message goes, and another arrives before the others`,
    keepsAtFirst: true,
    capabilities: (usual) => usual.filter((one) => one !== 'UIDL' && (hasTop || one !== 'TOP')),
    script: () => (line) => (lacks(line) ? '-ERR what?\r\n' : undefined),
    expect: { exit: 0 },
    later: [
      {
        before: ({ maildrop }) => {
          const [one, , ...others] = fourLetters()
          const arrived = letter('u-5', text('arrived'))
          maildrop.letters = [arrived, ...(one ? [one] : []), ...others]
        },
        expect: ({ mode }) => ({
          exit: 0,
          retrieved: hasTop && mode === 'keep' ? ['u-5'] : ['u-5', 'u-1', 'u-3', 'u-4'],
          deleted: mode === 'delete' ? ['u-5', 'u-1', 'u-3', 'u-4'] : [],
        }),
      },
    ],
  })
}
