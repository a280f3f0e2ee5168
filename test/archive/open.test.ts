import fs, {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { openLedgerForReading } from '../../src/archive/ledger-view.ts'
import { type ArchiveLocation, catalogPath, parseLocation } from '../../src/archive/location.ts'
import { migrate } from '../../src/archive/migrations.ts'
import { openForReading, openForWriting } from '../../src/archive/open.ts'
import { openDatabase } from '../../src/sqlite/driver.ts'
import { pragma } from '../../src/sqlite/pragmas.ts'
import {
  keyOf,
  leaveJournal,
  mail,
  openHere,
  put,
  query,
  sync,
  temporaryFolder,
  temporaryLocation,
  work,
} from './temp-archive.ts'

const codeOf = (act: () => unknown): unknown => {
  try {
    act()
    return undefined
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}

const options = { configured: new Set(['work']) }

describe('folders that a killed run has made and not synced', () => {
  it.each([
    ['sqlite', 'without the file', false],
    ['sqlite', 'with the file', true],
    ['maildir', 'without the file', false],
    ['maildir', 'with the file', true],
  ] as const)('are synced by the next one, once: %s, %s', (kind, _what, hasFile) => {
    const above = join(temporaryFolder(), 'above')
    const location = parseLocation(`${kind}:${join(above, 'mail')}`)
    const folder = dirname(catalogPath(location))
    mkdirSync(folder, { recursive: true })
    mkdirSync(`${location.path}.locks`)
    if (kind === 'maildir') for (const name of ['tmp', 'new', 'cur']) mkdirSync(join(folder, name))
    if (hasFile) writeFileSync(catalogPath(location), '')
    expect(syncedByOpening(location)).toEqual(expect.arrayContaining([folder, dirname(folder)]))
    expect(syncedByOpening(location)).toEqual([])
  })
})

/** But for the folder of the locks, which need not last. */
function syncedByOpening(location: ArchiveLocation): string[] {
  const opened = vi.spyOn(fs, 'openSync')
  openForWriting(location).close()
  const paths = opened.mock.calls.map(([path]) => String(path))
  opened.mockRestore()
  const isFolder = (path: string) => statSync(path).isDirectory() && !path.endsWith('.locks')
  return [...new Set(paths.filter(isFolder))]
}

describe('parseLocation', () => {
  const folder = temporaryFolder
  it.each([
    ['sqlite:/none/a.txt', 'sqlite', '/none/a.txt'],
    ['maildir:/none/a.sqlite', 'maildir', '/none/a.sqlite'],
    ['/none/a.sqlite', 'sqlite', '/none/a.sqlite'],
    ['/none/a.SQLITE3', 'sqlite', '/none/a.SQLITE3'],
    ['/none/a.db', 'sqlite', '/none/a.db'],
    ['~/none/a.db', 'sqlite', '/home/me/none/a.db'],
    ['sqlite:~/none:a', 'sqlite', '/home/me/none:a'],
  ])('%s', (text, kind, path) => {
    expect(parseLocation(text, '/home/me')).toEqual({ kind, path })
  })

  it.each([
    ['sqllite:oops', '"sqllite:" is no kind of archive; write sqlite:PATH or maildir:PATH'],
    ['mbox:/tmp/x', '"mbox:" is no kind of archive'],
    ['/none/a', 'write sqlite:/none/a or maildir:/none/a'],
    ['', 'no path'],
    ['maildir:', 'no path'],
  ])('refuses %j', (text, words) => {
    expect(() => parseLocation(text)).toThrow(
      expect.objectContaining({ code: 'ARCHIVE_NAME', message: expect.stringContaining(words) }),
    )
  })

  it('recognises a bare path by what is there', () => {
    const root = folder()
    mkdirSync(join(root, 'a.sqlite'))
    writeFileSync(join(root, 'b'), '')
    expect(parseLocation(join(root, 'a.sqlite')).kind).toBe('maildir')
    expect(parseLocation(join(root, 'b')).kind).toBe('sqlite')
  })
})

describe.each(['sqlite', 'maildir'] as const)('a %s archive', (kind) => {
  it('is private, under umask 000 too, while in use and at rest', async () => {
    const umask = process.umask(0)
    try {
      const location = temporaryLocation(kind)
      const catalog = catalogPath(location)
      await sync(location, async (ledger) => {
        void put(ledger, keyOf('a'), mail('one'))
        await ledger.flush()
        for (const suffix of ['', '-wal', '-shm']) {
          expect(statSync(catalog + suffix).mode & 0o777).toBe(0o600)
        }
      })
      const folders = [`${location.path}.locks`]
      if (kind === 'maildir') folders.push(location.path, join(location.path, 'new'))
      for (const path of folders) expect(statSync(path).mode & 0o777).toBe(0o700)
      const files = folders.flatMap((path) =>
        readdirSync(path).map((name) => statSync(join(path, name))),
      )
      for (const file of files.filter((found) => found.isFile()))
        expect(file.mode & 0o777).toBe(0o600)
    } finally {
      process.umask(umask)
    }
  })

  it('has its catalog in exactly one file at rest, in the rollback journal mode', async () => {
    const location = temporaryLocation(kind)
    await sync(location, (ledger) => put(ledger, keyOf('a'), mail('one')))
    const catalog = catalogPath(location)
    expect(
      readdirSync(dirname(catalog)).filter(
        (name) =>
          name.startsWith(catalog.slice(dirname(catalog).length + 1)) && !name.endsWith('.locks'),
      ),
    ).toHaveLength(1)
    // Octets 18 and 19 of a database: 1 rollback journal, 2 WAL.
    expect([...readFileSync(catalog).subarray(18, 20)]).toEqual([1, 1])
  })

  it('goes into WAL for messages, and writes with EXTRA before and then', () => {
    const location = temporaryLocation(kind)
    const archive = openForWriting(location)
    const modes = () =>
      ['journal_mode', 'synchronous'].map((name) => pragma(archive.database, name))
    expect(modes()).toEqual(['delete', 3])
    const opened = vi.spyOn(fs, 'openSync')
    archive.enterWal()
    archive.enterWal()
    expect(opened.mock.calls.map(([path]) => path)).toEqual([dirname(catalogPath(location))])
    opened.mockRestore()
    expect(modes()).toEqual(['wal', 3])
    archive.close()
  })

  it('stays out of WAL where somebody reads, and writes all the same', () => {
    const location = temporaryLocation(kind)
    openForWriting(location).close()
    const archive = openForWriting(location)
    archive.database.exec('PRAGMA busy_timeout = 20')
    const reader = openForReading(location)
    reader.database.exec('BEGIN; SELECT count(*) FROM message')
    archive.enterWal()
    reader.close()
    archive.enterWal()
    expect(pragma(archive.database, 'journal_mode')).toBe('delete')
    const write = () => archive.database.exec("UPDATE archive SET created_at = 'then'")
    archive.database.transaction(write)
    archive.close()
    expect(query(location, 'SELECT created_at FROM archive')).toEqual([{ created_at: 'then' }])
  })

  it('is changed once by a run that finds nothing new', async () => {
    const location = temporaryLocation(kind)
    const at = '2026-11-23T05:51:02.117Z'
    await sync(location, async (ledger) => {
      await put(ledger, keyOf('a'), mail('one'))
      await ledger.learn({ lastLoginAt: at })
    })
    const changes = () => readFileSync(catalogPath(location)).readUInt32BE(24)
    const before = changes()
    await sync(location, async (ledger) => {
      await ledger.receipts()
      await ledger.learn({ lastLoginAt: '2026-11-24T05:51:02.117Z' })
      expect(ledger.facts.lastLoginAt).not.toBe(at)
      expect(changes()).toBe(before)
    })
    expect(changes()).toBe(before + 1)
    expect(query(location, 'SELECT last_login_at, outcome FROM account, run')).toEqual([
      { last_login_at: '2026-11-24T05:51:02.117Z', outcome: 'done' },
      { last_login_at: '2026-11-24T05:51:02.117Z', outcome: 'done' },
    ])
  })

  it('is read where nothing can be written, and reading leaves no trace', async () => {
    const location = temporaryLocation(kind)
    await sync(location, (ledger) => put(ledger, keyOf('a'), mail('one')))
    const before = readdirSync(dirname(catalogPath(location)))
    chmodSync(catalogPath(location), 0o400)
    const archive = openForReading(location)
    const row = archive.database.prepare('SELECT id, digest, octets FROM message').get()
    const message = {
      id: Number(row?.id),
      digest: row?.digest as Uint8Array,
      octets: Number(row?.octets),
    }
    expect(Buffer.concat([...archive.content.read(message)])).toEqual(Buffer.from(mail('one')))
    archive.close()
    expect(readdirSync(dirname(catalogPath(location)))).toEqual(before)
  })

  it('is read while a writer has it', async () => {
    const location = temporaryLocation(kind)
    await sync(location, async (ledger) => {
      void put(ledger, keyOf('a'), mail('one'))
      await ledger.flush()
      const archive = openForReading(location)
      expect(archive.database.prepare('SELECT count(*) AS n FROM message').get()).toEqual({ n: 1 })
      archive.close()
    })
  })

  it('is not found, and not created, by reading', async () => {
    const location = temporaryLocation(kind)
    expect(codeOf(() => openForReading(location))).toBe('ARCHIVE_NOT_FOUND')
    const view = openLedgerForReading(location, work, options)
    expect((await view.receipts()).all).toEqual([])
    expect(existsSync(location.path)).toBe(false)
    expect(readdirSync(dirname(location.path))).toEqual([])
  })

  it('of a newer schema is refused by both, and not touched', async () => {
    const location = temporaryLocation(kind)
    await sync(location, (ledger) => ledger.flush())
    const database = openDatabase(catalogPath(location), { isReadOnly: false })
    database.exec('PRAGMA user_version = 99')
    database.close()
    const before = readFileSync(catalogPath(location))
    expect(codeOf(() => openForReading(location))).toBe('ARCHIVE_NEWER')
    expect(codeOf(() => openForWriting(location))).toBe('ARCHIVE_NEWER')
    await expect(openHere(location).openAccount(work, options)).rejects.toMatchObject({
      name: 'ArchiveError',
      code: 'ARCHIVE_NEWER',
    })
    expect(readFileSync(catalogPath(location))).toEqual(before)
  })

  it('gives a dry run its receipts without a lock', async () => {
    const location = temporaryLocation(kind)
    await sync(location, async (ledger) => {
      void put(ledger, keyOf('a', 5), mail('one'))
      await ledger.flush()
      const view = openLedgerForReading(location, work, options)
      expect(view.moved).toBeUndefined()
      const receipts = (await view.receipts()).all
      expect(receipts).toEqual((await ledger.receipts()).all)
      const ids = receipts.map(({ id }) => id)
      expect(await view.fingerprints(ids)).toEqual(await ledger.fingerprints(ids))
      view.close()
    })
  })
})

describe('what is no archive', () => {
  it.each([
    ['a short text', 'hello'],
    ['a long text', 'no database\n'.repeat(500)],
  ])('%s is foreign, and stays as it is', (_name, text) => {
    const path = join(temporaryFolder(), 'a.sqlite')
    writeFileSync(path, text)
    const location = parseLocation(`sqlite:${path}`)
    expect(codeOf(() => openForReading(location))).toBe('ARCHIVE_FOREIGN')
    expect(codeOf(() => openForWriting(location))).toBe('ARCHIVE_FOREIGN')
    expect(readFileSync(path, 'utf8')).toBe(text)
    expect(readdirSync(dirname(path))).toEqual(['a.sqlite'])
  })

  it("somebody else's database is foreign", () => {
    const path = join(temporaryFolder(), 'a.sqlite')
    const database = openDatabase(path, { isReadOnly: false })
    database.exec('CREATE TABLE bookmarks (a)')
    database.close()
    expect(codeOf(() => openForWriting(parseLocation(path)))).toBe('ARCHIVE_FOREIGN')
  })

  it('a folder with other things, or a file, is no Maildir', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'letter.txt'), 'x')
    expect(codeOf(() => openForWriting({ kind: 'maildir', path: folder }))).toBe('ARCHIVE_FOREIGN')
    expect(
      codeOf(() => openForWriting({ kind: 'maildir', path: join(folder, 'letter.txt') })),
    ).toBe('ARCHIVE_FOREIGN')
    expect(codeOf(() => openForWriting({ kind: 'sqlite', path: folder }))).toBe('ARCHIVE_FOREIGN')
    expect(readdirSync(folder)).toEqual(['letter.txt'])
  })

  it('a path below a file cannot be created', () => {
    const file = join(temporaryFolder(), 'f')
    writeFileSync(file, '')
    expect(codeOf(() => openForWriting({ kind: 'sqlite', path: join(file, 'a.sqlite') }))).toBe(
      'ARCHIVE_CREATE',
    )
  })

  it('an empty folder and an empty file become archives', () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'm'))
    writeFileSync(join(folder, 's'), '')
    for (const location of [
      { kind: 'maildir', path: join(folder, 'm') },
      { kind: 'sqlite', path: join(folder, 's') },
    ] as const) {
      openForWriting(location).close()
      openForReading(location).close()
    }
  })

  it('a Maildir of others becomes an archive beside their mail', () => {
    const folder = join(temporaryFolder(), 'm')
    for (const name of ['tmp', 'new', 'cur']) mkdirSync(join(folder, name), { recursive: true })
    writeFileSync(join(folder, 'new/1.2.host'), 'Subject: theirs\n\n')
    writeFileSync(join(folder, 'dovecot.index.log'), 'x')
    openForWriting({ kind: 'maildir', path: folder }).close()
    expect(readFileSync(join(folder, 'new/1.2.host'), 'utf8')).toBe('Subject: theirs\n\n')
  })

  it('a damaged database says so', async () => {
    const location = temporaryLocation('sqlite')
    await sync(location, (ledger) => put(ledger, keyOf('a'), mail('one')))
    const octets = readFileSync(location.path)
    writeFileSync(location.path, octets.fill(0x55, 100, 8192))
    expect(codeOf(() => openForReading(location))).toBe('ARCHIVE_DAMAGED')
  })
})

