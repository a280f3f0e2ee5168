/** Archives in temporary folders, their writer in this thread behind a real message channel. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { afterEach } from 'vitest'
import type { Stored } from '../../src/archive/group-commit.ts'
import type { ArchiveKind, ArchiveLocation } from '../../src/archive/location.ts'
import { catalogPath, parseLocation } from '../../src/archive/location.ts'
import type { ReceiptKey } from '../../src/archive/receipts.ts'
import type { RunCounts } from '../../src/archive/runs.ts'
import { ThreadArchive, type ThreadLedger } from '../../src/archive/thread-archive.ts'
import type { WriterConnection } from '../../src/archive/writer-client.ts'
import { WriterService } from '../../src/archive/writer-service.ts'
import type { Row, SqlValue } from '../../src/sqlite/database.ts'
import { openDatabase } from '../../src/sqlite/driver.ts'
import { intakeOf } from '../support/intake.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'popkeep-archive-'))
  folders.push(folder)
  return folder
}

export function temporaryLocation(kind: ArchiveKind): ArchiveLocation {
  return parseLocation(`${kind}:${join(temporaryFolder(), 'mail')}`)
}

/** A writer that shares this thread; `now` in ms since the epoch. */
export function startWriterHere(now: () => number = Date.now): WriterConnection {
  const { port1, port2 } = new MessageChannel()
  const service = new WriterService(
    {
      send: (message, transfer = []) => port2.postMessage(message, [...transfer]),
      receive: (hear) => port2.on('message', hear),
    },
    {
      now,
      startTimer: (act, ms) => {
        const timer = setTimeout(act, Math.min(ms, 5))
        return () => clearTimeout(timer)
      },
    },
  )
  void service
  return {
    send: (message, transfer = []) => port1.postMessage(message, [...transfer]),
    receive: (hear) => port1.on('message', hear),
    ended: (hear) => port1.on('close', () => hear(undefined)),
    close: async () => port1.close(),
  }
}

export const openHere = (location: ArchiveLocation): ThreadArchive =>
  new ThreadArchive(location, () => startWriterHere())

export const work = { name: 'work', host: 'pop.example.com', user: 'me' }

export const noCounts: RunCounts = {
  listed: 0,
  retrieved: 0,
  stored: 0,
  octets: 0,
  deleted: 0,
  failed: 0,
}

export const octetsOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))

export const mail = (subject: string, body = 'text'): Uint8Array =>
  octetsOf(`From: a@example.com\r\nSubject: ${subject}\r\n\r\n${body}\r\n`)

export const keyOf = (
  uniqueId: string | undefined,
  octets?: number,
  occurrence = 1,
): ReceiptKey => ({
  uniqueId,
  occurrence,
  octets,
})

/** Starts, writes and ends one intake. */
export function receive(
  ledger: ThreadLedger,
  key: ReceiptKey,
  message: Uint8Array,
  byCanonical = false,
): Promise<Stored> {
  const { sink, stored } = intakeOf(ledger, key, byCanonical)
  void sink.write(message)
  void sink.end()
  return stored
}

/** The same, and the session was in step. */
export async function put(
  ...[ledger, ...message]: Parameters<typeof receive>
): Promise<Stored & { readonly receipt: number }> {
  const storing = receive(ledger, ...message)
  ledger.inStep()
  const stored = await storing
  return { ...stored, receipt: stored.receipt ?? Number.NaN }
}

/** Runs `act` on the ledger of an account and ends the run. */
export async function sync<T>(
  location: ArchiveLocation,
  act: (ledger: ThreadLedger) => Promise<T>,
  identity = work,
): Promise<T> {
  const ledger = await openHere(location).openAccount(identity, {
    configured: new Set([identity.name]),
  })
  try {
    return await act(ledger)
  } finally {
    await ledger.finish(noCounts, 'done')
  }
}

export function query(location: ArchiveLocation, sql: string, ...parameters: SqlValue[]): Row[] {
  const database = openDatabase(catalogPath(location), { isReadOnly: true })
  try {
    return database.prepare(sql).all(...parameters)
  } finally {
    database.close()
  }
}

/** Puts the file into the state of a transaction that was cut after its pages had reached the disk. */
export function leaveJournal(path: string): void {
  const database = openDatabase(path, { isReadOnly: false })
  database.exec('PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; BEGIN IMMEDIATE')
  database.exec('CREATE TABLE spill (octets)')
  database.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
    INSERT INTO spill SELECT randomblob(5000) FROM n`)
  const [octets, journal] = [readFileSync(path), readFileSync(`${path}-journal`)]
  database.exec('ROLLBACK')
  database.close()
  writeFileSync(path, octets)
  writeFileSync(`${path}-journal`, journal)
}
