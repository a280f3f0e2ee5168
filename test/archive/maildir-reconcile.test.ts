import {
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ArchiveLocation } from '../../src/archive/location.ts'
import {
  isSuspicious,
  markClean,
  markDirty,
  type Reconciled,
  reconcileMaildir,
} from '../../src/archive/maildir-reconcile.ts'
import type { WritableArchive } from '../../src/archive/open.ts'
import { openReader } from '../../src/archive/reader.ts'
import { verifyArchive } from '../../src/archive/verify.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { fillArchive, octetsOf, sampleMessage, useArchive } from './sample-archive.ts'

let folder: TemporaryFolder
let location: ArchiveLocation
beforeEach(() => {
  folder = temporaryFolder('reconcile')
  location = { kind: 'maildir', path: join(folder.path, 'mail') }
})
afterEach(() => folder.remove())

const now = () => Date.parse('2026-05-05T00:00:00Z')
const nothing = { adopted: 0, unfit: 0, vanished: 0, returned: 0, isDamaged: false }

function reconcile(archive: WritableArchive, isAlone = true): Reconciled | undefined {
  if (archive.maildir === undefined) throw new Error('no maildir')
  return reconcileMaildir(archive.database, archive.maildir, {
    isAlone,
    now,
    beforeAdoption: () => undefined,
  })
}
const reconciled = (isAlone = true) =>
  useArchive(location, (archive) => reconcile(archive, isAlone))

/** Twenty messages, and a catalog that agrees with them. */
function fill(messages = 20): string[] {
  const ids = fillArchive(
    location,
    Array.from({ length: messages }, (_, n) => ({ octets: sampleMessage(n), uniqueId: `${n}` })),
  )
  reconciled()
  return ids
}

const path = (name: string) => join(location.path, name)
const files = () => readdirSync(path('new')).map((name) => path(join('new', name)))
const fileOf = (id = '') => files().find((name) => name.includes(id)) ?? ''
const rows = (sql: string) => useArchive(location, ({ database }) => database.prepare(sql).all())
const states = () => rows('SELECT state FROM receipt ORDER BY id').map(({ state }) => state)

describe('a catalog that agrees with the folders', () => {
  it('lists nothing', () => {
    fill()
    expect(reconciled()).toBeUndefined()
  })

  it('lists them once if somebody touched one', () => {
    const [id] = fill()
    const file = fileOf(id)
    renameSync(file, file.replace('/new/', '/cur/'))
    expect(reconciled()).toEqual(nothing)
    expect(reconciled()).toBeUndefined()
  })
})

describe('two files of one message', () => {
  it.each(['new', 'cur'])('are one message, the second in %s/, until both are gone', (second) => {
    const [id] = fill(12)
    const file = fileOf(id)
    const twin = path(join(second, basename(file).replace(/Q\d+R/, 'Q99R')))
    writeFileSync(twin, readFileSync(file))
    useArchive(location, ({ database }) => markDirty(database, 1))
    expect(reconciled()).toEqual(nothing)
    const reader = openReader(location)
    expect([...verifyArchive(reader)].filter(({ kind }) => kind !== 'ok')).toEqual([])
    reader.close()
    unlinkSync(file)
    expect(reconciled()).toEqual(nothing)
    unlinkSync(twin)
    expect(reconciled()).toEqual({ ...nothing, vanished: 1 })
  })
})

describe('files that the catalog does not know', () => {
  it('are adopted after a crash between links and commit', () => {
    fill(1)
    useArchive(location, (archive) => {
      const { database, content } = archive
      reconcile(archive)
      markDirty(database, 1)
      const draft = content.draft()
      const digest = Buffer.from(
        '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881',
        'hex',
      )
      draft.write(octetsOf('x'))
      draft.seal(digest)
      content.publish([draft])
    })
    expect(reconciled()).toEqual({ ...nothing, adopted: 1 })
    expect(rows('SELECT octets, removed FROM message WHERE id = 2')).toEqual([
      { octets: 1, removed: 0 },
    ])
    expect(rows('SELECT dirty FROM run')).toEqual([{ dirty: 0 }])
    expect(reconciled()).toBeUndefined()
  })

  it('are all adopted where the catalog was lost, with facts and digests as before', () => {
    const odd = { octets: octetsOf('bare\nLF'), uniqueId: 'odd' }
    fillArchive(location, [odd, { octets: sampleMessage(1), uniqueId: '1' }])
    const columns = 'hex(digest), octets, hex(canonical), hex(fingerprint), date, sender, subject'
    const before = rows(`SELECT ${columns} FROM message ORDER BY digest`)
    rmSync(path('popkeep.sqlite'))
    expect(reconciled()).toEqual({ ...nothing, adopted: 2 })
    expect(rows(`SELECT ${columns} FROM message ORDER BY digest`)).toEqual(before)
  })

  it('are left alone if their octets are not those of their name, or if they are no plain files', () => {
    const [id = ''] = fill(1)
    const wrong = `,D=${'0'.repeat(64)}`
    writeFileSync(path(`new/1.a${wrong}`), readFileSync(fileOf(id)))
    writeFileSync(path('cur/2.b:2,S'), 'without a digest')
    symlinkSync('/etc/passwd', path(`new/3.c,D=${'1'.repeat(64)}`))
    expect(reconciled()).toEqual({ ...nothing, unfit: 1 })
    expect(rows('SELECT count(*) AS n FROM message')).toEqual([{ n: 1 }])
    expect(readdirSync(path('new'))).toHaveLength(3)
  })
})

