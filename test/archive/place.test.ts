/** The archive's file is moved, removed, replaced or linked while a run writes to it. */
import {
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  type ArchiveKind,
  type ArchiveLocation,
  parseLocation,
} from '../../src/archive/location.ts'
import { openForWriting } from '../../src/archive/open.ts'
import type { Database } from '../../src/sqlite/database.ts'
import { openDatabase } from '../../src/sqlite/driver.ts'
import {
  keyOf,
  mail,
  noCounts,
  openHere,
  put,
  query,
  sync,
  temporaryFolder,
  temporaryLocation,
  work,
} from './temp-archive.ts'

const options = { configured: new Set(['work']) }
/** An archive with one message, a copy of it, and a run in it that has stored another. */
async function midRun(kind: ArchiveKind) {
  const location = temporaryLocation(kind)
  const { path } = location
  await sync(location, async (ledger) => void (await put(ledger, keyOf('a'), mail('a'))))
  cpSync(path, `${path}.backup`, { recursive: true, preserveTimestamps: true })
  const ledger = await openHere(location).openAccount(work, options)
  return { location, path, ledger, ...(await put(ledger, keyOf('b'), mail('b'))) }
}

const moved = expect.objectContaining({
  code: 'ARCHIVE_IO',
  message: expect.stringContaining('moved, removed or replaced'),
})

