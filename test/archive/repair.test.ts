import { createHash } from 'node:crypto'
import {
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type ArchiveKind, type ArchiveLocation, catalogPath } from '../../src/archive/location.ts'
import { openReader } from '../../src/archive/reader.ts'
import { archiveLockPath, Lock } from '../../src/durable/lock.ts'
import type { Policy } from '../../src/sync/policy.ts'
import {
  fileOf,
  maildropOf,
  mailFiles,
  repair,
  retrieved,
  samples,
  syncWith,
  tally,
  verify,
} from './repair-cases.ts'
import { useArchive } from './sample-archive.ts'
import { query, temporaryLocation } from './temp-archive.ts'

const COUNT = 30

const DELETE_ALL: Policy = { delete: { afterMs: 0 }, deleteRemoved: false }

const idOf = (octets: Uint8Array) => createHash('sha256').update(octets).digest('hex')
const ids = samples(COUNT).map(({ octets }) => idOf(octets))
const id = (n: number) => ids[n] ?? ''

async function filled(kind: ArchiveKind) {
  const location = temporaryLocation(kind)
  const maildrop = maildropOf(COUNT)
  expect((await syncWith(maildrop, location)).counts.stored).toBe(COUNT)
  return { location, maildrop }
}

/** Changes one octet of the body of message n where its octets lie. */
function alter(location: ArchiveLocation, n: number): void {
  const path = location.kind === 'sqlite' ? location.path : fileOf(location, id(n))
  const file = readFileSync(path)
  const at = file.indexOf(
    n === 1 ? 'x\r\nx\r\nx' : `body ${n}${location.kind === 'sqlite' ? '\r' : ''}\n`,
  )
  file[location.kind === 'maildir' && n === 1 ? file.indexOf('x\nx\nx') : at] = 0x42
  writeFileSync(path, file)
}

const rows = (location: ArchiveLocation, sql: string) => query(location, sql)
const entries = (location: ArchiveLocation) => readdirSync(dirname(location.path)).sort()

