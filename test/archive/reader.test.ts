import { chmodSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { QUARANTINED_LISTED } from '../../src/archive/limits.ts'
import type { ArchiveLocation } from '../../src/archive/location.ts'
import { openForWriting } from '../../src/archive/open.ts'
import { type ArchiveReader, openReader } from '../../src/archive/reader.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { fillArchive, sampleMessage, useArchive } from './sample-archive.ts'

let folder: TemporaryFolder
beforeEach(() => {
  folder = temporaryFolder('reader')
})
afterEach(() => folder.remove())

const locations: [string, () => ArchiveLocation][] = [
  ['sqlite', () => ({ kind: 'sqlite', path: join(folder.path, 'mail.sqlite') })],
  ['maildir', () => ({ kind: 'maildir', path: join(folder.path, 'mail') })],
]

function read<T>(location: ArchiveLocation, use: (reader: ArchiveReader) => T): T {
  const reader = openReader(location)
  try {
    return use(reader)
  } finally {
    reader.close()
  }
}

describe.each(locations)('a %s archive', (_kind, at) => {
  it('lists the newest first, over pages, with receipts', () => {
    const samples = Array.from({ length: 250 }, (_, n) => ({
      octets: sampleMessage(n),
      uniqueId: `uid-${n}`,
    }))
    fillArchive(at(), samples)
    read(at(), (reader) => {
      const listed = [...reader.list()]
      expect(listed.map(({ subject }) => subject)).toEqual(
        samples.map((_, n) => `message ${249 - n}`),
      )
      expect(listed[0]).toMatchObject({
        octets: samples[249]?.octets.length,
        date: '2020-01-01T04:09:00Z',
        sender: 'Sender <sender249@example.org>',
        recipients: 'you@example.org',
        messageId: '<249@example.org>',
        receipts: [{ account: 'work', uniqueId: 'uid-249' }],
      })
      expect([...reader.list({ newest: 120 })]).toEqual(listed.slice(0, 120))
      expect([...reader.list({ newest: 0 })]).toEqual([])
    })
  })

  it('lists each message once over pages, even if all have one date', () => {
    const same = Array.from({ length: 230 }, (_, n) => ({
      octets: sampleMessage(5, `${n}\r\n`),
      uniqueId: `${n}`,
    }))
    const ids = fillArchive(at(), same)
    read(at(), (reader) => {
      expect([...reader.list()].map(({ id }) => id)).toEqual(ids.toReversed())
    })
  })

  it('lists the messages of one account, and neither removed nor foreign ones', () => {
    const [, second, third] = fillArchive(at(), [
      { octets: sampleMessage(1), uniqueId: 'a', account: 'home' },
      { octets: sampleMessage(2), uniqueId: 'b' },
      { octets: sampleMessage(3), uniqueId: 'c' },
      { octets: sampleMessage(2), uniqueId: 'd', account: 'home' },
    ])
    useArchive(at(), ({ database }) =>
      database
        .prepare('UPDATE message SET removed = 1 WHERE lower(hex(digest)) = ?')
        .run(third ?? ''),
    )
    read(at(), (reader) => {
      const [listed, ...more] = [...reader.list({ account: 'work' })]
      expect(more).toEqual([])
      expect(listed?.id).toBe(second)
      expect(listed?.receipts).toEqual([
        { account: 'work', uniqueId: 'b' },
        { account: 'home', uniqueId: 'd' },
      ])
      expect([...reader.list({ account: 'nobody' })]).toEqual([])
    })
  })

  it('gives the octets back, whatever they are', () => {
    const samples = [
      sampleMessage(1),
      new Uint8Array(),
      sampleMessage(2, 'bare\nline feed'),
      sampleMessage(3, 'x\r\n'.repeat(800_000)),
    ]
    const ids = fillArchive(
      at(),
      samples.map((octets, n) => ({ octets, uniqueId: `${n}` })),
    )
    read(at(), (reader) => {
      for (const [n, id] of ids.entries()) {
        expect(Buffer.concat([...reader.octets(id)]).equals(samples[n] as Uint8Array)).toBe(true)
      }
      expect(() => [...reader.octets('00'.repeat(32))]).toThrow(
        expect.objectContaining({ code: 'ARCHIVE_CONTENT_MISSING' }),
      )
    })
  })

  it('resolves prefixes of six digits and more', () => {
    const [id = ''] = fillArchive(at(), [{ octets: sampleMessage(1), uniqueId: 'a' }])
    useArchive(at(), ({ database }) => {
      const twin = Buffer.from(`${id.slice(0, 7)}${'0'.repeat(57)}`, 'hex')
      database
        .prepare(
          `INSERT INTO message (digest, octets, canonical, fingerprint, archived_at)
           VALUES (?, 1, x'', x'', '2020')`,
        )
        .run(new Uint8Array(twin))
    })
    read(at(), (reader) => {
      expect(reader.resolve(id.slice(0, 5))).toEqual({ type: 'tooShort' })
      expect(reader.resolve('xyzxyz')).toEqual({ type: 'tooShort' })
      expect(reader.resolve(id.slice(0, 7))).toMatchObject({ type: 'ambiguous' })
      expect(reader.resolve(id.slice(0, 9))).toEqual({ type: 'one', id })
      expect(reader.resolve(id.toUpperCase())).toEqual({ type: 'one', id })
      expect(reader.resolve(`${id}0`)).toEqual({ type: 'none' })
      expect(reader.resolve('000000')).toEqual({ type: 'none' })
    })
  })

  it('tells its state', () => {
    fillArchive(at(), [
      { octets: sampleMessage(1), uniqueId: 'a' },
      { octets: sampleMessage(1), uniqueId: 'b' },
      { octets: sampleMessage(2), uniqueId: 'c', account: 'home' },
    ])
    useArchive(at(), ({ database }) =>
      database.exec(
        `INSERT INTO receipt (account, epoch, unique_id, occurrence, octets, state, bound_at,
           first_listed, reason, attempts)
         VALUES (1, 1, x'ff', 1, 9, 'quarantined', '2026', 1, '-ERR no', 3)`,
      ),
    )
    const octets = sampleMessage(1).length
    const status = read(at(), (reader) => reader.status())
    expect(status).toMatchObject({ messages: 2, octets: 2 * octets, removed: 0 })
    expect(status.accounts.map(({ name }) => name)).toEqual(['home', 'work'])
    expect(status.accounts[1]).toMatchObject({
      host: 'work.example.org',
      messages: 1,
      octets,
      states: { stored: 2, quarantined: 1, removed: 0 },
      quarantined: [{ uniqueId: '\xff', reason: '-ERR no', attempts: 3 }],
      lastRun: { outcome: 'done', retrieved: 1 },
    })
  })

  it('tells the last good run, and what failed since', () => {
    fillArchive(at(), [{ octets: sampleMessage(1), uniqueId: 'a' }])
    const runs = (...outcomes: readonly (string | null)[]) => {
      useArchive(at(), ({ database }) => {
        database.exec('DELETE FROM run WHERE id > 1')
        const insert = database.prepare(
          'INSERT INTO run (account, started_at, outcome) VALUES (1, ?, ?)',
        )
        for (const [n, outcome] of outcomes.entries()) insert.run(`run ${n}`, outcome)
      })
      const [account] = read(at(), (reader) => reader.status()).accounts
      const { lastRun, lastGoodRun, lastFailedRun, failingSince, failedRuns } = account ?? {}
      const of = [lastRun, lastGoodRun, lastFailedRun].map((run) => run?.startedAt)
      return [...of, failingSince, failedRuns]
    }
    const first = useArchive(at(), ({ database }) =>
      database.prepare('SELECT started_at FROM run').get(),
    )?.started_at
    expect(runs()).toEqual([first, first, undefined, undefined, 0])
    expect(runs('NET_DNS', 'done')).toEqual(['run 1', 'run 1', 'run 0', undefined, 0])
    expect(runs('NET_DNS', 'done', 'NET_DNS', 'INTERRUPTED', 'LOGIN_REFUSED', null)).toEqual([
      ...['run 5', 'run 1', 'run 4', 'run 2'],
      2,
    ])
    // Ended by its owner or its deadline, or not known to have ended: neither good nor failed.
    expect(runs('INTERRUPTED', 'DEADLINE', null)).toEqual(['run 2', first, undefined, undefined, 0])
    useArchive(at(), ({ database }) => database.exec("UPDATE run SET outcome = 'NET_DNS'"))
    const [never] = read(at(), (reader) => reader.status()).accounts
    expect(never).toMatchObject({ lastGoodRun: undefined, failingSince: first, failedRuns: 4 })
  })

  it.each([0, 1])('names the first of its quarantined rows (%i more)', (more) => {
    fillArchive(at(), [{ octets: sampleMessage(1), uniqueId: 'a' }])
    const rows = QUARANTINED_LISTED + more
    useArchive(at(), ({ database }) =>
      database.exec(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
         INSERT INTO receipt (account, epoch, unique_id, occurrence, octets, state, bound_at, first_listed)
         SELECT 1, 1, CAST(i AS BLOB), 1, 9, 'quarantined', '2026', 1 FROM n`,
      ),
    )
    const [account] = read(at(), (reader) => reader.status()).accounts
    expect(account?.states.quarantined).toBe(rows)
    expect(account?.quarantined).toHaveLength(QUARANTINED_LISTED)
    expect(account?.quarantined.at(-1)?.uniqueId).toBe(`${QUARANTINED_LISTED}`)
  })

  it('is read while a run writes, and nothing is created beside it at rest', () => {
    fillArchive(at(), [{ octets: sampleMessage(1), uniqueId: 'a' }])
    const writer = openForWriting(at())
    writer.database.transaction(() =>
      expect(read(at(), (reader) => [...reader.list()])).toHaveLength(1),
    )
    writer.close()
    const before = readdirSync(folder.path, { recursive: true }).sort()
    const modes = { file: 0o400, folder: 0o500 }
    if (at().kind === 'sqlite') chmodSync(at().path, modes.file)
    chmodSync(folder.path, modes.folder)
    read(at(), (reader) => {
      const [listed] = [...reader.list()]
      expect([...reader.octets(listed?.id ?? '')]).not.toEqual([])
      reader.status()
    })
    chmodSync(folder.path, 0o700)
    expect(readdirSync(folder.path, { recursive: true }).sort()).toEqual(before)
  })
})

describe('opening', () => {
  it('refuses what is not there, not an archive, or another kind', () => {
    const path = join(folder.path, 'x')
    const open = (location: ArchiveLocation) => () => openReader(location)
    const code = (text: string) => expect.objectContaining({ code: text })
    expect(open({ kind: 'sqlite', path })).toThrow(code('ARCHIVE_NOT_FOUND'))
    expect(open({ kind: 'maildir', path })).toThrow(code('ARCHIVE_NOT_FOUND'))
    expect(readdirSync(folder.path)).toEqual([])
    writeFileSync(path, 'no database, but some text that is long enough to be one'.repeat(20))
    expect(open({ kind: 'sqlite', path })).toThrow(code('ARCHIVE_FOREIGN'))
    const maildir = join(folder.path, 'mail')
    fillArchive({ kind: 'maildir', path: maildir }, [{ octets: sampleMessage(1) }])
    const state = join(maildir, 'popkeep.sqlite')
    expect(open({ kind: 'sqlite', path: state })).toThrow(code('ARCHIVE_FOREIGN'))
  })
})
