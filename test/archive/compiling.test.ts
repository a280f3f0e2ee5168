import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { transpileArchive } from './transpiled.ts'

it('uses a setting that this V8 has: it would complain of another', () => {
  const built = transpileArchive()
  try {
    const entry = pathToFileURL(join(built.folder, 'archive/compiling.js')).href
    const program = `import { inlineLess } from ${JSON.stringify(entry)}\ninlineLess()`
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', program],
      { encoding: 'utf8', timeout: 60_000 },
    )
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' })
  } finally {
    built.remove()
  }
})