describe('migrations', () => {
  it('run in order from the version that is there, each in a transaction', () => {
    const database = openDatabase(':memory:', { isReadOnly: false })
    database.exec('PRAGMA user_version = 2; CREATE TABLE log (step)')
    const step = (from: number) => ({ from, sql: `INSERT INTO log VALUES (${from})` })
    migrate(database, 2, [step(3), step(1), step(2)])
    expect(database.prepare('SELECT step FROM log').all()).toEqual([{ step: 2 }, { step: 3 }])
    expect(pragma(database, 'user_version')).toBe(4)
    expect(() => migrate(database, 4, [{ from: 4, sql: 'CREATE TABLE a (b); nonsense' }])).toThrow()
    expect(pragma(database, 'user_version')).toBe(4)
    expect(
      database.prepare("SELECT name FROM sqlite_schema WHERE name = 'a'").get(),
    ).toBeUndefined()
    database.close()
  })
})

describe('an archive that was copied while a run was killed', () => {
  it('is complete with its WAL', async () => {
    const location = temporaryLocation('sqlite')
    const copy = join(temporaryFolder(), 'copy')
    await sync(location, async (ledger) => {
      void put(ledger, keyOf('a'), mail('one'))
      await ledger.flush()
      for (const suffix of ['', '-wal']) copyFileSync(location.path + suffix, copy + suffix)
    })
    const there = parseLocation(`sqlite:${copy}`)
    await sync(there, async (ledger) => expect((await ledger.receipts()).all).toHaveLength(1))
    expect(existsSync(`${copy}-wal`)).toBe(false)
  })
})