describe.each(['sqlite', 'maildir'] as const)('a %s archive', (kind) => {
  it('that is sound is left as it is', async () => {
    const { location, maildrop } = await filled(kind)
    const before = rows(location, 'SELECT * FROM message')
    expect(tally(repair(location))).toEqual({ sound: COUNT })
    expect(rows(location, 'SELECT * FROM message')).toEqual(before)
    await syncWith(maildrop, location)
    expect(retrieved(maildrop)).toEqual([])
  })

  it('that a run is in is not touched', async () => {
    const { location } = await filled(kind)
    const lock = new Lock(archiveLockPath(location.path))
    lock.acquire('shared')
    expect(() => repair(location)).toThrow(expect.objectContaining({ code: 'ARCHIVE_LOCKED' }))
    lock.close()
  })

  it('that is not there is not made', () => {
    const location = temporaryLocation(kind)
    expect(() => repair(location)).toThrow(expect.objectContaining({ code: 'ARCHIVE_NOT_FOUND' }))
    expect(entries(location)).toEqual([])
  })

  it.each([[1], [7]])(
    'with altered octets has message %i retrieved again, and deleted only then',
    async (n) => {
      const { location, maildrop } = await filled(kind)
      alter(location, n)
      expect(verify(location)).toEqual({ ok: COUNT - 1, altered: 1 })

      // Before the repair: nothing is known to be wrong, and still nothing is deleted unproven.
      const before = await syncWith(maildrop, location, DELETE_ALL)
      expect(before.error).toMatchObject({ code: 'ARCHIVE_DAMAGED' })
      expect(maildrop.messages.map(({ uniqueId }) => uniqueId)).toEqual([`u${n}`])

      expect(tally(repair(location))).toMatchObject({ sound: COUNT - 1, wanted: 1 })
      const reader = openReader(location)
      expect(reader.status()).toMatchObject({ messages: COUNT, wanted: 1 })
      reader.close()
      expect(verify(location)[kind === 'sqlite' ? 'altered' : 'missing']).toBe(1)

      await syncWith(maildrop, location)
      expect(retrieved(maildrop)).toEqual(['RETR 1'])
      expect(verify(location)).toEqual({ ok: COUNT })
      expect(rows(location, 'SELECT count(*) AS n FROM receipt')).toEqual([{ n: COUNT }])
      const { error } = await syncWith(maildrop, location, DELETE_ALL)
      expect([error, maildrop.messages]).toEqual([undefined, []])
      expect(verify(location)).toEqual({ ok: COUNT })
    },
  )

  it('never deletes on the server what a repair marked and the run did not retrieve', async () => {
    const { location, maildrop } = await filled(kind)
    alter(location, 7)
    repair(location)
    maildrop.options = { refuses: new Set([8]) }
    await syncWith(maildrop, location, DELETE_ALL)
    expect(maildrop.messages.map(({ uniqueId }) => uniqueId)).toEqual(['u7'])
    expect(tally(repair(location))).toMatchObject({ wanted: 1 })
    maildrop.options = {}
    await syncWith(maildrop, location, DELETE_ALL)
    expect(maildrop.messages).toEqual([])
    expect(verify(location)).toEqual({ ok: COUNT })
  })

  it('gives up on request what no server has any more', async () => {
    const { location, maildrop } = await filled(kind)
    maildrop.messages.splice(7, 1)
    alter(location, 7)
    repair(location)
    await syncWith(maildrop, location)
    expect(verify(location).ok).toBe(COUNT - 1)
    expect(tally(repair(location))).toMatchObject({ wanted: 1 })
    expect(tally(repair(location, 'accept'))).toEqual({ sound: COUNT - 1, removed: 1 })
    expect(verify(location)).toEqual({ ok: COUNT - 1, removed: 1 })
    expect(tally(repair(location))).toEqual({ sound: COUNT - 1, removed: 1 })
  })

  it('has what its catalog says of a message put right', async () => {
    const { location } = await filled(kind)
    const before = rows(location, 'SELECT * FROM message')
    useArchive(location, ({ database }) => {
      database.exec("UPDATE message SET subject = 'forged', octets = 3 WHERE id = 4")
      database.exec('UPDATE message SET canonical = zeroblob(32) WHERE id = 5')
    })
    expect(tally(repair(location))).toEqual({ sound: COUNT - 2, rebuilt: 2 })
    expect(rows(location, 'SELECT * FROM message')).toEqual(before)
  })

  it('with a damaged index has a catalog made anew, receipts and all, and keeps the old file', async () => {
    const { location, maildrop } = await filled(kind)
    const path = catalogPath(location)
    const [page] = rows(location, "SELECT rootpage FROM sqlite_schema WHERE name = 'receipt_key'")
    const [{ page_size: octets } = {}] = rows(location, 'PRAGMA page_size')
    const file = readFileSync(path)
    file.fill(
      0,
      (Number(page?.rootpage) - 1) * Number(octets),
      Number(page?.rootpage) * Number(octets),
    )
    writeFileSync(path, file)
    const findings = repair(location)
    expect(tally(findings)).toEqual({ sound: COUNT, kept: 1 })
    const kept = findings.find((finding) => finding.kind === 'kept')
    expect(readFileSync(kept?.kind === 'kept' ? kept.path : '').equals(file)).toBe(true)
    expect(verify(location)).toEqual({ ok: COUNT })
    await syncWith(maildrop, location)
    expect(retrieved(maildrop)).toEqual([])
    expect(
      readdirSync(dirname(path)).filter((name) => /-(wal|shm|journal)$|repairing/.test(name)),
    ).toEqual([])
  })
})

