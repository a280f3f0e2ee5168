import { readdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { exportMessages } from '../../src/archive/export.ts'
import type { ExportFinding } from '../../src/archive/export-messages.ts'
import { GROUP_MESSAGES } from '../../src/archive/limits.ts'
import { type ArchiveLocation, catalogPath } from '../../src/archive/location.ts'
import { openForWriting } from '../../src/archive/open.ts'
import { openReader } from '../../src/archive/reader.ts'
import { isDamage, verifyArchive } from '../../src/archive/verify.ts'
import { openDatabase } from '../../src/sqlite/driver.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { fillArchive, octetsOf, sampleMessage, useArchive } from './sample-archive.ts'

let folder: TemporaryFolder
let source: ArchiveLocation
let maildir: ArchiveLocation
let back: ArchiveLocation
beforeEach(() => {
  folder = temporaryFolder('copy')
  source = { kind: 'sqlite', path: join(folder.path, 'source.sqlite') }
  maildir = { kind: 'maildir', path: join(folder.path, 'mail') }
  back = { kind: 'sqlite', path: join(folder.path, 'back.sqlite') }
})
afterEach(() => folder.remove())

function* copying(from: ArchiveLocation, location: ArchiveLocation, account?: string) {
  const reader = openReader(from)
  try {
    yield* exportMessages(reader, { type: 'archive', location }, { account })
  } finally {
    reader.close()
  }
}
const copy = (...args: Parameters<typeof copying>): ExportFinding[] => [...copying(...args)]
const kinds = (findings: readonly ExportFinding[]) => findings.map(({ kind }) => kind)

/** All that an archive says, without row ids. */
function contentOf(location: ArchiveLocation) {
  const reader = openReader(location)
  const all = (sql: string) => reader.database.prepare(sql).all()
  try {
    expect([...verifyArchive(reader)].filter(isDamage)).toEqual([])
    return {
      messages: all(`SELECT hex(digest) AS digest, octets, hex(canonical) AS canonical,
        hex(fingerprint) AS fingerprint, date, sender, recipients, subject, message_id, archived_at,
        verified_at, short, removed FROM message ORDER BY digest`),
      receipts: all(`SELECT account.name, receipt.epoch, unique_id, occurrence, receipt.octets,
        hex(digest) AS digest, state, bound_by, bound_at, reason, attempts,
        first.started_at AS first, absent.started_at AS absent
        FROM receipt JOIN account ON account.id = receipt.account
          JOIN run AS first ON first.id = first_listed
          LEFT JOIN run AS absent ON absent.id = absent_since
          LEFT JOIN message ON message.id = receipt.message
        ORDER BY account.name, unique_id, digest, occurrence, receipt.id`),
      accounts:
        all(`SELECT name, host, user, epoch, capabilities, pipelining_failed_at, last_misled,
        size_model, login_delay_s FROM account ORDER BY name`),
    }
  } finally {
    reader.close()
  }
}

/** Every state a receipt can have, odd unique-ids, several accounts and epochs. */
function fillRichly(length = 210): void {
  fillArchive(source, [
    ...Array.from({ length }, (_, n) => ({ octets: sampleMessage(n), uniqueId: `u${n}` })),
    { octets: sampleMessage(1), uniqueId: 'again', account: 'home' },
    { octets: sampleMessage(2), uniqueId: '\xff\0', account: 'home' },
    { octets: sampleMessage(3), account: 'home' },
    { octets: octetsOf('bare\nLF'), uniqueId: 'bare' },
    { octets: octetsOf(''), uniqueId: 'empty' },
    { octets: sampleMessage(7, 'x\r\n'.repeat(500_000)), uniqueId: 'large' },
  ])
  useArchive(source, ({ database }) =>
    database.exec(`
      UPDATE receipt SET state = 'deleted', absent_since = 5 WHERE unique_id = 'u5';
      UPDATE receipt SET state = 'delete sent' WHERE unique_id = 'u6';
      UPDATE message SET removed = 1 WHERE id = 8;
      DELETE FROM content WHERE message = 8;
      UPDATE receipt SET state = 'removed' WHERE message = 8;
      UPDATE message SET short = 1, verified_at = '2026' WHERE id = 9;
      UPDATE account SET epoch = 2, capabilities = 'TOP\nUIDL', last_misled = 1 WHERE name = 'work';
      UPDATE receipt SET epoch = 2, bound_by = 'canonical', occurrence = 2 WHERE unique_id = 'u9';
      INSERT INTO receipt (account, epoch, unique_id, occurrence, octets, message, state, bound_by,
        bound_at, first_listed)
        SELECT account, epoch, NULL, occurrence, octets, message, state, bound_by, bound_at,
          first_listed FROM receipt WHERE unique_id IS NULL;
      INSERT INTO receipt (account, epoch, unique_id, occurrence, octets, state, bound_at,
        first_listed, reason, attempts)
        VALUES (1, 2, 'no', 1, -1, 'quarantined', '2026-01-02T03:04:05.678Z', 3, '-ERR', 2),
               (1, 2, NULL, 1, 10, 'quarantined', '2026-01-02T03:04:05.678Z', 3, '-ERR', 1),
               (1, 2, NULL, 1, 10, 'quarantined', '2026-01-02T03:04:05.678Z', 3, '-ERR', 1);
    `),
  )
}

it('sqlite to maildir to sqlite gives equal messages, receipts and accounts', () => {
  fillRichly()
  const before = contentOf(source)
  expect(before.receipts.length).toBe(220)
  const findings = copy(source, maildir)
  expect(kinds(findings).filter((kind) => kind === 'written')).toHaveLength(212)
  expect(kinds(findings).filter((kind) => kind === 'removed')).toHaveLength(1)
  expect(contentOf(maildir)).toEqual(before)
  copy(maildir, back)
  expect(contentOf(back)).toEqual(before)
  expect(readdirSync(join(maildir.path, 'tmp'))).toEqual([])
})

it('copied again writes nothing twice', () => {
  fillRichly()
  for (const location of [maildir, back]) {
    copy(source, location)
    const first = contentOf(location)
    const again = kinds(copy(source, location))
    expect(new Set(again)).toEqual(new Set(['present', 'removed']))
    expect(contentOf(location)).toEqual(first)
  }
  expect(readdirSync(join(maildir.path, 'new'))).toHaveLength(212)
})

it('interrupted, it goes on', () => {
  fillRichly(GROUP_MESSAGES + 1)
  for (const location of [maildir, back]) {
    for (const { kind } of copying(source, location)) if (kind === 'written') break
    const halfway = openReader(location)
    expect([...halfway.list()].length).toBeLessThan(GROUP_MESSAGES + 3)
    halfway.close()
    copy(source, location)
    expect(contentOf(location)).toEqual(contentOf(source))
  }
})

it('brings an earlier copy up to the source', () => {
  fillArchive(source, [{ octets: sampleMessage(1), uniqueId: 'a' }])
  copy(source, back)
  fillArchive(source, [{ octets: sampleMessage(2), uniqueId: 'b' }])
  useArchive(source, ({ database }) =>
    database.exec(`UPDATE receipt SET state = 'deleted' WHERE unique_id = 'a';
      UPDATE account SET host = 'new.example.org', epoch = 2`),
  )
  expect(kinds(copy(source, back))).toEqual(['present', 'written'])
  expect(contentOf(back)).toEqual(contentOf(source))
})

it('of one account has its messages, receipts and runs only', () => {
  fillRichly()
  copy(source, back, 'home')
  const { accounts, messages, receipts } = contentOf(back)
  expect(accounts.map(({ name }) => name)).toEqual(['home'])
  expect(messages).toHaveLength(3)
  expect(receipts).toHaveLength(4)
})

it('a damaged message and its receipts are left out, and the rest goes on', () => {
  const ids = fillArchive(source, [
    { octets: sampleMessage(1), uniqueId: 'a' },
    { octets: sampleMessage(2), uniqueId: 'b' },
    { octets: sampleMessage(3), uniqueId: 'c' },
  ])
  useArchive(source, ({ database }) =>
    database.exec(`UPDATE content SET octets = x'00' WHERE message = 1;
      DELETE FROM content WHERE message = 2`),
  )
  const findings = copy(source, maildir)
  expect(kinds(findings)).toEqual(['damaged', 'damaged', 'written'])
  expect(findings.map(({ id }) => id)).toEqual(ids)
  expect(contentOf(maildir).receipts.map(({ unique_id }) => unique_id)).toEqual(['c'])
})

it('what the copy lost is copied again', () => {
  fillRichly()
  copy(source, maildir)
  for (const name of readdirSync(join(maildir.path, 'new')).slice(0, 3)) {
    unlinkSync(join(maildir.path, 'new', name))
  }
  const again = kinds(copy(source, maildir))
  expect(again.filter((kind) => kind === 'written')).toHaveLength(3)
  expect(contentOf(maildir)).toEqual(contentOf(source))
})

it('keeps the port that it knows where the source has none', () => {
  fillArchive(source, [{ octets: sampleMessage(1), uniqueId: 'a' }])
  fillArchive(back, [{ octets: sampleMessage(2), uniqueId: 'b' }])
  useArchive(back, ({ database }) => database.exec('UPDATE account SET port = 1110'))
  const former = openDatabase(catalogPath(source), { isReadOnly: false })
  former.exec('ALTER TABLE account DROP COLUMN port; PRAGMA user_version = 1')
  former.close()
  copy(source, back)
  expect(contentOf(back).messages).toHaveLength(2)
  useArchive(back, ({ database }) => {
    expect(database.prepare('SELECT port FROM account').all()).toEqual([{ port: 1110 }])
  })
})

describe('refused', () => {
  const code = (text: string) => expect.objectContaining({ code: text })

  it('is a destination that another run is in', () => {
    fillArchive(source, [{ octets: sampleMessage(1), uniqueId: 'a' }])
    fillArchive(back, [{ octets: sampleMessage(2), uniqueId: 'b', account: 'home' }])
    const other = openForWriting(back)
    other.share()
    expect(() => copy(source, back)).toThrow(code('ARCHIVE_LOCKED'))
    other.close()
    expect(kinds(copy(source, back))).toEqual(['written'])
  })

  it('is the source itself', () => {
    fillArchive(source, [{ octets: sampleMessage(1), uniqueId: 'a' }])
    expect(() => copy(source, source)).toThrow(code('ARCHIVE_CREATE'))
  })

  it.each([
    ['another host', `host = 'else.example.org'`],
    ['another port', 'port = 1110'],
    ['a port that is not decided', 'port = 0'],
  ])('is another maildrop, at %s, under the name of an account', (_, place) => {
    fillArchive(source, [{ octets: sampleMessage(1), uniqueId: 'a' }])
    fillArchive(back, [{ octets: sampleMessage(2), uniqueId: 'b' }])
    useArchive(back, ({ database }) =>
      database.exec(`UPDATE account SET ${place};
        UPDATE run SET started_at = '2001-01-01T00:00:00.000Z'`),
    )
    expect(() => copy(source, back)).toThrow(code('ARCHIVE_CREATE'))
    expect(contentOf(back).messages).toHaveLength(1)
  })

  it('names both places where one is not recognised yet', () => {
    fillArchive(source, [{ octets: sampleMessage(1), uniqueId: 'a' }])
    fillArchive(back, [{ octets: sampleMessage(2), uniqueId: 'b' }])
    useArchive(back, ({ database }) =>
      database.exec(`UPDATE account SET port = 0;
        UPDATE run SET started_at = '2001-01-01T00:00:00.000Z'`),
    )
    expect(() => copy(source, back)).toThrow(
      'account work is me at work.example.org, port not known yet there, and me at work.example.org, port 995 here',
    )
  })

  it('is not a copy that was made before ports were written down', () => {
    fillArchive(source, [{ octets: sampleMessage(1), uniqueId: 'a' }])
    fillArchive(back, [{ octets: sampleMessage(2), uniqueId: 'b' }])
    useArchive(back, ({ database }) => database.exec('UPDATE account SET port = NULL'))
    copy(source, back)
    expect(contentOf(back).messages).toHaveLength(2)
  })
})
