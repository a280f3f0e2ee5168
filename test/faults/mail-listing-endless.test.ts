/** Listings without end. The limits are lowered, so that reaching them takes no time; what is done there is the same. */
import { vi } from 'vitest'
import type { Step } from '../support/scripted-server.ts'
import { mailCase } from './mail-case.ts'

vi.mock('../../src/pop3/limits.ts', async (original) => ({
  ...(await original<typeof import('../../src/pop3/limits.ts')>()),
  LISTING_ROWS: 5000,
  LISTING_ROW_OCTETS: 64 * 1024,
}))

/** Says it again and again until the client is gone. */
const endless =
  (begin: string, again: (turn: number) => string): Step =>
  async (connection) => {
    await connection.send(begin)
    for (let turn = 1; !connection.isEnded; turn += 1) await connection.send(again(turn))
  }

/** A hundred rows. */
const rows = (turn: number): string =>
  Array.from({ length: 100 }, (_, row) => `${turn * 100 + row} ${row + 1}\r\n`).join('')

for (const command of ['UIDL', 'LIST']) {
  mailCase({
    number: 'U20',
    name: `answers ${command} with rows without end`,
    keepsAtFirst: true,
    script:
      () =>
      (line, { index }) =>
        line === command && index > 0 ? endless('+OK\r\n', rows) : undefined,
    expect: { exit: 0 },
    later: [{ expect: { exit: 76, code: 'POP3_LIMIT', retrieved: [] } }],
    recovery: { retrieved: [] },
  })

  mailCase({
    number: 'U21',
    name: `answers ${command} with a row without end`,
    keepsAtFirst: true,
    script:
      () =>
      (line, { index }) =>
        line === command && index > 0 ? endless('+OK\r\n1 ', () => 'a'.repeat(8192)) : undefined,
    expect: { exit: 0 },
    later: [{ expect: { exit: 76, code: 'POP3_LIMIT', retrieved: [] } }],
    recovery: { retrieved: [] },
  })
}
