/** An archive that its reader may not read, opened by a process that is not root. */
import { execFileSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openForWriting } from '../../src/archive/open.ts'
import { temporaryFolder } from './temp-archive.ts'
import { transpileArchive } from './transpiled.ts'

let built: ReturnType<typeof transpileArchive>
beforeAll(() => {
  built = transpileArchive()
})
afterAll(() => built.remove())

it('is denied, not broken', () => {
  const folder = temporaryFolder()
  const path = join(folder, 'a.sqlite')
  openForWriting({ kind: 'sqlite', path }).close()
  chmodSync(folder, 0o755)
  chmodSync(path, 0)
  const moduleOf = (name: string) => JSON.stringify(pathToFileURL(join(built.folder, name)).href)
  const body = `
    import { openDatabase } from ${moduleOf('sqlite/driver.js')}
    import { openForReading } from ${moduleOf('archive/open.js')}
    // The driver is loaded while everything may be read.
    openDatabase(':memory:', { isReadOnly: false }).close()
    if (process.getuid() === 0) process.setuid(65534)
    try {
      openForReading({ kind: 'sqlite', path: ${JSON.stringify(path)} })
    } catch (error) {
      process.stdout.write(error.code)
    }
  `
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', body])
  expect(said.toString()).toBe('ARCHIVE_DENIED')
})