describe('a catalog with a damaged page', () => {
  it.each(['sqlite', 'maildir'] as const)(
    'is told as such when an account is opened (%s)',
    async (kind) => {
      const location = temporaryLocation(kind)
      await sync(location, async (ledger) => put(ledger, keyOf('a'), mail('one')))
      const path = catalogPath(location)
      const sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'account'"
      const page = Number(query(location, sql)[0]?.rootpage)
      const octets = readFileSync(path)
      const pageOctets = octets.readUInt16BE(16)
      writeFileSync(path, octets.fill(0xa5, (page - 1) * pageOctets, page * pageOctets))
      await expect(sync(location, async () => undefined)).rejects.toMatchObject({
        code: 'ARCHIVE_DAMAGED',
      })
    },
  )
})

describe('a rollback journal that a kill left', () => {
  it.each(['sqlite', 'maildir'] as const)(
    'is played back by readers and writers (%s)',
    async (kind) => {
      const whole = temporaryLocation(kind)
      openForWriting(whole).close()
      const cut = () => {
        const location = temporaryLocation(kind)
        cpSync(whole.path, location.path, { recursive: true })
        leaveJournal(catalogPath(location))
        return location
      }
      openForReading(cut()).close()
      const location = cut()
      openForWriting(location).close()
      expect(existsSync(`${catalogPath(location)}-journal`)).toBe(false)
    },
  )
})
