import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  accountLock,
  accountLockPath,
  archiveLock,
  archiveLockPath,
  isHeldAlone,
  Lock,
  locksFolder,
} from '../../src/durable/lock.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'popkeep-lock-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const locked = expect.objectContaining({ code: 'ARCHIVE_LOCKED' })

/** Another process that holds the lock until it is killed. */
async function holder(path: string, mode: 'shared' | 'exclusive'): Promise<ChildProcess> {
  const begin =
    mode === 'exclusive' ? 'BEGIN EXCLUSIVE' : 'BEGIN; SELECT count(*) FROM sqlite_schema'
  const script = `
    let database
    try {
      database = new (require('better-sqlite3'))(process.argv[1])
    } catch {
      database = new (require('node:sqlite').DatabaseSync)(process.argv[1])
    }
    for (const sql of process.argv[2].split(';')) {
      if (sql.includes('SELECT')) database.prepare(sql).get()
      else database.exec(sql)
    }
    console.log('held')
    setInterval(() => {}, 1000)
  `
  const child = spawn(process.execPath, ['-e', script, path, begin], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout as NodeJS.ReadableStream, 'data')
  return child
}

/** Leaves with 75 if it cannot have the lock. */
const CONTENDER = `
  let database
  try {
    database = new (require('better-sqlite3'))(process.argv[1], { timeout: 0 })
  } catch {
    database = new (require('node:sqlite').DatabaseSync)(process.argv[1])
  }
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch {
    process.exitCode = 75
  }
`

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

describe('Lock', () => {
  it('opens while another process holds it alone, and waits only in acquire', async () => {
    const path = archiveLockPath(join(folder, 'mail.sqlite'))
    new Lock(path).close()
    const child = await holder(path, 'exclusive')
    try {
      const lock = new Lock(path)
      expect(() => lock.acquire('shared', 0)).toThrow(locked)
      lock.close()
    } finally {
      await kill(child)
    }
  })

  it('is a private empty file in a private folder', () => {
    const umask = process.umask(0)
    const path = accountLockPath(join(folder, 'mail.sqlite'), '../../work\0')
    const lock = new Lock(path)
    process.umask(umask)
    lock.acquire('exclusive')
    expect(readdirSync(locksFolder(join(folder, 'mail.sqlite')))).toEqual([
      expect.stringMatching(/^account-[0-9a-f]{64}\.lock$/),
    ])
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700)
    expect(statSync(path).size).toBe(0)
    lock.close()
  })

  it('is shared by some or held by one, within a process too', () => {
    const path = archiveLockPath(join(folder, 'a'))
    const one = new Lock(path)
    const two = new Lock(path)
    one.acquire('shared')
    two.acquire('shared')
    expect(one.tryExclusive()).toBe(false)
    expect(one.held).toBeUndefined()
    two.release()
    expect(one.tryExclusive()).toBe(true)
    expect(() => two.acquire('shared', 0)).toThrow(locked)
    one.acquire('shared')
    two.acquire('shared', 0)
    one.close()
    two.close()
  })

  it('is refused while another process holds it, and free once that is killed', async () => {
    const path = archiveLockPath(join(folder, 'a'))
    const lock = new Lock(path)
    const exclusive = await holder(path, 'exclusive')
    expect(() => lock.acquire('shared', 0)).toThrow(locked)
    expect(lock.tryExclusive()).toBe(false)
    await kill(exclusive)
    expect(lock.tryExclusive()).toBe(true)
    lock.release()
    const shared = await holder(path, 'shared')
    expect(lock.tryExclusive()).toBe(false)
    lock.acquire('shared', 0)
    await kill(shared)
    lock.close()
  })

  it('names what it guards, as a person does', () => {
    const path = join(folder, 'mail.sqlite')
    for (const [open, words] of [
      [() => accountLock(path, 'work'), 'the account work is held by another run'],
      [() => archiveLock(path), `the archive ${path} is held by another run`],
    ] as const) {
      const [one, two] = [open(), open()]
      one.acquire('exclusive')
      expect(() => two.acquire('exclusive', 0)).toThrow(words)
      one.close()
      two.close()
    }
  })
})

describe('isHeldAlone', () => {
  it('makes no lock file where none is', () => {
    const path = archiveLockPath(join(folder, 'mail.sqlite'))
    expect(isHeldAlone(path)).toBe(false)
    expect(existsSync(join(path, '..'))).toBe(false)
  })

  it.each([
    ['exclusive', true],
    ['shared', false],
  ] as const)('sees a lock that another process holds, %s: %s', async (mode, expected) => {
    const path = archiveLockPath(join(folder, 'mail.sqlite'))
    new Lock(path).close()
    const child = await holder(path, mode)
    expect(isHeldAlone(path)).toBe(expected)
    await kill(child)
    expect(isHeldAlone(path)).toBe(false)
  })

  it('lets no lock of its own process go by looking', async () => {
    const path = archiveLockPath(join(folder, 'mail.sqlite'))
    const lock = new Lock(path)
    lock.acquire('exclusive')
    expect(isHeldAlone(path)).toBe(true)
    const contender = spawn(process.execPath, ['-e', CONTENDER, path], { stdio: 'ignore' })
    const [code] = await once(contender, 'exit')
    expect(code).toBe(75)
    lock.close()
  })
})
