/** An archive that its reader may not read, opened by a process that is not root. */
import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openForWriting } from '../../src/archive/open.ts'
import { leaveJournal, temporaryFolder } from './temp-archive.ts'
import { transpileArchive } from './transpiled.ts'

let built: ReturnType<typeof transpileArchive>
beforeAll(() => {
  built = transpileArchive()
})
afterAll(() => built.remove())

/** What a process that is not root says when it opens this archive: the error's code and message. */
function readAsNobody(path: string): string {
  const moduleOf = (name: string) => JSON.stringify(pathToFileURL(join(built.folder, name)).href)
  const body = `
    import { openDatabase } from ${moduleOf('sqlite/driver.js')}
    import { openForReading } from ${moduleOf('archive/open.js')}
    // The driver is loaded while everything may be read.
    openDatabase(':memory:', { isReadOnly: false }).close()
    if (process.getuid() === 0) process.setuid(65534)
    try {
      openForReading({ kind: 'sqlite', path: ${JSON.stringify(path)} }).close()
      process.stdout.write('opened')
    } catch (error) {
      process.stdout.write(error.code + ' ' + error.message)
    }
  `
  return execFileSync(process.execPath, ['--input-type=module', '--eval', body]).toString()
}

it('is denied, not broken', () => {
  const folder = temporaryFolder()
  const path = join(folder, 'a.sqlite')
  openForWriting({ kind: 'sqlite', path }).close()
  chmodSync(folder, 0o755)
  chmodSync(path, 0)
  expect(readAsNobody(path)).toMatch(/^ARCHIVE_DENIED /)
})

describe('on read-only media', () => {
  let folder: string
  beforeEach(() => {
    folder = temporaryFolder()
  })
  afterEach(() => chmodSync(folder, 0o755))

  /** The archive in the state that `files` show, where nobody may write. */
  function freeze(files: Record<string, Uint8Array>): string {
    const path = join(folder, 'a.sqlite')
    for (const [suffix, octets] of Object.entries(files)) {
      writeFileSync(path + suffix, octets, { mode: 0o444 })
    }
    chmodSync(folder, 0o555)
    return path
  }

  function crashed(): { readonly main: Uint8Array; readonly wal: Uint8Array } {
    const path = join(temporaryFolder(), 'a.sqlite')
    const archive = openForWriting({ kind: 'sqlite', path })
    archive.enterWal()
    archive.database.exec('CREATE TABLE late (n)')
    const [main, wal] = [readFileSync(path), readFileSync(`${path}-wal`)]
    archive.close()
    return { main, wal }
  }

  it('an archive that was left is read as it is', () => {
    const path = join(temporaryFolder(), 'a.sqlite')
    openForWriting({ kind: 'sqlite', path }).close()
    expect(readAsNobody(freeze({ '': readFileSync(path) }))).toBe('opened')
  })

  it('what a kill left of one, with its WAL or without, says what to do', () => {
    const { main, wal } = crashed()
    expect(wal.byteLength).toBeGreaterThan(0)
    const path = freeze({ '': main, '-wal': wal })
    const said = `ARCHIVE_DENIED ${path}: a run was killed and left it unfinished. To use it, copy it,`
    expect(readAsNobody(path)).toContain(said)
    chmodSync(folder, 0o755)
    rmSync(`${path}-wal`)
    chmodSync(folder, 0o555)
    expect(readAsNobody(path)).toContain(said)
  })

  it('so does a rollback journal', () => {
    const path = join(temporaryFolder(), 'a.sqlite')
    openForWriting({ kind: 'sqlite', path }).close()
    leaveJournal(path)
    const journal = readFileSync(`${path}-journal`)
    expect(readAsNobody(freeze({ '': readFileSync(path), '-journal': journal }))).toMatch(
      /^ARCHIVE_DENIED .* copy it, with all files beside it/,
    )
  })
})
