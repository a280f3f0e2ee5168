import { readdirSync, readFileSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ArchiveLocation } from '../../src/archive/location.ts'
import { openReader } from '../../src/archive/reader.ts'
import { type Finding, isDamage, verifyArchive } from '../../src/archive/verify.ts'
import { syncAccount } from '../../src/sync/engine.ts'
import { KEEP_ALL } from '../../src/sync/policy.ts'
import { FakeMaildrop } from '../support/fake-maildrop.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { repair, syncWith } from './repair-cases.ts'
import { fillArchive, sampleMessage, useArchive } from './sample-archive.ts'
import { openHere } from './temp-archive.ts'

let folder: TemporaryFolder
let sqlite: ArchiveLocation
let maildir: ArchiveLocation
beforeEach(() => {
  folder = temporaryFolder('verify')
  sqlite = { kind: 'sqlite', path: join(folder.path, 'mail.sqlite') }
  maildir = { kind: 'maildir', path: join(folder.path, 'mail') }
})
afterEach(() => folder.remove())

function verify(location: ArchiveLocation): Finding[] {
  const reader = openReader(location)
  try {
    return [...verifyArchive(reader)]
  } finally {
    reader.close()
  }
}

const fill = (location: ArchiveLocation, messages: number) =>
  fillArchive(
    location,
    Array.from({ length: messages }, (_, n) => ({ octets: sampleMessage(n), uniqueId: `${n}` })),
  )

const fileOf = (id = '') => {
  const folderPath = join(maildir.path, 'new')
  return join(folderPath, readdirSync(folderPath).find((name) => name.includes(id)) ?? '')
}

const kinds = (findings: readonly Finding[]) => findings.map(({ kind }) => kind)

it.each([['sqlite'], ['maildir']] as const)('a sound %s archive', (kind) => {
  const location = kind === 'sqlite' ? sqlite : maildir
  const ids = fill(location, 5)
  const findings = verify(location)
  expect(findings.map(({ id }) => id)).toEqual(ids)
  expect(findings.some(isDamage)).toBe(false)
})

describe('a sqlite archive', () => {
  it('with a flipped octet has that message altered, and goes on', () => {
    const ids = fill(sqlite, 5)
    const file = readFileSync(sqlite.path)
    const at = file.indexOf('body 2\r\n')
    file[at] = 0x42
    writeFileSync(sqlite.path, file)
    const findings = verify(sqlite)
    expect(kinds(findings)).toEqual(['ok', 'ok', 'altered', 'ok', 'ok'])
    expect(findings[2]?.id).toBe(ids[2])
    expect(findings.filter(isDamage)).toHaveLength(1)
  })

  it('without a content row is damaged, unless the catalog says that the message was removed', () => {
    fill(sqlite, 3)
    useArchive(sqlite, ({ database }) => {
      database.exec('DELETE FROM content WHERE message IN (1, 3)')
      database.exec('UPDATE message SET removed = 1 WHERE id = 3')
    })
    const findings = verify(sqlite)
    expect(kinds(findings)).toEqual(['missing', 'ok', 'removed'])
    expect(findings.map(isDamage)).toEqual([true, false, false])
  })

  it('without a piece of a large message is damaged', () => {
    fillArchive(sqlite, [{ octets: sampleMessage(1, 'x\r\n'.repeat(800_000)) }])
    useArchive(sqlite, ({ database }) => database.exec('DELETE FROM piece WHERE position = 1'))
    expect(kinds(verify(sqlite))).toEqual(['missing'])
  })

  it('with zeroed pages is damaged, and every message that can be read is', () => {
    fill(sqlite, 400)
    const file = readFileSync(sqlite.path)
    const at = file.indexOf('body 200\r\n')
    file.fill(0, at - (at % 8192), at - (at % 8192) + 8192)
    writeFileSync(sqlite.path, file)
    const findings = verify(sqlite)
    expect(findings.some(isDamage)).toBe(true)
    expect(findings.filter(({ kind }) => kind === 'ok').length).toBeGreaterThan(300)
  })

  it('with a damaged message table goes on behind the damage', () => {
    fill(sqlite, 400)
    const file = readFileSync(sqlite.path)
    const at = file.indexOf('message 200')
    file.fill(0, at - (at % 8192), at - (at % 8192) + 8192)
    writeFileSync(sqlite.path, file)
    const findings = verify(sqlite)
    expect(findings.some(({ kind, id }) => kind === 'damaged' && id === undefined)).toBe(true)
    const sound = findings.filter(({ kind }) => kind === 'ok')
    expect(sound.length).toBeGreaterThan(200)
  })
})

