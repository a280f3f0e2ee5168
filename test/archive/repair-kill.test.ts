/**
 * kill -9 during a repair, at each of its writes, renames, links, removals and commits in turn: the archive is as good as
 * before, and the next repair and sync put it right.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ArchiveLocation, catalogPath } from '../../src/archive/location.ts'
import { fileOf, maildropOf, repair, syncWith, tally, verify } from './repair-cases.ts'
import { query, temporaryFolder, temporaryLocation } from './temp-archive.ts'
import { transpileArchive } from './transpiled.ts'

const COUNT = 12

/** More points than any of the cases has: one that is never reached ends its sweep. */
const MOST_POINTS = 200

let built: ReturnType<typeof transpileArchive>
beforeAll(() => {
  built = transpileArchive()
})
afterAll(() => built.remove())

/** Runs a repair in a process of its own that kills itself at the given point. Returns whether it came so far. */
function isKilledAt(location: ArchiveLocation, point: number): boolean {
  const at = (path: string) => JSON.stringify(pathToFileURL(join(built.folder, path)).href)
  const body = `
    import fs from 'node:fs'
    import { repairArchive } from ${at('archive/repair.js')}
    import { openDatabase } from ${at('sqlite/driver.js')}
    let left = ${point}
    const pass = () => { if (--left === 0) process.kill(process.pid, 'SIGKILL') }
    for (const name of ['renameSync', 'linkSync', 'unlinkSync', 'fsyncSync']) {
      const real = fs[name]
      fs[name] = (...parameters) => {
        pass()
        const result = real(...parameters)
        pass()
        return result
      }
    }
    const probe = openDatabase(':memory:', { isReadOnly: false })
    probe.close()
    const { createRequire } = await import('node:module')
    const require = createRequire(${at('sqlite/driver.js')})
    const classes = []
    try { classes.push(require('better-sqlite3')) } catch {}
    try { classes.push(require('node:sqlite').DatabaseSync) } catch {}
    for (const { prototype } of classes) {
      const real = prototype.exec
      prototype.exec = function (sql) {
        if (!/^(COMMIT|BEGIN)/.test(sql)) return real.call(this, sql)
        pass()
        const result = real.call(this, sql)
        pass()
        return result
      }
    }
    for (const finding of repairArchive(${JSON.stringify(location)}, { missing: 'keep' })) pass()
  `
  const ended = spawnSync(process.execPath, ['--input-type=module', '--eval', body], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  if (ended.signal === 'SIGKILL') return true
  expect([ended.status, ended.stderr.replace(/^.*Warning.*\n/gm, '')]).toEqual([0, ''])
  return false
}

const damages = {
  'altered octets': (location: ArchiveLocation) => {
    const path =
      location.kind === 'sqlite'
        ? location.path
        : fileOf(
            location,
            String(
              query(location, 'SELECT lower(hex(digest)) AS hex FROM message WHERE id = 6')[0]?.hex,
            ),
          )
    const file = readFileSync(path)
    file[file.indexOf('body 5')] = 0x42
    writeFileSync(path, file)
  },
  'a damaged index': (location: ArchiveLocation) => {
    const path = catalogPath(location)
    const [page] = query(location, "SELECT rootpage FROM sqlite_schema WHERE name = 'receipt_key'")
    const [size] = query(location, 'PRAGMA page_size')
    const file = readFileSync(path)
    const octets = Number(size?.page_size)
    file.fill(0, (Number(page?.rootpage) - 1) * octets, Number(page?.rootpage) * octets)
    writeFileSync(path, file)
  },
  'no catalog that can be read': (location: ArchiveLocation) => {
    if (location.kind === 'maildir') writeFileSync(catalogPath(location), 'something else')
  },
}

describe.each([
  ['sqlite', 'altered octets'],
  ['sqlite', 'a damaged index'],
  ['maildir', 'altered octets'],
  ['maildir', 'a damaged index'],
  ['maildir', 'no catalog that can be read'],
] as const)('a repair of a %s archive with %s, killed', (kind, damage) => {
  it('anywhere, leaves an archive that the next repair puts right', async () => {
    const location = temporaryLocation(kind)
    await syncWith(maildropOf(COUNT), location)
    damages[damage](location)
    const copy = join(temporaryFolder(), 'copy')
    cpSync(location.path, copy, { recursive: true, preserveTimestamps: true })
    let points = 0
    // Each point at first, then in growing steps: the middle of a long pass is like its beginning.
    for (let point = 1; point <= MOST_POINTS; point += point < 6 ? 1 : 7) {
      if (!isKilledAt(location, point)) break
      points += 1
      const where = `killed at point ${point}`
      // A night's sync may come before anybody looks: it must do no harm, whether it gets through or not.
      if (points % 2 === 0) await syncWith(maildropOf(COUNT), location)
      const findings = tally(repair(location))
      expect(findings.undecided ?? 0, where).toBe(0)
      const { error } = await syncWith(maildropOf(COUNT), location)
      expect(error, where).toBeUndefined()
      expect(verify(location), where).toEqual({ ok: COUNT })
      expect(query(location, 'SELECT count(*) AS n FROM message'), where).toEqual([{ n: COUNT }])
      rmSync(dirname(location.path), { recursive: true })
      cpSync(copy, location.path, { recursive: true, preserveTimestamps: true })
    }
    expect(points).toBeGreaterThan(5)
  })
})
