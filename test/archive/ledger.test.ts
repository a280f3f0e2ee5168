import { createHash } from 'node:crypto'
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ThreadArchive, type ThreadLedger } from '../../src/archive/thread-archive.ts'
import type { Archive } from '../../src/sync/ports/archive.ts'
import { intakeOf } from '../support/intake.ts'
import {
  keyOf,
  mail,
  noCounts,
  octetsOf,
  openHere,
  put,
  query,
  receive,
  startWriterHere,
  sync,
  temporaryLocation,
  work,
} from './temp-archive.ts'

/** Flips a bit of this text wherever it stands in the files of a folder, in place. Returns how many there were. */
function flipBit(folder: string, text: string): number {
  let flipped = 0
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name)
    if (!statSync(path).isFile()) continue
    const octets = readFileSync(path)
    for (let at = octets.indexOf(text); at !== -1; at = octets.indexOf(text, at + 1)) {
      const descriptor = openSync(path, 'r+')
      writeSync(descriptor, Uint8Array.of((octets[at] ?? 0) ^ 1), 0, 1, at)
      closeSync(descriptor)
      flipped += 1
    }
  }
  return flipped
}

const digestOf = (octets: Uint8Array) => createHash('sha256').update(octets).digest('hex')

describe.each(['sqlite', 'maildir'] as const)('the ledger of a %s archive', (kind) => {
  const messages = (location: ReturnType<typeof temporaryLocation>) =>
    query(location, 'SELECT count(*) AS n FROM message')[0]?.n

  it("has the shape of the engine's port without importing it", () => {
    const archive: Archive = openHere(temporaryLocation(kind)) satisfies ThreadArchive
    expect(archive.openAccount).toBeTypeOf('function')
  })

  it('binds a retrieved message to its receipt, and the next run knows it', async () => {
    const location = temporaryLocation(kind)
    const stored = await sync(location, (ledger) => put(ledger, keyOf('a', 99), mail('one')))
    expect(stored).toMatchObject({ isNew: true, boundBy: 'digest', octets: mail('one').length })
    const [receipts, fingerprints] = await sync(location, async (ledger) => {
      const known = (await ledger.receipts()).all
      return [known, await ledger.fingerprints(known.map(({ id }) => id))] as const
    })
    expect(receipts).toMatchObject([
      { uniqueId: 'a', occurrence: 1, octets: 99, state: 'stored', absent: false },
    ])
    expect(fingerprints.get(receipts[0]?.id ?? 0)).toMatch(/^[0-9a-f]{2,}$/)
  })

  it('keeps unique-ids of any octets, and sizes that are unknown', async () => {
    const location = temporaryLocation(kind)
    const names = ['123', ' ', 'a b', '\u00ff\u0000\u0080', "'; DROP"]
    await sync(location, async (ledger) => {
      const all = names.map((name) => put(ledger, keyOf(name, undefined), mail(name)))
      await ledger.flush()
      await Promise.all(all)
    })
    const receipts = await sync(location, async (ledger) => (await ledger.receipts()).all)
    expect(receipts.map(({ uniqueId }) => uniqueId).sort()).toEqual(names.sort())
    expect(receipts.every(({ octets }) => octets === undefined)).toBe(true)
    expect(
      query(location, "SELECT typeof(unique_id) AS t FROM receipt WHERE unique_id = '123'"),
    ).toEqual([{ t: 'text' }])
  })

  it('stores the same octets once, within a group and across accounts', async () => {
    const location = temporaryLocation(kind)
    const stored = await sync(location, async (ledger) => {
      const both = [put(ledger, keyOf('a'), mail('one')), put(ledger, keyOf('b'), mail('one'))]
      await ledger.flush()
      return Promise.all(both)
    })
    expect(stored.map(({ isNew }) => isNew)).toEqual([true, false])
    expect(stored[0]?.message).toBe(stored[1]?.message)
    const home = { ...work, name: 'home', user: 'other' }
    const again = await sync(location, (ledger) => put(ledger, keyOf('a'), mail('one')), home)
    expect(again).toMatchObject({ isNew: false, boundBy: 'digest' })
    expect(messages(location)).toBe(1)
    expect(query(location, 'SELECT count(*) AS n FROM receipt')).toEqual([{ n: 3 }])
  })

  it('rebinds the same key instead of adding a receipt', async () => {
    const location = temporaryLocation(kind)
    await sync(location, (ledger) => put(ledger, keyOf('a', 5), mail('one')))
    await sync(location, (ledger) => put(ledger, keyOf('a', 5), mail('two')))
    await sync(location, (ledger) => put(ledger, keyOf('a', 6), mail('two')))
    const receipts = await sync(location, async (ledger) => (await ledger.receipts()).all)
    expect(receipts.map(({ octets }) => octets)).toEqual([5, 6])
    expect(receipts[0]?.message).toBe(receipts[1]?.message)
  })

  it('does not add receipts for rows without unique-id that come again', async () => {
    const location = temporaryLocation(kind)
    const run = () =>
      sync(location, async (ledger) => {
        const both = [
          put(ledger, keyOf(undefined, 5), mail('x')),
          put(ledger, keyOf(undefined, 5), mail('x')),
        ]
        await ledger.flush()
        return (await Promise.all(both)).map(({ receipt }) => receipt)
      })
    const first = await run()
    expect(new Set(first).size).toBe(2)
    expect(await run()).toEqual(first)
  })

  describe('recognition by canonical digest', () => {
    const altered = octetsOf(`X-UIDL: 77\r\n${Buffer.from(mail('one')).toString('latin1')}\r\n`)

    it('is refused where the account did not ask for it', async () => {
      const location = temporaryLocation(kind)
      await sync(location, (ledger) => put(ledger, keyOf('a'), mail('one')))
      const stored = await sync(location, (ledger) => put(ledger, keyOf('b'), altered))
      expect(stored).toMatchObject({ isNew: true, boundBy: 'digest' })
      expect(messages(location)).toBe(2)
    })

    it('binds to the first octets where it was asked for', async () => {
      const location = temporaryLocation(kind)
      const first = await sync(location, (ledger) => put(ledger, keyOf('a'), mail('one')))
      const stored = await sync(location, (ledger) => put(ledger, keyOf('b'), altered, true))
      expect(stored).toMatchObject({ isNew: false, boundBy: 'canonical', message: first.message })
      expect(messages(location)).toBe(1)
    })

    it('never binds to a row of the present listing, claimed or retrieved', async () => {
      const location = temporaryLocation(kind)
      await sync(location, (ledger) => put(ledger, keyOf('a'), mail('one')))
      await sync(location, async (ledger) => {
        await ledger.claim((await ledger.receipts()).all.map(({ id }) => id))
        expect(await put(ledger, keyOf('b'), altered, true)).toMatchObject({ isNew: true })
      })
      const other = temporaryLocation(kind)
      const stored = await sync(other, async (ledger) => {
        const both = [
          put(ledger, keyOf('a'), mail('one'), true),
          put(ledger, keyOf('b'), altered, true),
        ]
        await ledger.flush()
        return Promise.all(both)
      })
      expect(stored.map(({ isNew }) => isNew)).toEqual([true, true])
    })

    it.each([
      ['one commit', 'none'],
      ['two commits', 'flush'],
      ['two runs', 'run'],
    ])('gives a message back to the row that is it, in %s', async (_, between) => {
      const location = temporaryLocation(kind)
      // Nobody said that the session was in step: there is no receipt.
      await sync(location, async (ledger) => {
        void receive(ledger, keyOf('a'), mail('one'))
        await ledger.flush()
      })
      const take = (ledger: ThreadLedger) => {
        const stored = receive(ledger, keyOf('b'), altered)
        ledger.inStep()
        return stored
      }
      const give = async (ledger: ThreadLedger) => {
        const stored = await put(ledger, keyOf('a'), mail('one'))
        expect(stored).toMatchObject({ isNew: false, boundBy: 'digest' })
      }
      if (between === 'run') {
        await sync(location, take)
        // Whether it shows the other row or not.
        await sync(location, give)
      } else {
        await sync(location, async (ledger) => {
          const taken = take(ledger)
          if (between === 'flush') await taken
          await give(ledger)
          const { receipt } = await taken
          expect(receipt === undefined).toBe(between === 'none')
        })
      }
      const left = await sync(location, async (ledger) => (await ledger.receipts()).all)
      expect(left).toMatchObject([{ uniqueId: 'a', boundBy: 'digest' }])
      // The row is new to the next session, which stores its octets.
      await sync(location, async (ledger) => {
        await ledger.claim(left.map(({ id }) => id))
        expect(await put(ledger, keyOf('b'), altered)).toMatchObject({ isNew: true })
      })
      expect(messages(location)).toBe(2)
    })

    it('does not reach into another account', async () => {
      const location = temporaryLocation(kind)
      await sync(location, (ledger) => put(ledger, keyOf('a'), mail('one')))
      const home = { ...work, name: 'home', user: 'other' }
      const stored = await sync(location, (ledger) => put(ledger, keyOf('b'), altered, true), home)
      expect(stored).toMatchObject({ isNew: true })
    })
  })

  it('keeps nothing of an abandoned message', async () => {
    const location = temporaryLocation(kind)
    await sync(location, async (ledger) => {
      const { sink, stored } = intakeOf(ledger, keyOf('a'))
      void sink.write(mail('one', 'x'.repeat(3 * 1024 * 1024)))
      sink.abandon()
      await expect(stored).rejects.toMatchObject({ name: 'ArchiveError' })
      await ledger.flush()
    })
    expect(messages(location)).toBe(0)
    if (kind === 'sqlite') expect(query(location, 'SELECT * FROM piece')).toEqual([])
  })

  it('proves what it can read back, and nothing that was altered or is missing', async () => {
    const location = temporaryLocation('sqlite')
    const stored = await sync(location, async (ledger) => {
      const all = ['one', 'two', 'three'].map((name) => put(ledger, keyOf(name), mail(name)))
      await ledger.flush()
      return (await Promise.all(all)).map(({ message }) => message)
    })
    const { openDatabase } = await import('../../src/sqlite/driver.ts')
    const database = openDatabase(location.path, { isReadOnly: false })
    database.prepare("UPDATE content SET octets = x'00' WHERE message = ?").run(stored[1] ?? 0)
    database.prepare('DELETE FROM content WHERE message = ?').run(stored[2] ?? 0)
    database.close()
    const proven = await sync(location, (ledger) => ledger.prove([...stored, 4711]))
    expect([...proven]).toEqual([[stored[0], digestOf(mail('one'))]])
  })

  it('proves by the files, and not by what it wrote a moment ago', async () => {
    const location = temporaryLocation(kind)
    const body = 'octets that are somewhere in a file'
    const proven = await sync(location, async (ledger) => {
      const all = ['one', 'two', 'three'].map((name) =>
        put(ledger, keyOf(name), mail(name, `${name}: ${body}`)),
      )
      await ledger.flush()
      const ids = (await Promise.all(all)).map(({ message }) => message)
      expect((await ledger.prove(ids)).size).toBe(3)
      expect(flipBit(dirname(location.path), `two: ${body}`)).toBeGreaterThan(0)
      return [...(await ledger.prove(ids)).values()]
    })
    expect(proven).toEqual([
      digestOf(mail('one', `one: ${body}`)),
      digestOf(mail('three', `three: ${body}`)),
    ])
  })

  it('records what a listing showed', async () => {
    const location = temporaryLocation(kind)
    await sync(location, async (ledger) => {
      for (const name of ['a', 'b', 'c']) void put(ledger, keyOf(name), mail(name))
      await ledger.flush()
      const [a, b, c] = (await ledger.receipts()).all.map(({ id }) => id) as [
        number,
        number,
        number,
      ]
      await ledger.deleteSent([a, b])
      await ledger.recordListing({ deleted: [a], undeleted: [b], absent: [a, c], present: [] })
    })
    await sync(location, async (ledger) => {
      const receipts = (await ledger.receipts()).all
      expect(receipts.map(({ state, absent }) => [state, absent])).toEqual([
        ['deleted', true],
        ['stored', false],
        ['stored', true],
      ])
      await ledger.recordListing({
        deleted: [],
        undeleted: [],
        absent: [],
        present: [receipts[2]?.id ?? 0],
      })
      expect((await ledger.receipts()).all[2]?.absent).toBe(false)
    })
  })

  it('counts deletions that were answered, also through a second retrieval', async () => {
    const location = temporaryLocation(kind)
    const attempts = () =>
      query(location, 'SELECT attempts FROM receipt ORDER BY id').map((row) => row.attempts)
    const stored = await sync(location, async (ledger) => {
      const both = [put(ledger, keyOf('a'), mail('one')), put(ledger, keyOf('b'), mail('two'))]
      await ledger.flush()
      const ids = (await Promise.all(both)).map(({ receipt }) => receipt)
      await ledger.deleteSent(ids)
      await ledger.deleteTried(ids)
      return ids
    })
    expect(attempts()).toEqual([1, 1])
    await sync(location, async (ledger) => {
      const [a = 0, b = 0] = stored
      await ledger.recordListing({ deleted: [b], undeleted: [a], absent: [b], present: [] })
      await put(ledger, keyOf('a'), mail('one'))
      await ledger.deleteTried([a])
      expect((await ledger.receipts()).all.map((r) => r.attempts)).toEqual([2, undefined])
    })
    expect(attempts()).toEqual([2, 0])
    await sync(location, (ledger) => put(ledger, keyOf('a'), mail('another')))
    expect(attempts()).toEqual([0, 0])
  })

  it('tells what matters to deletion', async () => {
    const location = temporaryLocation(kind)
    const text = Buffer.from('Date: Mon, 2 Jan 2012 10:00:00 +0000\r\nSubject: hello\r\n\r\n')
    await sync(location, async (ledger) => {
      const { message } = await put(ledger, keyOf('a'), text)
      const traits = await ledger.traits([message, 4711])
      expect([...traits]).toMatchObject([
        [
          message,
          {
            ...{ octets: text.length, date: Date.parse('2012-01-02T10:00:00Z') },
            ...{ subject: 'hello', isShort: false },
          },
        ],
      ])
      expect(Date.now() - (traits.get(message)?.archivedAt ?? 0)).toBeLessThan(3_600_000)
    })
  })

  it('counts the attempts of a row that cannot be retrieved', async () => {
    const location = temporaryLocation(kind)
    for (const key of [keyOf('a', 7), keyOf('a', 7), keyOf(undefined, 7), keyOf(undefined, 7)]) {
      await sync(location, (ledger) => ledger.quarantine(key, 'no such message'))
    }
    expect(query(location, 'SELECT state, reason, attempts, message FROM receipt')).toEqual([
      { state: 'quarantined', reason: 'no such message', attempts: 2, message: null },
      { state: 'quarantined', reason: 'no such message', attempts: 2, message: null },
    ])
    await sync(location, (ledger) => put(ledger, keyOf('a', 7), mail('at last')))
    const receipts = await sync(location, async (ledger) => (await ledger.receipts()).all)
    const named = receipts.find(({ uniqueId }) => uniqueId === 'a')
    expect(named).toMatchObject({ state: 'stored', boundBy: 'digest' })
  })

  it('binds rows to messages without retrieving them', async () => {
    const location = temporaryLocation(kind)
    await sync(location, async (ledger) => {
      const stored = put(ledger, keyOf('a', 5), mail('one'))
      await ledger.flush()
      const { message } = await stored
      await ledger.bind([{ key: keyOf('renamed', 5), message, by: 'fingerprint' }])
      expect((await ledger.receipts()).all).toMatchObject([
        { uniqueId: 'a' },
        { uniqueId: 'renamed', message, boundBy: 'fingerprint' },
      ])
    })
  })

  it('begins a run with its first write, and says when it was opened', async () => {
    const location = temporaryLocation(kind)
    await sync(location, (ledger) => put(ledger, keyOf('a'), mail('one')))
    let now = 1000
    const archive = new ThreadArchive(location, () => startWriterHere(() => now))
    const ledger = await archive.openAccount(work, { configured: new Set(['work']) })
    now = 2000
    await ledger.learn({ capabilities: ['TOP'] })
    const [{ id = 0 } = {}] = (await ledger.receipts()).all
    const runs = () => query(location, 'SELECT started_at, outcome FROM run ORDER BY id')
    expect(runs()).toMatchObject([{ outcome: 'done' }])
    expect(query(location, 'SELECT capabilities FROM account')).toEqual([{ capabilities: null }])
    await ledger.recordListing({ deleted: [], undeleted: [], absent: [id], present: [] })
    const begun = { started_at: '1970-01-01T00:00:01.000Z', outcome: null }
    expect(runs()).toMatchObject([{ outcome: 'done' }, begun])
    expect(query(location, 'SELECT capabilities FROM account')).toEqual([{ capabilities: 'TOP' }])
    expect(query(location, 'SELECT absent_since FROM receipt')).toEqual([{ absent_since: 2 }])
    await ledger.finish(noCounts, 'done')
    expect(runs()).toMatchObject([{ outcome: 'done' }, { outcome: 'done' }])
  })

  it('records each run, and what it learned of the server', async () => {
    const location = temporaryLocation(kind)
    const facts = { capabilities: ['TOP', 'UIDL'], pipeliningFailedAt: '2026-01-01T00:00:00.000Z' }
    const ledger = await openHere(location).openAccount(work, { configured: new Set(['work']) })
    await ledger.learn(facts)
    await ledger.finish({ ...noCounts, listed: 3, failed: 1 }, 'POP3_LIMIT')
    expect(query(location, 'SELECT listed, failed, outcome FROM run')).toEqual([
      { listed: 3, failed: 1, outcome: 'POP3_LIMIT' },
    ])
    const next = await openHere(location).openAccount(work, { configured: new Set(['work']) })
    expect(next.facts).toMatchObject({ ...facts, lastMisled: false })
    await next.finish(noCounts, 'done')
  })
})
