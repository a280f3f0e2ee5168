/** Listings that are wrong in their form, or less than they should be. */
import { expect } from 'vitest'
import { closed, fin, type Step, send } from '../support/scripted-server.ts'
import { hangs, inTurn, letter, mailCase } from './mail-case.ts'
import { fourLetters, type Letter } from './mail-server.ts'

/** A listing of these rows. */
const listing = (...rows: readonly string[]): string =>
  `+OK\r\n${rows.map((row) => `${row}\r\n`).join('')}.\r\n`

const text = (subject: string, body = 'text\r\n'): string =>
  `From: a@example.com\r\nSubject: ${subject}\r\n\r\n${body}`

/** Of one size. */
const alike = (count: number, uniqueId: string): Letter[] =>
  Array.from({ length: count }, (_, n) => letter(`${uniqueId}-${n + 1}`, text(`number ${n + 1}`)))

for (const reply of ['5 -1522108923', '5', '0 0', '4294967295 18446744073709551615']) {
  mailCase({
    number: 'U1',
    name: `says in STAT what is not so: +OK ${reply}`,
    only: { tls: false },
    script: () => (line) => (line === 'STAT' ? `+OK ${reply}\r\n` : undefined),
    expect: { exit: 0 },
  })
}

for (const reply of ['', ' five 1', ' -1 0']) {
  mailCase({
    number: 'U2',
    name: `answers STAT without a count: +OK${reply}`,
    only: { tls: false },
    script: () => (line) => (line === 'STAT' ? `+OK${reply}\r\n` : undefined),
    expect: ({ mode }) =>
      mode === 'keep' ? { exit: 0 } : { exit: 76, code: 'POP3_OUT_OF_STEP', deleted: [] },
  })
}

mailCase({
  number: 'U25',
  name: 'answers STAT without a count, and one RETR twice, once',
  only: { tls: false, pipelining: true, mode: 'keep' },
  letters: () => alike(4, 'u'),
  script: () => {
    let isDoubled = false
    return (line, session) => {
      if (line === 'STAT') return '+OK maildrop ready\r\n'
      if (line !== 'RETR 2' || isDoubled) return undefined
      isDoubled = true
      return session.right(line).repeat(2)
    }
  },
  expect: { exit: 0 },
  recovery: { retrieved: [] },
})

mailCase({
  number: 'U26',
  name: 'answers neither STAT with a count nor LIST of one message',
  only: { tls: false },
  script: () => (line) =>
    line === 'STAT' ? '+OK\r\n' : line.startsWith('LIST ') ? '-ERR what?\r\n' : undefined,
  expect: { exit: 76, code: 'POP3_OUT_OF_STEP', deleted: [] },
  // Without a proof none was bound.
  recovery: { retrieved: fourLetters().map(({ name }) => name) },
})

mailCase({
  number: 'U3',
  name: 'shows an empty maildrop for a day, and all of it again',
  keepsAtFirst: true,
  expect: { exit: 0 },
  later: [
    {
      before: ({ maildrop }) => {
        maildrop.letters = []
      },
      expect: { exit: 0, retrieved: [] },
    },
    {
      before: ({ maildrop }) => {
        maildrop.letters = fourLetters()
      },
      expect: { exit: 0, retrieved: [] },
    },
  ],
})

mailCase({
  number: 'U4',
  name: 'lists message numbers with gaps, out of order, and rows that are none',
  script:
    () =>
    (line, { rows }) => {
      if (line !== 'UIDL' && line !== 'LIST') return undefined
      const last = line === 'LIST' ? '77' : 'no-such'
      const junk = ['0', '2147483648', '9007199254740993', '-1', '1.5', '1e0', 'one', '']
      const good = [4, 3, 1].map((n) => {
        const { listed = 0, uniqueId = '' } = rows[n - 1] ?? {}
        return `${n} ${line === 'LIST' ? listed : uniqueId}`
      })
      return listing(...junk.map((number) => `${number} ${last}`), ...good)
    },
  expect: ({ mode }) => ({
    exit: 0,
    kept: ['u-1', 'u-3', 'u-4'],
    retrieved: ['u-1', 'u-3', 'u-4'],
    deleted: mode === 'delete' ? ['u-1', 'u-3', 'u-4'] : [],
  }),
})

for (const command of ['UIDL', 'LIST']) {
  mailCase({
    number: 'U5',
    name: `lists a message number twice in ${command}`,
    script: () => (line, session) =>
      line === command
        ? session.right(line).replace(/^(3 .*\r\n)/m, `$13 ${line === 'LIST' ? 7 : 'other'}\r\n`)
        : undefined,
    expect: ({ mode }) => ({
      exit: 0,
      deleted: mode === 'delete' ? ['u-1', 'u-2', 'u-4'] : [],
    }),
  })
}

