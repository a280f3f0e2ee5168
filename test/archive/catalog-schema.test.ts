/** What a catalog's file says of its own tables, damaged: verify names it, repair puts it right, and nothing is lost by it. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type ArchiveLocation, catalogPath } from '../../src/archive/location.ts'
import { openReader } from '../../src/archive/reader.ts'
import { verifyArchive, verifySample } from '../../src/archive/verify.ts'
import { FakeMaildrop } from '../support/fake-maildrop.ts'
import { repair, retrieved, samples, syncWith, tally, verify } from './repair-cases.ts'
import { query, temporaryLocation } from './temp-archive.ts'

const COUNT = 8

async function filled(kind: ArchiveLocation['kind']) {
  const location = temporaryLocation(kind)
  const maildrop = new FakeMaildrop(samples(COUNT))
  await syncWith(maildrop, location)
  return { location, maildrop }
}

/** Replaces `from` in the file by `to`, which is as long, wherever it stands: pages keep copies of what once was there. */
function overwrite(location: ArchiveLocation, from: string, to: string): void {
  const path = catalogPath(location)
  const file = readFileSync(path, 'latin1')
  expect(file).toContain(from)
  expect(to).toHaveLength(from.length)
  writeFileSync(path, file.replaceAll(from, to), 'latin1')
}

function damageIn(location: ArchiveLocation): string[] {
  const reader = openReader(location)
  try {
    return [...verifyArchive(reader), ...verifySample(reader, 1).findings].flatMap((finding) =>
      finding.kind === 'damaged' ? finding.text : [],
    )
  } finally {
    reader.close()
  }
}

const everything = (location: ArchiveLocation) =>
  ['account', 'message', 'receipt', 'run'].map((table) => query(location, `SELECT * FROM ${table}`))

describe.each(['sqlite', 'maildir'] as const)('the schema of a %s archive', (kind) => {
  it.each([
    ['the name of a column', 'sender TEXT', 'sgnder TEXT', ['message']],
    ['a check that would refuse what is written', "'stored', 'rem", "'stoved', 'rem", ['receipt']],
    // SQLite itself sees no fault in these two.
    [
      'a constraint that is gone',
      'digest BLOB NOT NULL UNIQUE',
      'digest BLOB NOT NULLXUNIQUE',
      ['message'],
    ],
    ['the name of a table', 'CREATE TABLE account (', 'CREATE TABLE accoent (', ['account']],
    ['what cannot be parsed', 'CREATE TABLE run (', 'CREATE TAJLE run (', ['run']],
    ['an octet that is no text', 'CREATE VIEW mail AS', 'CREATE VIEW ma\xe9l AS', ['mail']],
  ])('%s is put right', async (_, from, to, names) => {
    const { location, maildrop } = await filled(kind)
    const before = everything(location)
    const sound = readFileSync(catalogPath(location))
    overwrite(location, from, to)
    expect(readFileSync(catalogPath(location)).equals(sound)).toBe(false)
    expect(repair(location).filter(({ kind: one }) => one !== 'sound')).toEqual([
      { kind: 'schema', names },
    ])
    expect(everything(location)).toEqual(before)
    expect(verify(location)).toEqual({ ok: COUNT })
    expect((await syncWith(maildrop, location)).error).toBeUndefined()
    expect(retrieved(maildrop)).toEqual([])
  })

  it('is named by verify where SQLite finds nothing wrong', async () => {
    const { location } = await filled(kind)
    overwrite(location, 'epoch INTEGER NOT NULL DEFAULT 1', 'epoch INTEGER NOT NULL DEFAULT 3')
    const said = 'how the file describes account is not as popkeep wrote it'
    expect(damageIn(location)).toEqual([said, said])
  })

  it('is left alone where it was somebody else who wrote it', async () => {
    const { location } = await filled(kind)
    overwrite(
      location,
      '-- the last listing that showed less than half',
      '-- THE VERY LAST OF ALL THE LISTINGS THERE ARE',
    )
    const named = repair(location).map(({ kind: one }) => one)
    expect(named).not.toContain('schema')
    expect(tally(repair(location)).sound).toBe(COUNT)
  })
})

it.each(['sqlite', 'maildir'] as const)(
  'a %s archive whose kind is not to be read is damaged, not another one',
  async (kind) => {
    const { location, maildrop } = await filled(kind)
    const path = catalogPath(location)
    const file = readFileSync(path, 'latin1')
    // The row, not the schema: the time of its creation stands behind it.
    const damaged = file.replaceAll(`${kind}20`, `${kind.slice(0, -1)}X20`)
    expect(damaged).not.toBe(file)
    writeFileSync(path, damaged, 'latin1')
    expect(() => openReader(location)).toThrow(expect.objectContaining({ code: 'ARCHIVE_DAMAGED' }))
    expect(tally(repair(location))).toMatchObject({ sound: COUNT, kept: 1 })
    expect(verify(location)).toEqual({ ok: COUNT })
    await syncWith(maildrop, location)
    expect(retrieved(maildrop)).toEqual([])
  },
)

it('a Maildir that has lost its catalog is damaged, not absent', async () => {
  const { location } = await filled('maildir')
  rmSync(catalogPath(location))
  expect(() => openReader(location)).toThrow(
    expect.objectContaining({ code: 'ARCHIVE_DAMAGED', hint: expect.stringContaining('repair') }),
  )
  expect(tally(repair(location))).toEqual({ rebuilt: COUNT })
  expect(verify(location)).toEqual({ ok: COUNT })
  for (const folder of ['new', 'cur']) {
    rmSync(join(location.path, folder), { recursive: true })
    mkdirSync(join(location.path, folder))
  }
  rmSync(catalogPath(location))
  expect(() => openReader(location)).toThrow(expect.objectContaining({ code: 'ARCHIVE_NOT_FOUND' }))
})

it.each([
  [
    'by name',
    'sender TEXT,\n  recipients TEXT,\n  subject',
    'person TEXT,\n  addressees TEXT,\n  whatsit',
  ],
  ['at all', 'CREATE TABLE message (\n  id', '\0'.repeat(27)],
])(
  'a sqlite archive whose messages SQLite does not know %s is left as it is',
  async (_, from, to) => {
    const { location } = await filled('sqlite')
    overwrite(location, from, to)
    const broken = readFileSync(location.path)
    expect(() => repair(location)).toThrow(expect.objectContaining({ code: 'ARCHIVE_DAMAGED' }))
    expect(readFileSync(location.path).equals(broken)).toBe(true)
  },
)