describe('a sqlite archive that is not in its place any more', () => {
  it.each([
    ['moved', (path: string) => renameSync(path, `${path}.moved`)],
    ['removed', (path: string) => unlinkSync(path)],
    ['removed with its WAL', (path: string) => removeAll(path)],
    ['without its WAL', (path: string) => unlinkSync(`${path}-wal`)],
    ['replaced', (path: string) => renameSync(`${path}.backup`, path)],
    ['in a folder that was moved', (path: string) => moveFolder(path)],
  ])('proves nothing, and the run ends with an error: %s', async (_how, act) => {
    const { path, ledger, message, receipt } = await midRun('sqlite')
    expect(await ledger.prove([message])).toHaveProperty('size', 1)
    await ledger.requireInPlace()
    act(path)
    await expect(ledger.requireInPlace()).rejects.toEqual(moved)
    await expect(ledger.prove([message])).rejects.toEqual(moved)
    await expect(ledger.deleteSent([receipt])).rejects.toEqual(moved)
    await expect(ledger.finish(noCounts, 'done')).rejects.toEqual(moved)
  })

  describe.each([
    ['moved', (path: string) => renameSync(path, `${path}.moved`)],
    ['replaced', (path: string) => copyOver(path)],
    ['in a folder that was moved', (path: string) => moveFolder(path)],
  ] as const)('before it is in WAL: %s', (_how, act) => {
    async function opened() {
      const location = temporaryLocation('sqlite')
      await sync(location, async () => undefined)
      const archive = openHere(location)
      const ledger = await archive.openAccount(work, options)
      const other = await archive.openAccount({ ...work, name: 'home' }, options)
      act(location.path)
      await expect(ledger.requireInPlace()).rejects.toEqual(moved)
      return { ledger, other }
    }

    it('takes no message', async () => {
      const { ledger, other } = await opened()
      await expect(put(ledger, keyOf('a'), mail('a'))).rejects.toEqual(moved)
      await ledger.finish(noCounts, 'ARCHIVE_IO')
      await expect(other.finish(noCounts, 'done')).rejects.toEqual(moved)
    })

    it('does not take the end of a run', async () => {
      const { ledger, other } = await opened()
      await ledger.learn({ lastMisled: true })
      await expect(ledger.finish(noCounts, 'done')).rejects.toEqual(moved)
      await expect(other.finish(noCounts, 'done')).rejects.toEqual(moved)
    })
  })

  it('also where another run has made the WAL', async () => {
    const { location, path, ledger } = await midRun('sqlite')
    await ledger.finish(noCounts, 'done')
    const early = await openHere(location).openAccount(work, options)
    const other = await openHere(location).openAccount(
      { ...work, name: 'home', user: 'x' },
      options,
    )
    expect(existsSync(`${path}-wal`)).toBe(false)
    await put(other, keyOf('c'), mail('c'))
    await early.receipts()
    await early.requireInPlace()
    unlinkSync(`${path}-wal`)
    await expect(early.requireInPlace()).rejects.toEqual(moved)
    await expect(other.requireInPlace()).rejects.toEqual(moved)
    await expect(early.finish(noCounts, 'done')).rejects.toEqual(moved)
    await expect(other.finish(noCounts, 'done')).rejects.toEqual(moved)
  })

  it('holds all that was committed, wherever it is, and nothing is created in its place', async () => {
    const { location, path, ledger } = await midRun('sqlite')
    renameSync(path, `${path}.moved`)
    await expect(ledger.finish(noCounts, 'done')).rejects.toEqual(moved)
    expect(existsSync(path)).toBe(false)
    expect(messagesIn({ ...location, path: `${path}.moved` })).toBe(2)
    renameSync(`${path}.moved`, path)
    await sync(location, async () => undefined)
    expect(messagesIn(location)).toBe(2)
  })

  it.each([['nobody reads in it', false] as const, ['somebody reads in it', true] as const])(
    'does not play its WAL over the file that replaced it: %s',
    async (_who, isRead) => {
      const { location, path, ledger } = await midRun('sqlite')
      const reader = isRead ? readIn(path) : undefined
      renameSync(`${path}.backup`, path)
      await expect(ledger.finish(noCounts, 'done')).rejects.toEqual(moved)
      reader?.close()
      const aside = readdirSync(dirname(path)).filter((name) => /-wal\.\d+$/.test(name))
      expect(aside).toHaveLength(isRead ? 1 : 0)
      expect(messagesIn(location)).toBe(1)
      await sync(location, async () => undefined)
      expect(messagesIn(location)).toBe(1)
      expect(query(location, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
    },
    20_000,
  )

  it('is not begun anew over the WAL of a run that was killed', async () => {
    const { location, path, ledger } = await midRun('sqlite')
    const other = temporaryLocation('sqlite')
    copyFileSync(`${path}-wal`, `${other.path}-wal`)
    const wal = readFileSync(`${other.path}-wal`)
    await expect(openHere(other).openAccount(work, options)).rejects.toMatchObject({
      code: 'ARCHIVE_CREATE',
      message: expect.stringContaining('-wal'),
    })
    expect(readFileSync(`${other.path}-wal`)).toEqual(wal)
    await ledger.finish(noCounts, 'done')
    expect(messagesIn(location)).toBe(2)
  })

  it('is begun anew where a run was killed in the commit that creates it', async () => {
    const location = temporaryLocation('sqlite')
    const { path } = location
    const database = openDatabase(path, { isReadOnly: false })
    database.exec('PRAGMA journal_mode = WAL')
    database.close()
    writeFileSync(`${path}-wal`, new Uint8Array(5000))
    await sync(location, async (ledger) => void (await put(ledger, keyOf('a'), mail('a'))))
    expect(messagesIn(location)).toBe(1)
  })
})

describe('a Maildir that is not in its place any more', () => {
  it.each([
    ['moved', (path: string) => renameSync(path, `${path}.moved`)],
    ['removed', (path: string) => rmSync(path, { recursive: true })],
    ['replaced', (path: string) => replaceFolder(path)],
    ['without its catalog', (path: string) => unlinkSync(join(path, 'popkeep.sqlite'))],
  ])('proves nothing, and the run ends with an error: %s', async (_how, act) => {
    const { path, ledger, message, receipt } = await midRun('maildir')
    expect(await ledger.prove([message])).toHaveProperty('size', 1)
    await ledger.requireInPlace()
    act(path)
    await expect(ledger.requireInPlace()).rejects.toEqual(moved)
    await expect(ledger.prove([message])).rejects.toEqual(moved)
    await expect(ledger.deleteSent([receipt])).rejects.toEqual(moved)
    await expect(ledger.finish(noCounts, 'done')).rejects.toEqual(moved)
  })

  it('proves no message whose file was removed in mid-run', async () => {
    const { path, ledger, message } = await midRun('maildir')
    for (const name of readdirSync(join(path, 'new'))) unlinkSync(join(path, 'new', name))
    expect(await ledger.prove([message])).toHaveProperty('size', 0)
    await ledger.finish(noCounts, 'done')
  })
})

describe('a name with a symbolic link in it', () => {
  it.each([
    ['a sqlite archive', 'sqlite', 'file'] as const,
    ['a sqlite archive in a folder', 'sqlite', 'folder'] as const,
    ['a Maildir', 'maildir', 'file'] as const,
    ['a Maildir in a folder', 'maildir', 'folder'] as const,
  ])('that leads elsewhere in mid-run: %s', async (_what, kind, how) => {
    const { path } = temporaryLocation(kind)
    const other = join(temporaryFolder(), basename(path))
    const link = join(temporaryFolder(), 'link')
    const lead = (to: string) => {
      rmSync(link, { force: true })
      symlinkSync(how === 'file' ? to : dirname(to), link)
    }
    const store = async (location: ArchiveLocation, name: string) =>
      await sync(location, async (ledger) => void (await put(ledger, keyOf(name), mail(name))))
    await store({ kind, path }, 'a')
    cpSync(path, other, { recursive: true })
    lead(path)
    const name = how === 'file' ? link : join(link, basename(path))
    const location = parseLocation(`${kind}:${name}`)
    await store(location, 'b')
    const ledger = await openHere(location).openAccount(work, options)
    const { message, receipt } = await put(ledger, keyOf('c'), mail('c'))
    await ledger.requireInPlace()
    lead(other)
    const astray = expect.objectContaining({
      code: 'ARCHIVE_IO',
      message: expect.stringMatching(`${name}.*led to ${path}`),
    })
    await expect(ledger.requireInPlace()).rejects.toEqual(astray)
    await expect(ledger.prove([message])).rejects.toEqual(astray)
    await expect(ledger.deleteSent([receipt])).rejects.toEqual(astray)
    await expect(ledger.finish(noCounts, 'done')).rejects.toEqual(astray)
    expect(rowsIn({ kind, path })).toBe(3)
    expect(rowsIn({ kind, path: other })).toBe(1)
    await store({ kind, path }, 'd')
    expect(rowsIn({ kind, path })).toBe(4)
  })

  it('may lead to a file that the run creates', async () => {
    const { kind, path } = temporaryLocation('sqlite')
    const link = join(temporaryFolder(), 'link')
    symlinkSync(path, link)
    const location = parseLocation(`${kind}:${link}`)
    await sync(location, async (ledger) => {
      await put(ledger, keyOf('a'), mail('a'))
      await ledger.requireInPlace()
    })
    expect(messagesIn({ kind, path })).toBe(1)
  })
})

describe('a second name of the file', () => {
  it('lets a sqlite archive store, and prove nothing', async () => {
    const { location, path, ledger, message, receipt } = await midRun('sqlite')
    linkSync(path, `${path}.linked`)
    const denied = expect.objectContaining({
      code: 'ARCHIVE_DENIED',
      hint: expect.stringContaining(`cp '${path}' '${path}.own' && mv`),
    })
    await expect(ledger.prove([message])).rejects.toEqual(denied)
    await expect(ledger.deleteSent([receipt])).rejects.toEqual(denied)
    await ledger.requireInPlace()
    await ledger.finish(noCounts, 'done')
    expect(messagesIn(location)).toBe(2)
  })

  it('does no harm to a Maildir, whose files never change', async () => {
    const { path, ledger, message } = await midRun('maildir')
    linkSync(join(path, 'popkeep.sqlite'), `${path}.linked`)
    expect(await ledger.prove([message])).toHaveProperty('size', 1)
    await ledger.finish(noCounts, 'done')
  })
})

/** Two runs that share no lock: one sweeps what the other has staged. */
describe('pieces of a large message', () => {
  const large = new Uint8Array(2_500_000).fill(65)

  function staged() {
    const archive = openForWriting(temporaryLocation('sqlite'))
    const draft = archive.content.draft()
    draft.write(large)
    draft.seal(new Uint8Array(32))
    return { archive, draft }
  }

  it('are not taken for a message once another run has swept them', () => {
    const { archive, draft } = staged()
    const { database, content } = archive
    content.sweep()
    expect(() => database.transaction(() => content.attach(database, 1, draft))).toThrow(
      expect.objectContaining({ code: 'ARCHIVE_IO' }),
    )
    archive.close()
  })

  it('stay with the message of another run when those that it swept are discarded', () => {
    const { archive, draft } = staged()
    const { database, content } = archive
    content.sweep()
    const other = content.draft()
    other.write(large)
    other.seal(new Uint8Array(32))
    draft.discard()
    expect(database.prepare('SELECT count(*) AS n FROM piece').get()).toEqual({ n: 2 })
    archive.close()
  })
})

function messagesIn(location: ArchiveLocation): unknown {
  return query(location, 'SELECT count(*) AS n FROM content')[0]?.n
}

function rowsIn(location: ArchiveLocation): unknown {
  return query(location, 'SELECT count(*) AS n FROM message')[0]?.n
}

/** A connection that holds what it sees: no checkpoint goes past it. */
function readIn(path: string): Database {
  const database = openDatabase(path, { isReadOnly: true })
  database.exec('BEGIN')
  database.prepare('SELECT count(*) AS n FROM message').get()
  return database
}

function removeAll(path: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`)
}

function copyOver(path: string): void {
  copyFileSync(path, `${path}.copy`)
  renameSync(`${path}.copy`, path)
}

function moveFolder(path: string): void {
  renameSync(dirname(path), join(temporaryFolder(), 'moved'))
}

function replaceFolder(path: string): void {
  renameSync(path, `${path}.moved`)
  renameSync(`${path}.backup`, path)
}
