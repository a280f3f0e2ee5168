/** Messages that are not the same octets when they are retrieved once more. */
import { expect } from 'vitest'
import { type Letter, letter, type MailCase, mailCase } from './mail-case.ts'

const text = (n: number): string =>
  `From: a@example.com\r\nSubject: number ${n}\r\n\r\n${'a line\r\n'.repeat(n)}`
const names = [1, 2, 3, 4].map((n) => `u-${n}`)
const changedNames = names.map((name) => `${name}, changed`)

const changes: readonly [what: string, change: (text: string) => string][] = [
  [
    'a Status in its header',
    (before) => before.replace('\r\nSubject', '\r\nStatus: RO\r\nX-Status: A\r\nSubject'),
  ],
  ['a blank line at its end', (before) => `${before}\r\n`],
]

/** What each message has become; it is known by another name. */
const changed = (letters: readonly Letter[], change: (text: string) => string): Letter[] =>
  letters.map(({ uniqueId, octets }) =>
    letter(uniqueId, change(octets.toString('latin1')), { name: `${uniqueId}, changed` }),
  )

for (const [what, change] of changes) {
  const second: NonNullable<MailCase['later']>[number] = {
    before: ({ maildrop }) => {
      maildrop.letters = changed(maildrop.letters, change)
    },
    expect: { exit: 0, kept: names, retrieved: changedNames },
  }
  mailCase({
    number: 'M28',
    name: `hands out what was retrieved before with ${what}, where it has neither UIDL nor TOP`,
    only: { mode: 'keep' },
    capabilities: (usual) => usual.filter((one) => one !== 'UIDL' && one !== 'TOP'),
    letters: () => [1, 2, 3, 4].map((n) => letter(`u-${n}`, text(n))),
    script: () => (line) => (/^(UIDL|TOP)/.test(line) ? '-ERR unknown command\r\n' : undefined),
    expect: { exit: 0 },
    later: [second],
    recovery: { kept: names },
  })
}

mailCase({
  number: 'M29',
  name: 'makes up another message, with other boundaries each time, where UTF8 was not said',
  capabilities: ['UTF8'],
  letters: () => [1, 2, 3, 4].map((n) => letter(`u-${n}`, `X: \xc3\xa4\r\n${text(n)}`)),
  script: () => (line, session) =>
    line.startsWith('RETR ') && !session.lines.includes('UTF8')
      ? `+OK\r\nboundary: ${session.index}-${session.lines.length}\r\n\r\nsurrogate\r\n.\r\n`
      : undefined,
  expect: {
    exit: 0,
    wire: (sessions) => {
      for (const lines of sessions) expect(lines).toContain('UTF8')
    },
  },
})
