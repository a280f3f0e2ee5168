import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Connection, Database } from '../../src/sqlite/database.ts'
import { withTransactions } from '../../src/sqlite/database.ts'
import { choose, openDatabase } from '../../src/sqlite/driver.ts'
import { SqliteError, sqliteCode } from '../../src/sqlite/errors.ts'
import {
  isFitForWriting,
  isOnSharedFilesystem,
  pragma,
  prepareForReading,
  prepareForWriting,
  settleToOneFile,
  switchToWal,
} from '../../src/sqlite/pragmas.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'popkeep-sqlite-'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

/** Another process that runs `begin` on a database and holds on to it until it is told to let go, by its end. */
async function hold(path: string, begin: string) {
  const script = `
    let database
    try {
      database = new (require('better-sqlite3'))(process.argv[1])
    } catch {
      database = new (require('node:sqlite').DatabaseSync)(process.argv[1])
    }
    database.exec(process.argv[2])
    require('node:fs').writeSync(1, 'held')
    process.stdin.resume()
  `
  const child = spawn(process.execPath, ['-e', script, path, begin], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const ended = once(child, 'exit').then(([, signal]) => signal)
  await once(child.stdout, 'data')
  return { ended, letGo: () => child.kill('SIGTERM') }
}

/** Of this process, those that were removed since too. */
function openFiles(): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      // The one that reads the folder is closed again.
      return []
    }
  })
}

const drivers = ['better', 'node'].filter((name) => {
  try {
    choose(name)
    return true
  } catch {
    return false
  }
})