describe('a sqlite archive', () => {
  it('without content rows marks them, and a large one finds its pieces again', async () => {
    const { location, maildrop } = await filled('sqlite')
    useArchive(location, ({ database }) =>
      database.exec('DELETE FROM content WHERE message IN (2, 3)'),
    )
    // Opening it alone sweeps pieces without a row: it is the repair that must come first.
    expect(tally(repair(location))).toEqual({ sound: COUNT - 1, wanted: 1 })
    await syncWith(maildrop, location)
    expect(retrieved(maildrop)).toEqual(['RETR 3'])
    expect(verify(location)).toEqual({ ok: COUNT })
  })

  it.each(['message', 'content', 'receipt'])(
    'with a zeroed page of the table %s keeps all that can be read, and a sync brings the rest',
    async (table) => {
      const { location, maildrop } = await filled('sqlite')
      const file = readFileSync(location.path)
      const [{ pageno = 0 } = {}] = rows(
        location,
        `SELECT rootpage AS pageno FROM sqlite_schema WHERE name = '${table}'`,
      )
      file.fill(0, (Number(pageno) - 1) * 8192, Number(pageno) * 8192)
      writeFileSync(location.path, file)
      const before = statSync(location.path).size
      const findings = repair(location)
      expect(tally(findings)).toMatchObject({ kept: 1, lost: 1 })
      expect(before).toBe(file.length)
      await syncWith(maildrop, location)
      expect(verify(location)).toEqual({ ok: COUNT })
      expect(rows(location, 'SELECT count(DISTINCT digest) AS n FROM message')).toEqual([
        { n: COUNT },
      ])
      const { error } = await syncWith(maildrop, location, DELETE_ALL)
      expect([error, maildrop.messages]).toEqual([undefined, []])
      expect(verify(location)).toEqual({ ok: COUNT })
    },
  )

  it('whose digest was hit follows its octets, and receipts prove less', async () => {
    const { location, maildrop } = await filled('sqlite')
    const file = readFileSync(location.path)
    const digest = Buffer.from(id(7), 'hex')
    // In the row and in the index: the row has the first octets of the subject behind it.
    for (let at = file.indexOf(digest); at !== -1; at = file.indexOf(digest, at + 1)) {
      if (file.subarray(at, at + 400).includes('message 7')) file[at + 3]! ^= 0x10
    }
    writeFileSync(location.path, file)
    expect(verify(location)).toMatchObject({ altered: 1 })
    expect(tally(repair(location))).toEqual({ sound: COUNT, kept: 1 })
    expect(verify(location)).toEqual({ ok: COUNT })
    await syncWith(maildrop, location)
    expect(retrieved(maildrop)).toEqual([])
    await syncWith(maildrop, location, DELETE_ALL)
    expect(retrieved(maildrop)).toEqual(['RETR 8'])
    expect(maildrop.messages).toEqual([])
  })

  it('that SQLite cannot read at all is left as it is', async () => {
    const { location } = await filled('sqlite')
    const file = readFileSync(location.path)
    file.fill(0x41, 0, 4096)
    writeFileSync(location.path, file)
    expect(() => repair(location)).toThrow(expect.objectContaining({ code: 'ARCHIVE_DAMAGED' }))
    expect(readFileSync(location.path).equals(file)).toBe(true)
    expect(entries(location)).toEqual(['mail', 'mail.locks'])
  })

  it('is not mistaken for the state file of a Maildir', async () => {
    const { location } = await filled('maildir')
    const wrong = { kind: 'sqlite', path: catalogPath(location) } as const
    expect(() => repair(wrong)).toThrow(expect.objectContaining({ code: 'ARCHIVE_NAME' }))
    expect(tally(repair(location))).toEqual({ sound: COUNT })
  })
})

