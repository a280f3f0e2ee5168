/** The disk fails under the 37th of a hundred messages, while up to a hundred are outstanding. */
import nodeFs from 'node:fs'
import { afterEach, expect, it, vi } from 'vitest'
import type { Database, Statement } from '../../src/sqlite/database.ts'
import { scriptedServer, scriptedTlsServer } from '../support/scripted-server.ts'
import { expectEnding } from './ending.ts'
import { Household, serverCertificates, storedIn } from './household.ts'
import { letter, ScriptedMaildrop } from './mail-server.ts'

const CASE = {
  number: 'D18',
  name: 'has a hundred messages, and the disk fails under the 37th',
}

const FATAL = 37

type Trouble = 'ENOSPC' | 'EIO'

const disk = vi.hoisted(() => ({ trouble: undefined as Trouble | undefined, messages: 0 }))

// Of a SQLite archive: the row of the message finds no room, or the COMMIT behind it fails.
vi.mock('../../src/sqlite/driver.ts', async (original) => {
  const { openDatabase, ...others } = await original<typeof import('../../src/sqlite/driver.ts')>()
  return {
    ...others,
    openDatabase: (...args: Parameters<typeof openDatabase>) => failing(openDatabase(...args)),
  }
})
const { popkeepHere } = await import('./program.ts')

function failing(database: Database): Database {
  return {
    ...database,
    prepare: (sql) => {
      const statement = database.prepare(sql)
      return sql.includes('INSERT INTO message') ? counting(statement) : statement
    },
    transaction: (body) =>
      database.transaction(() => {
        const result = body()
        if (disk.trouble === 'EIO' && disk.messages >= FATAL) {
          throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_FSYNC' })
        }
        return result
      }),
  }
}

function counting(statement: Statement): Statement {
  return {
    ...statement,
    all: (...values) => statement.all(...values),
    iterate: (...values) => statement.iterate(...values),
    get: (...values) => statement.get(...values),
    run: (...values) => {
      disk.messages += 1
      if (disk.trouble === 'ENOSPC' && disk.messages >= FATAL) {
        throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' })
      }
      return statement.run(...values)
    },
  }
}

/** Of a Maildir: the write to the file of the message, or its fsync. */
function failFiles(): void {
  const { openSync, writeSync, fsync } = nodeFs
  let bad: number | undefined
  vi.spyOn(nodeFs, 'openSync').mockImplementation((path, flags, mode) => {
    const descriptor = openSync(path, flags, mode)
    const isMessage = /\/tmp\/[^/]+$/.test(String(path)) && Number(flags) & nodeFs.constants.O_CREAT
    if (isMessage && disk.trouble) {
      disk.messages += 1
      if (disk.messages === FATAL) bad = descriptor
    }
    return descriptor
  })
  const fail = (code: Trouble, descriptor: number): void => {
    if (descriptor !== bad || disk.trouble !== code) return
    throw Object.assign(new Error(code), { code, syscall: code === 'EIO' ? 'fsync' : 'write' })
  }
  vi.spyOn(nodeFs, 'writeSync').mockImplementation(((...args: Parameters<typeof writeSync>) => {
    fail('ENOSPC', args[0])
    return writeSync(...args)
  }) as typeof writeSync)
  vi.spyOn(nodeFs, 'fsync').mockImplementation(((
    ...[descriptor, done]: Parameters<typeof fsync>
  ) => {
    fsync(descriptor, (error) => {
      try {
        fail('EIO', descriptor)
        done(error)
      } catch (failure) {
        done(failure as NodeJS.ErrnoException)
      }
    })
  }) as typeof fsync)
}

afterEach(() => vi.restoreAllMocks())

const variants = [false, true].flatMap((tls) =>
  [false, true].flatMap((pipelining) =>
    (['keep', 'delete'] as const).flatMap((mode) =>
      (['ENOSPC', 'EIO'] as const).map((trouble, index) => ({
        ...{ tls, pipelining, mode, trouble },
        kind:
          (Number(tls) + Number(pipelining) + index) % 2
            ? ('maildir' as const)
            : ('sqlite' as const),
      })),
    ),
  ),
)

it.each(variants)(
  `${CASE.name} (TLS $tls, pipelined $pipelining, $mode, $kind, $trouble)`,
  async ({ tls, pipelining, mode, trouble, kind }) => {
    const letters = Array.from({ length: 100 }, (_, n) =>
      letter(`u-${n}`, `Subject: ${n}\r\n\r\n${'text\r\n'.repeat(n % 7)}`),
    )
    const maildrop = new ScriptedMaildrop(letters)
    const household = new Household(kind)
    failFiles()
    disk.messages = 0
    disk.trouble = trouble
    const capabilities = ['USER', 'UIDL', 'TOP', ...(pipelining ? ['PIPELINING'] : [])]
    const script = (connection: Parameters<ScriptedMaildrop['serve']>[0]) =>
      maildrop.serve(connection, capabilities)
    await using server = await (tls
      ? scriptedTlsServer(serverCertificates().tls, script)
      : scriptedServer(script))
    const run = () =>
      popkeepHere(
        [
          ...['sync', `${tls ? 'pops' : 'pop'}://me@127.0.0.1:${server.port}`, '--json'],
          ...['--archive', household.archive, '--password-file', household.given('p', 'pw\n')],
          ...(tls ? ['--tls-ca', serverCertificates().certificates.ca] : ['--tls', 'none']),
          ...(mode === 'delete' ? ['--delete'] : []),
        ],
        household.environment,
      )
    try {
      expectEnding(await run(), {
        exit: 74,
        code: trouble === 'EIO' ? 'ARCHIVE_IO' : 'ARCHIVE_FULL',
      })
      expect(disk.messages).toBeGreaterThanOrEqual(FATAL)
      const before = new Set(letters.slice(0, FATAL - 1).map(({ digest }) => digest))
      const stored = storedIn(household)
      expect(stored.filter((digest) => !before.has(digest))).toEqual([])
      const lines = maildrop.sessions.flatMap((session) => session.lines)
      expect(lines.filter((line) => /^(DELE|QUIT)/.test(line))).toEqual([])
      expect(maildrop.sessions).toHaveLength(1)

      disk.trouble = undefined
      expectEnding(await run(), { exit: 0 })
      expect(storedIn(household)).toEqual(letters.map(({ digest }) => digest).toSorted())
      expect(maildrop.letters).toHaveLength(mode === 'delete' ? 0 : 100)
    } finally {
      household.remove()
    }
  },
)
