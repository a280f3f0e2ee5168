import { fsyncSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { ContentStore } from '../../src/archive/content.ts'
import type { Stored } from '../../src/archive/group-commit.ts'
import type { ArchiveLocation } from '../../src/archive/location.ts'
import { openForWriting, type WritableArchive } from '../../src/archive/open.ts'
import { ReceiptList } from '../../src/archive/receipt-columns.ts'
import { ArchiveWriter } from '../../src/archive/writer.ts'
import type { WriterLedger } from '../../src/archive/writer-ledger.ts'
import { type FsyncCall, Syncs } from '../../src/durable/syncs.ts'
import { createMessageSummarizer } from '../../src/message/summary.ts'
import type { Database } from '../../src/sqlite/database.ts'
import { keyOf, mail, noCounts, query, temporaryLocation, work } from './temp-archive.ts'

const failure = (code: string) => Object.assign(new Error(code), { code, syscall: 'fsync' })

/** A writer whose timers are pulled by hand, over an archive with a fault. */
function open(
  kind: 'sqlite' | 'maildir',
  change: (archive: WritableArchive) => WritableArchive,
  syncs?: Syncs,
) {
  const location = temporaryLocation(kind)
  const timers = new Set<() => void>()
  const writer = new ArchiveWriter(change(openForWriting(location, undefined, syncs)), {
    now: () => 0,
    startTimer: (act) => {
      timers.add(act)
      return () => timers.delete(act)
    },
  })
  const { ledger } = writer.openAccount(work, new Set(['work']))
  return { location, writer, ledger, timers }
}

const withContent = (change: Partial<ContentStore>) => (archive: WritableArchive) => ({
  ...archive,
  content: { ...archive.content, ...change },
  share: () => archive.share(),
})

const withDatabase =
  (change: (database: Database) => Partial<Database>) => (archive: WritableArchive) => ({
    ...archive,
    database: { ...archive.database, ...change(archive.database) },
    share: () => archive.share(),
  })

/** One message, and word that the session was in step. */
function put(ledger: WriterLedger, name: string, octets = mail(name)) {
  const outcome = receive(ledger, name, octets)
  ledger.inStep()
  return outcome
}

function receive(ledger: WriterLedger, name: string, octets = mail(name)) {
  const outcome: { stored?: Stored; error?: unknown } = {}
  const intake = ledger.intake(
    keyOf(name),
    { byCanonical: false },
    {
      stored: (result) => {
        outcome.stored = result
      },
      failed: (error) => {
        outcome.error = error
      },
    },
  )
  const summarizer = createMessageSummarizer()
  summarizer.write(octets)
  intake.write(octets)
  intake.end(summarizer.end())
  return outcome
}

describe('an intake', () => {
  it('fails the archive where its octets are not as many as were summarized', () => {
    const { ledger, writer } = open('sqlite', (archive) => archive)
    const errors: unknown[] = []
    const outcome = { stored: () => undefined, failed: (error: unknown) => errors.push(error) }
    const intake = ledger.intake(keyOf('a'), { byCanonical: false }, outcome)
    const summarizer = createMessageSummarizer()
    summarizer.write(mail('a'))
    intake.write(mail('a').subarray(1))
    intake.end(summarizer.end())
    expect(errors).toMatchObject([{ message: 'a summary is not that of its octets' }])
    expect(ledger.hasFailed()).toBe(true)
    writer.close()
  })
})

describe('group commit', () => {
  const plain = (archive: WritableArchive) => archive

  it('waits for its timer, and then reports what is durable', () => {
    const { ledger, writer, timers, location } = open('sqlite', plain)
    const outcome = put(ledger, 'one')
    expect(outcome).toEqual({})
    expect(query(location, 'SELECT * FROM message')).toEqual([])
    expect(timers.size).toBe(1)
    for (const act of timers) act()
    expect(outcome.stored?.isNew).toBe(true)
    expect(query(location, 'SELECT count(*) AS n FROM message')).toEqual([{ n: 1 }])
    expect(timers.size).toBe(0)
    writer.close()
  })

  it('commits at 1,000 messages, not at 999', () => {
    const { ledger, writer } = open('sqlite', plain)
    const outcomes = Array.from({ length: 999 }, (_, index) => put(ledger, `m${index}`))
    expect(outcomes.some(({ stored }) => stored)).toBe(false)
    put(ledger, 'last')
    expect(outcomes.every(({ stored }) => stored)).toBe(true)
    writer.close()
  })

  it('commits at 8 MiB', () => {
    const { ledger, writer } = open('sqlite', plain)
    const octets = 8 * 1024 * 1024
    const small = put(ledger, 'small', new Uint8Array(octets - 1))
    expect(small.stored).toBeUndefined()
    put(ledger, 'one', new Uint8Array(1))
    expect(small.stored?.octets).toBe(octets - 1)
    writer.close()
  })

  it('begins with what waits, whoever writes next', () => {
    const { ledger, writer } = open('sqlite', plain)
    const outcome = put(ledger, 'one')
    ledger.quarantine(keyOf('b'), 'no')
    expect(outcome.stored).toBeDefined()
    writer.close()
  })
})

describe('while files are being synced', () => {
  /** fsyncs that end when they are let: with an error, if one is given. */
  function held() {
    const ends: ((code?: string) => Promise<void>)[] = []
    const fsync = ((descriptor: number, done: (error: Error | null) => void) => {
      ends.push(async (code) => {
        fsyncSync(descriptor)
        done(code === undefined ? null : failure(code))
        await new Promise((resolve) => setImmediate(resolve))
      })
    }) as FsyncCall['fsync']
    return { ends, ...open('maildir', (archive) => archive, new Syncs({ fsync })) }
  }

  it('nothing is committed before a message that is not ready, and none twice', async () => {
    const { ends, ledger, location, writer } = held()
    const first = put(ledger, 'first')
    const slow = put(ledger, 'slow')
    const twin = put(ledger, 'twin of slow', mail('slow'))
    const last = put(ledger, 'last')
    expect(ends).toHaveLength(3)
    await ends[0]?.()
    await ends[2]?.()
    ledger.quarantine(keyOf('b'), 'no')
    expect([first, slow, twin, last].map(({ stored }) => stored?.isNew)).toEqual([
      true,
      ...[undefined, undefined, undefined],
    ])
    expect(readdirSync(`${location.path}/new`)).toHaveLength(1)
    await ends[1]?.()
    ledger.flush()
    expect([slow, twin, last].map(({ stored }) => stored?.isNew)).toEqual([true, false, true])
    expect(readdirSync(`${location.path}/new`)).toHaveLength(3)
    expect(readdirSync(`${location.path}/tmp`)).toEqual([])
    writer.close()
  })

  it('the timer, or the 1,000th message, commits when those are ready that wait then', async () => {
    const { ends, ledger, timers, writer } = held()
    const one = put(ledger, 'one')
    for (const act of timers) act()
    const two = put(ledger, 'two')
    expect(one.stored).toBeUndefined()
    await ends[0]?.()
    expect([one.stored?.isNew, two.stored]).toEqual([true, undefined])
    await ends[1]?.()
    const more = Array.from({ length: 999 }, (_, index) => put(ledger, `m${index}`))
    for (const end of ends.slice(2, -1)) await end()
    expect(two.stored).toBeUndefined()
    await ends.at(-1)?.()
    expect([two, ...more].every(({ stored }) => stored?.isNew)).toBe(true)
    writer.close()
  })

  it('a failed one fails all that waits, and nothing of it is seen', async () => {
    const { ends, ledger, timers, location, writer } = held()
    const outcomes = ['one', 'two', 'three'].map((name) => put(ledger, name))
    await ends[0]?.()
    await ends[1]?.('EIO')
    for (const act of timers) act()
    await ends[2]?.()
    for (const { stored, error } of [...outcomes, put(ledger, 'later')]) {
      expect(stored).toBeUndefined()
      expect(error).toMatchObject({ name: 'ArchiveError', code: 'ARCHIVE_IO' })
    }
    expect(ledger.hasFailed()).toBe(true)
    expect(readdirSync(`${location.path}/new`)).toEqual([])
    expect(readdirSync(`${location.path}/tmp`)).toEqual([])
    writer.close()
  })

  it('an account does not end', async () => {
    const { ends, ledger, location, writer } = held()
    put(ledger, 'one')
    expect(() => ledger.finish(noCounts, 'done')).toThrow('not ready')
    await ends[0]?.()
    ledger.finish(noCounts, 'done')
    expect(query(location, 'SELECT outcome FROM run')).toEqual([{ outcome: 'done' }])
    writer.close()
  })
})

describe.each([
  [
    'publishing fails (fsync: EIO)',
    'ARCHIVE_IO',
    'maildir',
    withContent({
      publish: () => {
        throw failure('EIO')
      },
    }),
  ],
  [
    'the content row does not fit (ENOSPC)',
    'ARCHIVE_FULL',
    'sqlite',
    withContent({
      attach: () => {
        throw Object.assign(new Error('full'), { code: 'SQLITE_FULL' })
      },
    }),
  ],
  [
    'COMMIT fails',
    'ARCHIVE_IO',
    'sqlite',
    (archive: WritableArchive) => {
      let transactions = 0
      return withDatabase((database) => ({
        transaction: (body) =>
          database.transaction(() => {
            const result = body()
            transactions += 1
            if (transactions === 3)
              throw Object.assign(new Error('io'), { code: 'SQLITE_IOERR_FSYNC' })
            return result
          }),
      }))(archive)
    },
  ],
] as const)('when %s', (_name, code, kind, change) => {
  it('nothing of the group is stored, and nothing is stored, proven or deleted any more', () => {
    const { ledger, writer, location } = open(kind, change)
    // For COMMIT this is the group that succeeds, so that there is something to prove.
    const first = put(ledger, 'first')
    ledger.flush()
    const group = [put(ledger, 'one'), put(ledger, 'two')]
    ledger.flush()
    for (const { stored, error } of group) {
      expect(stored).toBeUndefined()
      expect(error).toMatchObject({ name: 'ArchiveError', code })
    }
    const later = put(ledger, 'later')
    expect(later.error).toBe(group[0]?.error)
    expect(ledger.prove(first.stored ? [first.stored.message] : []).size).toBe(0)
    expect(ledger.hasFailed()).toBe(true)
    expect(() => ledger.deleteSent([1])).toThrow(expect.objectContaining({ code }))
    ledger.finish(noCounts, code)
    writer.close()
    expect(query(location, 'SELECT count(*) AS n FROM message')).toEqual([
      { n: first.stored ? 1 : 0 },
    ])
    expect(query(location, 'SELECT outcome FROM run')).toEqual([{ outcome: null }])
  })
})

describe('when staging a large message fails', () => {
  it('the message is refused and the archive fails', () => {
    let pieces = 0
    const { ledger, writer } = open(
      'sqlite',
      withContent({
        draft: () => ({
          write: () => {
            pieces += 1
            if (pieces === 2) throw Object.assign(new Error('full'), { code: 'SQLITE_FULL' })
          },
          seal: () => undefined,
          isReady: true,
          discard: () => undefined,
        }),
      }),
    )
    const waiting = put(ledger, 'one')
    const refused = put(ledger, 'two')
    expect(refused.error).toMatchObject({ code: 'ARCHIVE_FULL' })
    expect(waiting.error).toBe(refused.error)
    writer.close()
  })
})

describe('another run that stores the same octets meanwhile', () => {
  const noTimer = { now: () => 0, startTimer: () => () => undefined }
  const home = { ...work, name: 'home', user: 'x' }
  const enter = (location: ArchiveLocation) => {
    const writer = new ArchiveWriter(openForWriting(location), noTimer)
    return { writer, ledger: writer.openAccount(home, new Set(['home', 'work'])).ledger }
  }
  const large = mail('large', 'line of text\r\n'.repeat(200_000))

  it.each([
    ['sqlite', 'small', mail('one')],
    ['sqlite', 'large', large],
    ['maildir', 'small', mail('one')],
    ['maildir', 'large', large],
  ] as const)('is found at the commit (%s, %s)', (kind, _size, octets) => {
    const { ledger, writer, location } = open(kind, (archive) => archive)
    const other = enter(location)
    const mine = put(ledger, 'one', octets)
    const theirs = put(other.ledger, 'one', octets)
    other.ledger.flush()
    ledger.flush()
    expect(mine.stored?.message).toBe(theirs.stored?.message)
    expect(mine.stored?.isNew).toBe(false)
    expect(ledger.prove([mine.stored?.message ?? 0]).size).toBe(1)
    if (kind === 'maildir') {
      expect(readdirSync(`${location.path}/new`)).toHaveLength(1)
      expect(readdirSync(`${location.path}/tmp`)).toEqual([])
    } else {
      const staged =
        'SELECT count(*) AS n FROM piece WHERE series NOT IN (SELECT series FROM content)'
      expect(query(location, staged)).toEqual([{ n: 0 }])
    }
    writer.close()
    other.writer.close()
    expect(query(location, 'SELECT count(*) AS n FROM message')).toEqual([{ n: 1 }])
    expect(query(location, 'PRAGMA journal_mode')).toEqual([{ journal_mode: 'delete' }])
  })

  it('costs no receipt if the spare octets cannot be discarded', () => {
    const { ledger, writer, location } = open('sqlite', (archive) =>
      withContent({
        draft: () => {
          const draft = archive.content.draft()
          draft.discard = () => {
            // SQLite rolls back by itself when the disk is full.
            archive.database.exec('ROLLBACK')
          }
          return draft
        },
      })(archive),
    )
    const other = enter(location)
    const mine = put(ledger, 'one')
    put(other.ledger, 'one')
    other.ledger.flush()
    ledger.flush()
    expect(mine.stored?.isNew).toBe(false)
    expect(query(location, 'SELECT count(*) AS n FROM receipt')).toEqual([{ n: 2 }])
    writer.close()
    other.writer.close()
  })
})

describe('a message that its owner removed from the Maildir', () => {
  it('stays removed where the server did not delete it', async () => {
    const { ledger, writer, location } = open('maildir', (archive) => archive)
    put(ledger, 'one')
    ledger.flush()
    const [receipt] = new ReceiptList(ledger.receipts()).all
    ledger.deleteSent([receipt?.id ?? 0])
    ledger.finish(noCounts, 'done')
    writer.close()
    const { rmSync, mkdirSync } = await import('node:fs')
    rmSync(`${location.path}/new`, { recursive: true })
    mkdirSync(`${location.path}/new`)
    const next = new ArchiveWriter(openForWriting(location), {
      now: () => 0,
      startTimer: () => () => undefined,
    })
    const { ledger: again } = next.openAccount(work, new Set(['work']))
    expect(new ReceiptList(again.receipts()).all).toMatchObject([{ state: 'delete sent' }])
    again.recordListing({ deleted: [], undeleted: [receipt?.id ?? 0], absent: [], present: [] })
    expect(new ReceiptList(again.receipts()).all).toMatchObject([{ state: 'removed' }])
    again.finish(noCounts, 'done')
    next.close()
  })

  it('is linked again if its octets come again', async () => {
    const { ledger, writer, location } = open('maildir', (archive) => archive)
    put(ledger, 'one')
    ledger.finish(noCounts, 'done')
    writer.close()
    const { unlinkSync } = await import('node:fs')
    const { join } = await import('node:path')
    const folder = join(location.path, 'new')
    unlinkSync(join(folder, readdirSync(folder)[0] ?? ''))
    const next = new ArchiveWriter(openForWriting(location), {
      now: () => 0,
      startTimer: () => () => undefined,
    })
    const { ledger: again, opened } = next.openAccount(work, new Set(['work']))
    expect(opened).toMatchObject({ vanished: 1, isDamaged: false })
    expect(new ReceiptList(again.receipts()).all).toMatchObject([{ state: 'removed' }])
    put(again, 'one')
    const twin = put(again, 'one')
    again.flush()
    expect(twin.stored).toMatchObject({ isNew: false })
    expect(new ReceiptList(again.receipts()).all).toMatchObject([{ state: 'stored' }])
    expect(readdirSync(folder)).toHaveLength(1)
    expect(query(location, 'SELECT removed FROM message')).toEqual([{ removed: 0 }])
    again.finish(noCounts, 'done')
    next.close()
  })
})