describe('a Maildir', () => {
  it.each([
    ['lost', (path: string) => unlinkSync(path)],
    ['empty', (path: string) => truncateSync(path)],
    ['no database', (path: string) => writeFileSync(path, 'something else')],
    ['cut', (path: string) => truncateSync(path, 5000)],
  ])(
    'whose state file is %s has it made from the files, and a sync stores nothing twice',
    async (_, harm) => {
      const { location, maildrop } = await filled('maildir')
      const before = mailFiles(location).sort()
      harm(catalogPath(location))
      expect(tally(repair(location))).toMatchObject({ rebuilt: COUNT })
      expect(mailFiles(location).sort()).toEqual(before)
      expect(verify(location)).toEqual({ ok: COUNT })
      // The server has changed a field of its own in one meanwhile: known by its canonical digest.
      const [first] = maildrop.messages
      const text = Buffer.from(first?.octets ?? []).toString('latin1')
      maildrop.messages[0] = {
        uniqueId: 'u0',
        octets: Buffer.from(`Status: RO\r\n${text}`, 'latin1'),
      }
      const { counts } = await syncWith(maildrop, location)
      expect(counts).toMatchObject({ retrieved: COUNT, stored: 0 })
      expect(mailFiles(location).sort()).toEqual(before)
      expect(verify(location)).toEqual({ ok: COUNT })
      await syncWith(maildrop, location)
      expect(retrieved(maildrop)).toEqual([])
    },
  )

  it('leaves altered octets to their owner, under a name that is not ours', async () => {
    const { location, maildrop } = await filled('maildir')
    const path = fileOf(location, id(7))
    const read = join(location.path, 'cur', `${basename(path)}:2,S`)
    renameSync(path, read)
    writeFileSync(read, 'edited\n')
    const findings = repair(location)
    const renamed = read.replace(',D=', ',altered=')
    expect(findings).toContainEqual({ kind: 'kept', path: renamed })
    expect(readFileSync(renamed, 'latin1')).toBe('edited\n')
    await syncWith(maildrop, location)
    expect(readFileSync(renamed, 'latin1')).toBe('edited\n')
    expect(verify(location)).toEqual({ ok: COUNT })
  })

  it('with an altered and a right file of a message keeps the right one', async () => {
    const { location, maildrop } = await filled('maildir')
    const path = fileOf(location, id(7))
    writeFileSync(path.replace(/Q\d+R/, 'Q99R'), 'altered\n')
    const findings = tally(repair(location))
    expect(findings).toEqual({ sound: COUNT, kept: 1 })
    await syncWith(maildrop, location)
    expect(retrieved(maildrop)).toEqual([])
    expect(verify(location)).toEqual({ ok: COUNT })
  })

  it('takes what its owner put back for the message that it was', async () => {
    const { location, maildrop } = await filled('maildir')
    const path = fileOf(location, id(7))
    const octets = readFileSync(path)
    alter(location, 7)
    repair(location)
    writeFileSync(path, 'still wrong\n')
    maildrop.messages.splice(7, 1)
    await syncWith(maildrop, location)
    expect(rows(location, 'SELECT id FROM message WHERE wanted = 1')).toEqual([{ id: 8 }])
    writeFileSync(path.replace(/Q\d+R/, 'Q98R'), octets)
    unlinkSync(path)
    await syncWith(maildrop, location)
    expect(verify(location)).toEqual({ ok: COUNT })
    expect(rows(location, 'SELECT id FROM message WHERE wanted = 1')).toEqual([])
  })

  const removeSome = (location: ArchiveLocation, count: number) => {
    for (const one of ids.slice(0, count)) unlinkSync(fileOf(location, one))
  }

  it('with a few files gone takes them for removed, as a sync does', async () => {
    const { location, maildrop } = await filled('maildir')
    removeSome(location, 3)
    expect(tally(repair(location))).toEqual({ sound: COUNT - 3, removed: 3 })
    await syncWith(maildrop, location)
    expect(retrieved(maildrop)).toEqual([])
  })

  it('with a few files gone retrieves them on request', async () => {
    const { location, maildrop } = await filled('maildir')
    removeSome(location, 3)
    await syncWith(maildrop, location)
    expect(tally(repair(location, 'retrieve'))).toEqual({ sound: COUNT - 3, wanted: 3 })
    // Wanted back: named until they came, or were given up.
    expect(verify(location)).toEqual({ ok: COUNT - 3, missing: 3 })
    await syncWith(maildrop, location)
    expect(retrieved(maildrop)).toHaveLength(3)
    expect(verify(location)).toEqual({ ok: COUNT })
  })

  it('with many files gone decides nothing until its owner does', async () => {
    const { location, maildrop } = await filled('maildir')
    removeSome(location, 12)
    for (let round = 0; round < 2; round += 1) {
      expect(tally(repair(location))).toEqual({ sound: COUNT - 12, undecided: 12 })
      const { error } = await syncWith(maildrop, location, DELETE_ALL)
      expect(error).toMatchObject({ code: 'ARCHIVE_DAMAGED' })
      expect(maildrop.messages).toHaveLength(COUNT)
    }
    expect(tally(repair(location, 'retrieve'))).toEqual({ sound: COUNT - 12, wanted: 12 })
    expect(verify(location)).toEqual({ ok: COUNT - 12, missing: 12 })
    const { error } = await syncWith(maildrop, location)
    expect(error).toBeUndefined()
    expect(retrieved(maildrop)).toHaveLength(12)
    expect(verify(location)).toEqual({ ok: COUNT })
  })

  it('with many files gone believes the owner who says that he removed them', async () => {
    const { location, maildrop } = await filled('maildir')
    removeSome(location, 12)
    expect(tally(repair(location, 'accept'))).toEqual({ sound: COUNT - 12, removed: 12 })
    const { error } = await syncWith(maildrop, location)
    expect([error, retrieved(maildrop)]).toEqual([undefined, []])
    expect(verify(location)).toEqual({ ok: COUNT - 12, removed: 12 })
  })
})
