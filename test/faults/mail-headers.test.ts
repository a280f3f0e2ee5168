/** Replies to TOP that are not those of the commands: a header in its neighbour's place binds a row to another message. */
import { type Letter, letter, mailCase } from './mail-case.ts'

const text = (n: number): string =>
  `From: a@example.com\r\nSubject: number ${String(n).padStart(3, '0')}\r\n\r\ntext\r\n`

/** Twelve of one size, so that nothing but their headers tells them apart. */
const before = (): Letter[] =>
  Array.from({ length: 12 }, (_, n) => letter(`old-${n}`, text(n), { name: `m${n}` }))

/** The same under new unique-ids, and a new one among them. */
const renumbered = (): Letter[] => {
  const texts = before().map(({ name }, n) => ({ name, text: text(n) }))
  texts.splice(5, 0, { name: 'new', text: text(99) })
  return texts.map((one, n) => letter(`new-${n}`, one.text, { name: one.name }))
}

/** Nothing is bound, retrieved or deleted. One at a time, no other session is begun for it. */
const outOfStep = { exit: 76, code: 'POP3_OUT_OF_STEP', retrieved: [], deleted: [] }

for (const [what, times] of [
  ['twice', 2],
  ['not at all', 0],
] as const) {
  mailCase({
    number: 'U27',
    name: `gives new unique-ids to all messages, and answers one TOP ${what}, once`,
    keepsAtFirst: true,
    // One at a time, a reply that does not come ends the session by its time.
    only: times === 0 ? { pipelining: true } : {},
    letters: before,
    script: () => {
      let isMixed = false
      return (line, session) => {
        if (line !== 'TOP 3 0' || isMixed) return undefined
        isMixed = true
        return session.right(line).repeat(times)
      }
    },
    expect: { exit: 0 },
    later: [
      {
        before: ({ maildrop }) => {
          maildrop.letters = renumbered()
        },
        expect: ({ mode, pipelining }) =>
          pipelining
            ? { exit: 0, ...(mode === 'keep' ? { retrieved: ['new'] } : {}) }
            : { ...outOfStep, kept: before().map(({ name }) => name) },
      },
    ],
    recovery: ({ mode, pipelining }) => ({
      ...(pipelining ? { retrieved: [] } : mode === 'keep' ? { retrieved: ['new'] } : {}),
    }),
  })
}
