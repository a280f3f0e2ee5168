/** An archive of schema 1, which had no ports: read as it is, and led up by the first sync, which learns them in silence. */
import { readFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { alteredSchema } from '../../src/archive/catalog-schema.ts'
import { openLedgerForReading } from '../../src/archive/ledger-view.ts'
import { type ArchiveLocation, catalogPath } from '../../src/archive/location.ts'
import { openForWriting } from '../../src/archive/open.ts'
import { openReader } from '../../src/archive/reader.ts'
import { readStatus } from '../../src/archive/reader-status.ts'
import { SCHEMA_VERSION } from '../../src/archive/schema.ts'
import { archiveLock, Lock } from '../../src/durable/lock.ts'
import { openDatabase } from '../../src/sqlite/driver.ts'
import type { SyncEvent } from '../../src/sync/ports/events.ts'
import { maildropOf, repair, retrieved, syncWith, tally, verify } from './repair-cases.ts'
import { query, temporaryLocation } from './temp-archive.ts'

const COUNT = 8
const tunnel = { name: 'work', host: '127.0.0.1', port: 1110, user: 'me' }

async function formerArchive(kind: ArchiveLocation['kind']) {
  const location = temporaryLocation(kind)
  const maildrop = maildropOf(COUNT)
  await syncWith(maildrop, location, undefined, tunnel)
  const database = openDatabase(catalogPath(location), { isReadOnly: false })
  database.exec('ALTER TABLE account DROP COLUMN port; PRAGMA user_version = 1')
  // The text is what a former popkeep wrote.
  expect(alteredSchema(database, kind)).toEqual([])
  database.close()
  return { location, maildrop }
}

const portOf = (location: ArchiveLocation) => query(location, 'SELECT port FROM account')

describe.each(['sqlite', 'maildir'] as const)('a %s archive of a former version', (kind) => {
  it('is read, verified and previewed without a change', async () => {
    const { location } = await formerArchive(kind)
    const before = readFileSync(catalogPath(location))
    expect(verify(location)).toEqual({ ok: COUNT })
    const reader = openReader(location)
    expect(readStatus(reader.database).accounts).toHaveLength(1)
    reader.close()
    const view = openLedgerForReading(location, tunnel, { configured: new Set(['work']) })
    expect(view.moved).toBeUndefined()
    expect((await view.receipts()).all).toHaveLength(COUNT)
    view.close()
    expect(readFileSync(catalogPath(location)).equals(before)).toBe(true)
  })

  it('learns the port in silence, and knows the next one for another', async () => {
    const { location, maildrop } = await formerArchive(kind)
    const events: SyncEvent[] = []
    const { error } = await syncWith(maildrop, location, undefined, tunnel, (e) => events.push(e))
    expect(error).toBeUndefined()
    expect(events.filter(({ type }) => type === 'notice')).toEqual([])
    expect(maildrop.commands.filter((line) => /^(TOP|RETR)/.test(line))).toEqual([])
    expect(portOf(location)).toEqual([{ port: 1110 }])
    expect(query(location, 'PRAGMA user_version')).toEqual([{ user_version: SCHEMA_VERSION }])
    expect(verify(location)).toEqual({ ok: COUNT })

    await syncWith(maildrop, location, undefined, { ...tunnel, port: 1111 })
    expect(maildrop.commands.filter((line) => line.startsWith('TOP'))).toHaveLength(5)
    expect(retrieved(maildrop)).toEqual([])
    expect(portOf(location)).toEqual([{ port: 1111 }])
  })

  it('is led up though another run is in it for a moment', async () => {
    const { location } = await formerArchive(kind)
    const look = archiveLock(location.path)
    look.acquire('shared')
    const { tryExclusive } = Lock.prototype
    const tries = vi.spyOn(Lock.prototype, 'tryExclusive').mockImplementation(function (
      this: Lock,
      patienceMs,
    ) {
      const isAlone = tryExclusive.call(this, patienceMs)
      look.close()
      return isAlone
    })
    try {
      openForWriting(location).close()
      expect(tries.mock.results[0]).toMatchObject({ value: false })
    } finally {
      tries.mockRestore()
    }
    expect(query(location, 'PRAGMA user_version')).toEqual([{ user_version: SCHEMA_VERSION }])
  })

  it('is left alone where another run stays in it', async () => {
    const { location } = await formerArchive(kind)
    const stays = archiveLock(location.path)
    stays.acquire('shared')
    try {
      const open = () => openForWriting(location)
      expect(open).toThrow(expect.objectContaining({ code: 'ARCHIVE_LOCKED' }))
    } finally {
      stays.close()
    }
    expect(query(location, 'PRAGMA user_version')).toEqual([{ user_version: 1 }])
  })

  it('is put right by repair as one of this version is', async () => {
    const { location, maildrop } = await formerArchive(kind)
    const path = catalogPath(location)
    const file = readFileSync(path, 'latin1')
    const database = openDatabase(path, { isReadOnly: false, maySetSchema: true })
    database.exec(`PRAGMA writable_schema = ON;
      UPDATE sqlite_schema SET sql = replace(sql, 'sender TEXT', 'sgnder TEXT') WHERE name = 'message'`)
    database.close()
    expect(readFileSync(path, 'latin1')).not.toBe(file)
    expect(repair(location)).toContainEqual({ kind: 'schema', names: ['message'] })
    expect(verify(location)).toEqual({ ok: COUNT })
    await syncWith(maildrop, location, undefined, tunnel)
    expect(retrieved(maildrop)).toEqual([])
  })

  it('is copied as far as it can be read, where it is damaged', async () => {
    const { location, maildrop } = await formerArchive(kind)
    const database = openDatabase(catalogPath(location), { isReadOnly: false })
    // A row that names what is not there: SQLite finds the file damaged.
    database.exec('PRAGMA foreign_keys = OFF; UPDATE receipt SET first_listed = 99 WHERE id = 3')
    database.close()
    expect(tally(repair(location))).toMatchObject({ kept: 1, sound: COUNT })
    await syncWith(maildrop, location, undefined, tunnel)
    expect(retrieved(maildrop)).toHaveLength(1)
    expect(portOf(location)).toEqual([{ port: 1110 }])
  })
})
