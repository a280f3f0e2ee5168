/** What the built program loads: whatever a run does not need is only time that it takes. */
import { readFileSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parseLocation } from '../../src/archive/location.ts'
import { openForWriting } from '../../src/archive/open.ts'
import { lettersOf, Maildrop } from '../reliability/maildrop.ts'
import { popkeep } from '../support/popkeep.ts'
import { temporaryFolder } from '../support/temp.ts'

const RECORDER = join(import.meta.dirname, '../support/loaded.cjs')

const folder = temporaryFolder('start-up')
afterAll(() => folder.remove())

/** The native part of a package is asked for by its path. */
const named = (request: string) => (request.endsWith('.node') ? basename(request) : request)

/** Runs it, and returns what each of its threads asked for first, in this order: packages and chunks of its own. */
async function loadedBy(args: readonly string[]) {
  const record = join(folder.path, 'loaded')
  writeFileSync(record, '')
  const run = await popkeep(args, {
    env: {
      NODE_OPTIONS: `--require=${RECORDER}`,
      POPKEEP_TEST_LOADED: record,
      POPKEEP_PASSWORD: 'pw',
      // No keyring is there to be asked.
      XDG_RUNTIME_DIR: folder.path,
    },
  })
  expect({ code: run.code, stderr: run.stderr.toString() }).toEqual({ code: 0, stderr: '' })
  const lines = [...new Set(readFileSync(record, 'utf8').split('\n').slice(0, -1))]
  const of = (thread: string) =>
    lines
      .filter((line) => line.startsWith(`${thread} `))
      .map((line) => named(line.split(' ')[1] ?? ''))
  const isPackage = (name: string) => !/^(?:\.|\/|file:|data:)/.test(name) && !isBuiltin(name)
  return {
    packages: of('main')
      .filter((name) => isPackage(name) && name !== 'Worker')
      .sort(),
    all: of('main'),
    packagesOfWriter: of('writer').filter(isPackage),
  }
}

/** An archive without messages. */
function archiveIn(name: string): string {
  const archive = `sqlite:${join(folder.path, name)}`
  openForWriting(parseLocation(archive)).close()
  return archive
}

/** The tests also run on another Node than the build, whose cached data is then of no use. */
const isBuiltByThis = readFileSync(
  join(import.meta.dirname, '../../dist/main.js.cached'),
  'latin1',
).startsWith(`${process.version} `)

describe('what is loaded', () => {
  it('by a sync that finds nothing new is no more than it needs', async () => {
    const server = await new Maildrop(lettersOf(3)).serve()
    try {
      const sync = [
        ...['sync', `pop://me@127.0.0.1:${server.port}`, '--tls', 'none'],
        ...['--archive', `sqlite:${join(folder.path, 'mail.sqlite')}`],
      ]
      const env = { POPKEEP_PASSWORD: 'pw' }
      expect((await popkeep(sync, { env })).code).toBe(0)
      const { packages, packagesOfWriter, all } = await loadedBy(sync)
      expect(packages).toEqual([])
      expect(packagesOfWriter).toEqual(['better_sqlite3.node'])
      for (const command of ['demo', 'account-add', 'repair-run', 'export-run', 'console']) {
        expect(all).not.toContain(`./${command}.js`)
      }
      expect(all).toContain('./shared.js')
      // It takes as long to load as all of the rest, and does so beside it.
      expect(all.indexOf('Worker')).toBeLessThan(all.indexOf('./main.js'))
      const { all: ofDryRun } = await loadedBy([...sync, '--dry-run'])
      expect(ofDryRun).toContain('./shared.js')
      expect(ofDryRun).not.toContain('Worker')
    } finally {
      await server.close()
    }
  })

  it('by a list is no other command', async () => {
    const archive = archiveIn('listed.sqlite')
    const { packages, all } = await loadedBy(['list', '--newest', '50', '--archive', archive])
    expect(packages).toEqual(['better_sqlite3.node'])
    for (const command of ['status-run', 'verify-run', 'export-run', 'message-text']) {
      expect(all).not.toContain(`./${command}.js`)
    }
  })

  it('by the help is the command line', async () => {
    const { packages, all } = await loadedBy(['--help'])
    expect(packages).toEqual([])
    expect(all).not.toContain('Worker')
    const { all: ofSync } = await loadedBy(['sync', '--help'])
    expect(ofSync).toContain('./main.js')
    expect(ofSync).not.toContain('Worker')
  })

  it.skipIf(!isBuiltByThis)(
    'is, of the large chunks, what V8 made of them at the build',
    async () => {
      const { all } = await loadedBy(['list', '--archive', archiveIn('cached.sqlite')])
      expect(all).toEqual(expect.arrayContaining(['./shared.js.cached', './main.js.cached']))
    },
  )
})