describe('files that are gone', () => {
  it('are the owner`s act: message and receipt are removed, and come back with the file', () => {
    const ids = fill()
    const file = fileOf(ids[3])
    const octets = readFileSync(file)
    unlinkSync(file)
    useArchive(location, ({ database }) =>
      database.exec(`UPDATE receipt SET state = 'deleted' WHERE unique_id = '4'`),
    )
    unlinkSync(fileOf(ids[4]))
    expect(reconciled()).toEqual({ ...nothing, vanished: 2 })
    expect(states().slice(3, 5)).toEqual(['removed', 'deleted'])
    expect(rows('SELECT id FROM message WHERE removed = 1')).toEqual([{ id: 4 }, { id: 5 }])
    expect(reconciled()).toBeUndefined()
    writeFileSync(file.replace('/new/', '/cur/'), octets)
    expect(reconciled()).toEqual({ ...nothing, returned: 1 })
    expect(states()[3]).toBe('stored')
    expect(rows('SELECT id FROM message WHERE removed = 1')).toEqual([{ id: 5 }])
  })

  it('are not marked if they are more than ten and more than a tenth, however often it is asked', () => {
    fill()
    for (const file of files().slice(0, 11)) unlinkSync(file)
    const damaged = { ...nothing, vanished: 11, isDamaged: true }
    expect(reconciled()).toEqual(damaged)
    useArchive(location, (archive) => {
      reconcile(archive)
      if (archive.maildir) markClean(archive.database, 1, archive.maildir)
    })
    expect(reconciled()).toEqual(damaged)
    expect(new Set(states())).toEqual(new Set(['stored']))
  })

  it.each([
    [10, 10, false],
    [11, 11, true],
    [11, 110, false],
    [12, 110, true],
    [0, 0, false],
  ])('%i of %i: suspicious is %s', (vanished, present, expected) => {
    expect(isSuspicious(vanished, present)).toBe(expected)
  })
})

describe('marks', () => {
  it('of other runs are cleared only by one who is alone', () => {
    fill(1)
    useArchive(location, ({ database }) => markDirty(database, 1))
    expect(reconciled(false)).toEqual(nothing)
    expect(rows('SELECT dirty FROM run')).toEqual([{ dirty: 1 }])
    expect(reconciled(true)).toEqual(nothing)
    expect(rows('SELECT dirty FROM run')).toEqual([{ dirty: 0 }])
  })

  it('of a clean end spare the next run the listing', () => {
    fill(1)
    endCleanly(() => undefined)
    expect(reconciled()).toBeUndefined()
  })

  it('of a clean end do not hide what the owner did meanwhile', () => {
    fill(3)
    endCleanly(() => unlinkSync(files()[0] ?? ''))
    expect(reconciled()).toEqual({ ...nothing, vanished: 1 })
  })
})

/** A run that stores a message and ends, while its owner acts. */
function endCleanly(owner: () => void): void {
  useArchive(location, (archive) => {
    const { database, content, maildir } = archive
    reconcile(archive)
    markDirty(database, 1)
    owner()
    const draft = content.draft()
    draft.write(octetsOf('y'))
    draft.seal(new Uint8Array(32))
    content.publish([draft])
    database
      .prepare(
        `INSERT INTO message (digest, octets, canonical, fingerprint, archived_at)
         VALUES (?, 1, x'', x'', '2026')`,
      )
      .run(new Uint8Array(32))
    if (maildir) markClean(database, 1, maildir)
  })
}
