/** The time from which `--delete-after` counts. */
import { describe, expect, it } from 'vitest'
import type { ReceiptKey } from '../../src/archive/receipts.ts'
import { ThreadArchive, type ThreadLedger } from '../../src/archive/thread-archive.ts'
import {
  keyOf,
  mail,
  noCounts,
  put,
  startWriterHere,
  temporaryLocation,
  work,
} from './temp-archive.ts'

const DAY = 24 * 3600 * 1000

describe.each(['sqlite', 'maildir'] as const)('the clock of a message in a %s archive', (kind) => {
  it('goes on under another unique-id, size or way to recognise it, for each account its own', async () => {
    const location = temporaryLocation(kind)
    let now = Date.parse('2026-01-01T00:00:00Z')
    const run = async (act: (ledger: ThreadLedger) => Promise<unknown>, identity = work) => {
      const archive = new ThreadArchive(location, () => startWriterHere(() => now))
      const ledger = await archive.openAccount(identity, { configured: new Set(['work', 'home']) })
      await act(ledger)
      const receipts = (await ledger.receipts()).all
      await ledger.finish(noCounts, 'done')
      now += 10 * DAY
      return receipts
        .toSorted((a, b) => a.id - b.id)
        .map(({ boundAt }) => new Date(boundAt).toISOString().slice(0, 10))
    }
    const first = '2026-01-01'
    expect(await run((ledger) => put(ledger, keyOf('a', 5), mail('one')))).toEqual([first])
    const bind = (key: ReceiptKey, by: 'fingerprint' | 'recount') =>
      run((ledger) => ledger.bind([{ key, message: 1, by }]))
    expect(await bind(keyOf('renumbered', 5), 'fingerprint')).toEqual([first, first])
    expect(await bind(keyOf('renumbered', 6), 'recount')).toEqual([first, first, first])
    const again = (ledger: ThreadLedger) => put(ledger, keyOf('b', 6), mail('one'))
    expect((await run(again)).at(-1)).toBe(first)
    expect((await run((ledger) => put(ledger, keyOf('b', 6), mail('two')))).at(-1)).toBe(
      '2026-02-10',
    )
    const home = { ...work, name: 'home', user: 'other' }
    expect(await run(again, home)).toEqual(['2026-02-20'])
  })
})