const UNIQUE_IDS: readonly (readonly [what: string, uniqueId: string])[] = [
  ['none to one message', ''],
  ['a blank in it', 'an id'],
  ['a tab in it', 'an\tid'],
  ['octets beyond ASCII', '\xe9\xff\x80'],
  ['control octets', '\x1b[31m\x00\x07'],
  ['70 octets', 'a'.repeat(70)],
  ['71 octets', 'a'.repeat(71)],
  ['1,024 octets', 'a'.repeat(1024)],
  ['1,025 octets', 'a'.repeat(1025)],
  ['100,000 octets', 'a'.repeat(100_000)],
  ['the form of a path', '../../../../tmp/popkeep-was-here'],
]
for (const [what, uniqueId] of UNIQUE_IDS) {
  // Told apart by its last octet alone, where it is long.
  const other = uniqueId.length < 70 ? 'even' : `${uniqueId.slice(1)}b`
  mailCase({
    number: 'U6',
    name: `gives unique-ids: ${what}`,
    only: { tls: false },
    keepsAtFirst: true,
    letters: () => [
      letter(uniqueId, text('odd'), { name: 'odd' }),
      letter(other, text('even', 'more text\r\n'), { name: 'even' }),
    ],
    // Both, in some order.
    expect: {
      exit: 0,
      wire: ([lines]) => expect(lines).toEqual(expect.arrayContaining(['RETR 1', 'RETR 2'])),
    },
    later: [{ expect: ({ mode }) => ({ exit: 0, ...(mode === 'keep' ? { retrieved: [] } : {}) }) }],
  })
}

for (const [what, between, behind] of [
  ['three blanks before the unique-id', '   ', ''],
  ['a tab before the unique-id', '\t', ''],
  ['blanks behind the unique-id', ' ', ' \t '],
] as const) {
  mailCase({
    number: 'U7',
    name: `writes rows with ${what}`,
    keepsAtFirst: true,
    script:
      () =>
      (line, { rows }) =>
        line === 'UIDL'
          ? listing(...rows.map(({ uniqueId }, at) => `${at + 1}${between}${uniqueId}${behind}`))
          : undefined,
    expect: { exit: 0 },
    later: [{ expect: { exit: 0, retrieved: [] } }],
    // The rows are well-formed then, and mean the same.
    recovery: { retrieved: [] },
  })
}

mailCase({
  number: 'U8',
  name: 'begins each row with +OK',
  keepsAtFirst: true,
  script:
    () =>
    (line, { rows }) => {
      if (line !== 'UIDL' && line !== 'LIST') return undefined
      return listing(
        ...rows.map((row, at) => `+OK ${at + 1} ${line === 'LIST' ? row.listed : row.uniqueId}`),
      )
    },
  expect: { exit: 0 },
  later: [{ expect: { exit: 0, retrieved: [] } }],
  recovery: { retrieved: [] },
})

const SIZES = ['-1', '%!d(float64=5461)', '', 'unknown', '18446744073709551616']
for (const size of SIZES) {
  mailCase({
    number: 'U9',
    name: `lists the size of each message as ${size || 'nothing'}`,
    only: { tls: false },
    letters: () => fourLetters().map((one) => ({ ...one, listed: size })),
    expect: { exit: 0 },
  })
}

mailCase({
  number: 'U10',
  name: 'receives a message between UIDL and LIST',
  script: ({ maildrop }) => {
    const late = letter('u-5', text('late'))
    return (line, session) => {
      if (session.index > 0) return undefined
      if (line === 'LIST') {
        maildrop.letters = [...fourLetters(), late]
        return session.right(line).replace(/\.\r\n$/, `5 ${late.listed}\r\n.\r\n`)
      }
      return undefined
    }
  },
  expect: ({ mode }) => ({
    exit: 0,
    deleted: mode === 'delete' ? ['u-1', 'u-2', 'u-3', 'u-4'] : [],
  }),
  later: [{ expect: { exit: 0, retrieved: ['u-5'] } }],
})

const endings: readonly (readonly [what: string, code: string, step: Step | undefined])[] = [
  ['ends the connection', 'NET_CLOSED', inTurn(fin(), closed())],
  ['falls silent', 'NET_TIMEOUT', undefined],
]
for (const [what, code, ending] of endings) {
  for (const command of ['UIDL', 'LIST']) {
    mailCase({
      number: 'U11',
      name: `${what} within ${command}, each time but the first`,
      keepsAtFirst: true,
      script: (stage) => (line, session) => {
        if (line !== command || session.index === 0) return undefined
        const part = session.right(line).split('\r\n').slice(0, 3).join('\r\n')
        return inTurn(send(`${part}\r\n`), ending ?? hangs(stage))
      },
      expect: { exit: 0 },
      later: [{ expect: { exit: 69, code, retrieved: [] } }],
      // Nothing was taken for gone.
      recovery: { retrieved: [] },
    })
  }
}

mailCase({
  number: 'U22',
  name: 'ends the connection behind 50,000 rows of UIDL, each time but the first',
  only: { tls: true, pipelining: true },
  keepsAtFirst: true,
  script:
    () =>
    (line, { index }) => {
      if (line !== 'UIDL' || index === 0) return undefined
      const rows = Array.from({ length: 50_000 }, (_, row) => `${row + 1} v-${row}\r\n`)
      return inTurn(send(`+OK\r\n${rows.join('')}`), fin(), closed())
    },
  expect: { exit: 0 },
  later: [{ expect: { exit: 69, code: 'NET_CLOSED', retrieved: [] } }],
  recovery: { retrieved: [] },
})