describe('a Maildir', () => {
  it('with altered, truncated and empty files names them', () => {
    const ids = fill(maildir, 5)
    const flipped = readFileSync(fileOf(ids[0]), 'latin1').replace('body', 'bodY')
    writeFileSync(fileOf(ids[0]), flipped)
    truncateSync(fileOf(ids[2]), 20)
    truncateSync(fileOf(ids[4]), 0)
    const findings = verify(maildir)
    expect(kinds(findings)).toEqual(['altered', 'ok', 'altered', 'ok', 'altered'])
    expect(findings.filter(isDamage)).toHaveLength(3)
  })

  it('with line ends changed to CRLF by the owner is sound', () => {
    const [id] = fill(maildir, 1)
    writeFileSync(fileOf(id), sampleMessage(0))
    expect(kinds(verify(maildir))).toEqual(['ok'])
  })

  it('where the owner removed a few files has them removed, and is sound', () => {
    const ids = fill(maildir, 30)
    for (const id of ids.slice(0, 10)) unlinkSync(fileOf(id))
    const findings = verify(maildir)
    expect(findings.filter(({ kind }) => kind === 'removed')).toHaveLength(10)
    expect(findings.some(isDamage)).toBe(false)
  })

  it('whose catalog was made anew names the files that were altered before, and the sync warns once', async () => {
    const ids = fill(maildir, 3)
    const flipped = readFileSync(fileOf(ids[0]), 'latin1').replace('body', 'bodY')
    writeFileSync(fileOf(ids[0]), flipped)
    rmSync(join(maildir.path, 'popkeep.sqlite'))
    const notices: string[] = []
    const archive = openHere(maildir)
    for (const name of ['work', 'home']) {
      const { error } = await syncAccount(
        {
          ...{ identity: { name, host: 'h', user: name }, policy: KEEP_ALL, now: () => Date.now() },
          ...{ maildrop: new FakeMaildrop([]), signal: new AbortController().signal },
          progress: (event) => event.type === 'notice' && notices.push(event.text),
        },
        archive,
        new Set(['work', 'home']),
      )
      expect(error).toBeUndefined()
    }
    expect(notices).toEqual([expect.stringContaining('altered or unreadable')])
    const altered = { kind: 'altered', id: ids[0], octets: flipped.length }
    expect(verify(maildir).filter(isDamage)).toEqual([altered])
    repair(maildir)
    expect(kinds(verify(maildir))).toEqual(['ok', 'ok'])
  })

  it('names what is right and not in the catalog yet, which is no damage', async () => {
    fill(maildir, 2)
    useArchive(maildir, ({ database }) => {
      database.exec('DELETE FROM receipt')
      database.exec('DELETE FROM message')
    })
    expect(kinds(verify(maildir))).toEqual(['adoptable', 'adoptable'])
    expect(verify(maildir).some(isDamage)).toBe(false)
    await syncWith(new FakeMaildrop([]), maildir)
    expect(kinds(verify(maildir))).toEqual(['ok', 'ok'])
  })

  it('where more than ten and a tenth vanished is damaged', () => {
    const ids = fill(maildir, 30)
    for (const id of ids.slice(0, 11)) unlinkSync(fileOf(id))
    const findings = verify(maildir)
    expect(findings.filter(({ kind }) => kind === 'missing')).toHaveLength(11)
    rmSync(join(maildir.path, 'new'), { recursive: true })
    expect(verify(maildir).filter(isDamage)).toHaveLength(30)
  })
})