describe.each(drivers)('driver %s', (name) => {
  const open = (path: string, isReadOnly = false): Database =>
    withTransactions(choose(name)(path, { isReadOnly }))

  const makeFile = (path: string) => {
    const former = open(path)
    former.exec('CREATE TABLE t (a)')
    former.close()
  }

  it('gives plain rows, numbers and Uint8Array', () => {
    const database = open(':memory:')
    database.exec('CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB, c TEXT, d ANY) STRICT')
    const insert = database.prepare('INSERT INTO t (b, c, d) VALUES (?, ?, ?)')
    const octets = new Uint8Array([9, 0, 255, 13, 9]).subarray(1, 4)
    expect(insert.run(octets, 'ü', null)).toEqual({ changes: 1, lastRowId: 1 })
    const select = database.prepare('SELECT * FROM t WHERE a = ?')
    const expected = { a: 1, b: new Uint8Array([0, 255, 13]), c: 'ü', d: null }
    for (const row of [select.get(1), select.all(1)[0], [...select.iterate(1)][0]]) {
      expect(row).toEqual(expected)
      expect(row?.b?.constructor).toBe(Uint8Array)
      expect(Object.getPrototypeOf(row)).toBe(Object.prototype)
    }
    expect(select.get(2)).toBeUndefined()
    database.close()
  })

  it('commits what a transaction did, and nothing of one that threw', () => {
    const database = open(join(folder, 'a'))
    database.exec('CREATE TABLE t (a INTEGER PRIMARY KEY) STRICT')
    expect(
      database.transaction(() => database.prepare('INSERT INTO t VALUES (7)').run().lastRowId),
    ).toBe(7)
    expect(() =>
      database.transaction(() => {
        database.exec('INSERT INTO t VALUES (8)')
        throw new Error('no')
      }),
    ).toThrow('no')
    expect(database.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 1 })
    database.close()
  })

  it('reads one state of the file until it lets go of it, or writes', () => {
    const path = join(folder, 'a')
    const reader = open(path)
    prepareForWriting(reader, { isShared: false })
    switchToWal(reader)
    reader.exec('CREATE TABLE t (a INTEGER PRIMARY KEY) STRICT')
    const writer = open(path)
    const count = () => reader.prepare('SELECT count(*) AS n FROM t').get()?.n
    reader.endReading()
    reader.beginReading()
    expect(count()).toBe(0)
    writer.exec('INSERT INTO t VALUES (1)')
    reader.beginReading()
    expect(count()).toBe(0)
    expect(pragma(writer, 'wal_checkpoint(TRUNCATE)')).toBe(1)
    reader.endReading()
    expect(pragma(writer, 'wal_checkpoint(TRUNCATE)')).toBe(0)
    expect(count()).toBe(1)
    reader.beginReading()
    count()
    writer.exec('INSERT INTO t VALUES (2)')
    // One that stood on the former state would be refused.
    expect(reader.transaction(() => count())).toBe(2)
    writer.exec('INSERT INTO t VALUES (3)')
    expect(count()).toBe(3)
    reader.close()
    writer.close()
  })

  it('names the primary result code of what SQLite refuses', () => {
    const path = join(folder, 'a')
    const one = open(path)
    const two = open(path)
    one.exec('CREATE TABLE t (a INTEGER PRIMARY KEY) STRICT; INSERT INTO t VALUES (1)')
    one.exec('BEGIN EXCLUSIVE')
    const codeOf = (act: () => unknown): string | undefined => {
      try {
        act()
        return 'nothing thrown'
      } catch (error) {
        return sqliteCode(error)
      }
    }
    expect(codeOf(() => two.exec('BEGIN IMMEDIATE'))).toBe('SQLITE_BUSY')
    one.exec('ROLLBACK')
    expect(codeOf(() => one.exec('INSERT INTO t VALUES (1)'))).toBe('SQLITE_CONSTRAINT')
    expect(codeOf(() => open(join(folder, 'none'), true))).toBe('SQLITE_CANTOPEN')
    one.close()
    two.close()
  })

  it('writes with EXTRA in either mode, and leaves one file', () => {
    const path = join(folder, 'a')
    const database = open(path)
    expect(prepareForWriting(database, { isShared: false })).toBe('delete')
    expect(pragma(database, 'synchronous')).toBe(3)
    expect(pragma(database, 'foreign_keys')).toBe(1)
    expect(pragma(database, 'trusted_schema')).toBe(0)
    expect(pragma(database, 'busy_timeout')).toBe(10_000)
    database.exec('CREATE TABLE t (a)')
    expect(switchToWal(database)).toBe(true)
    expect(pragma(database, 'journal_mode')).toBe('wal')
    expect(pragma(database, 'synchronous')).toBe(3)
    settleToOneFile(database)
    expect(pragma(database, 'journal_mode')).toBe('delete')
    expect(statSync(`${path}-wal`, { throwIfNoEntry: false })).toBeUndefined()
    database.close()
  })

  it.runIf(existsSync('/proc/self/fd'))(
    'puts nothing aside in files while a statement runs',
    () => {
      const database = open(join(folder, 'a'))
      prepareForWriting(database, { isShared: false })
      database.exec('CREATE TABLE t (a UNIQUE, b); BEGIN IMMEDIATE')
      database.exec(
        'WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO t SELECT i, randomblob(4000) FROM n',
      )
      database.exec('UPDATE t SET a = -a, b = randomblob(4000)')
      expect(openFiles().filter((path) => path.includes('etilqs'))).toEqual([])
      database.exec('ROLLBACK')
      database.close()
    },
  )

  it('leaves the WAL to a reader that is still there, without an error', () => {
    const path = join(folder, 'a')
    const database = open(path)
    prepareForWriting(database, { isShared: false })
    switchToWal(database)
    database.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1)')
    const reader = open(path, true)
    prepareForReading(reader)
    reader.exec('BEGIN')
    expect(reader.prepare('SELECT a FROM t').get()).toEqual({ a: 1 })
    settleToOneFile(database)
    database.close()
    expect(reader.prepare('SELECT a FROM t').get()).toEqual({ a: 1 })
    reader.close()
  })

  it('follows another connection into WAL, and syncs there', () => {
    const path = join(folder, 'a')
    makeFile(path)
    const [one, two] = [open(path), open(path)]
    for (const database of [one, two]) prepareForWriting(database, { isShared: false })
    expect(switchToWal(two)).toBe(true)
    one.transaction(() => one.exec('INSERT INTO t VALUES (1)'))
    expect(pragma(one, 'journal_mode')).toBe('wal')
    expect(pragma(one, 'synchronous')).toBe(3)
    one.close()
    two.close()
  })

  it('keeps the rollback journal where a reader keeps the file', () => {
    const path = join(folder, 'a')
    makeFile(path)
    const database = open(path)
    prepareForWriting(database, { isShared: false })
    database.exec('PRAGMA busy_timeout = 20')
    const reader = open(path, true)
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM t').get()
    expect(switchToWal(database)).toBe(false)
    reader.close()
    expect(pragma(database, 'synchronous')).toBe(3)
    database.transaction(() => database.exec('INSERT INTO t VALUES (1)'))
    expect(pragma(database, 'journal_mode')).toBe('delete')
    database.close()
  })

  /** Told before each statement, and when one is refused; several statements in one string are run one by one. */
  function observed(
    path: string,
    before: (database: Connection) => void,
    refused: (error: unknown) => void,
  ): Database {
    const connection = choose(name)(path, { isReadOnly: false })
    const attempt = <T>(act: () => T): T => {
      before(connection)
      try {
        return act()
      } catch (error) {
        refused(error)
        throw error
      }
    }
    return withTransactions({
      ...connection,
      exec: (sql) => {
        for (const statement of sql.split(';')) attempt(() => connection.exec(statement))
      },
      prepare: (sql) => {
        const statement = connection.prepare(sql)
        return { ...statement, all: (...values) => attempt(() => statement.all(...values)) }
      },
    })
  }

  it('waits for one who writes, though SQLite refuses WAL at once, whatever the busy timeout', async () => {
    const path = join(folder, 'a')
    makeFile(path)
    const holder = await hold(path, 'BEGIN IMMEDIATE')
    const refusals: (string | undefined)[] = []
    const refused = (error: unknown) => {
      refusals.push(sqliteCode(error))
      holder.letGo()
    }
    const database = observed(path, () => {}, refused)
    try {
      prepareForWriting(database, { isShared: false })
      expect(switchToWal(database)).toBe(true)
      expect(refusals).toEqual(['SQLITE_BUSY'])
    } finally {
      holder.letGo()
      database.close()
    }
    expect(await holder.ended).toBe('SIGTERM')
  })

  it('is ready to wait for one who has the file alone before it looks into it', async () => {
    const path = join(folder, 'a')
    makeFile(path)
    const holder = await hold(path, 'BEGIN EXCLUSIVE')
    let waitsFor: unknown = 0
    // Nobody lets go before this: had it looked already, it would have been refused.
    const before = (connection: Connection) => {
      if (waitsFor !== 0) return
      waitsFor = connection.prepare('PRAGMA busy_timeout').get()?.timeout
      if (waitsFor !== 0) holder.letGo()
    }
    const database = observed(path, before, () => {})
    try {
      expect(prepareForWriting(database, { isShared: false })).toBe('delete')
      expect(waitsFor).toBe(10_000)
    } finally {
      holder.letGo()
      database.close()
    }
    expect(await holder.ended).toBe('SIGTERM')
  })

  it('keeps a WAL that it finds, but for a shared filesystem', () => {
    const path = join(folder, 'a')
    const former = open(path)
    former.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (a)')
    former.close()
    for (const [isShared, mode] of [[false, 'wal'] as const, [true, 'delete'] as const]) {
      const database = open(path)
      expect(prepareForWriting(database, { isShared })).toBe(mode)
      expect(pragma(database, 'synchronous')).toBe(3)
      database.close()
    }
  })
})

describe('choice of the driver', () => {
  const broken = () => {
    throw Object.assign(new Error('other ABI'), { code: 'ERR_DLOPEN_FAILED' })
  }
  const working = () => () => openDatabase(':memory:', { isReadOnly: false })

  it('takes the next one where the first did not load', () => {
    expect(choose(undefined, { better: broken, node: working })).toBeTypeOf('function')
  })

  it('has one error that names both ways out', () => {
    const attempt = (): unknown => choose(undefined, { better: broken, node: broken })
    expect(attempt).toThrow(SqliteError)
    expect(attempt).toThrow(/Node 22\.13 or later; or .*install popkeep again.*npm ci/)
  })

  it('does not throw ahead of the first database what it throws then', async () => {
    vi.stubEnv('POPKEEP_SQLITE', 'nobody')
    vi.resetModules()
    const fresh = await import('../../src/sqlite/driver.ts')
    fresh.loadDriverAhead()
    const open = (): unknown => fresh.openDatabase(':memory:', { isReadOnly: false })
    expect(open).toThrow(/No SQLite driver/)
  })

  it('can be forced', () => {
    expect(() => choose('node', { better: working, node: broken })).toThrow(SqliteError)
  })
})

describe('what is fit for writing', () => {
  it.each([
    ['3.51.2', false],
    ['3.51.3', true],
    ['3.50.9', false],
    ['3.52.0', true],
    ['4.0', true],
  ])('SQLite %s: %s', (version, expected) => {
    expect(isFitForWriting(version)).toBe(expected)
  })

  it('knows a local filesystem', () => {
    expect(isOnSharedFilesystem(join(folder, 'a'))).toBe(false)
  })
})
