import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ArchiveLocation } from '../../src/archive/location.ts'
import { openReader } from '../../src/archive/reader.ts'
import {
  type Finding,
  type PartialVerification,
  verifyOldest,
  verifySample,
} from '../../src/archive/verify.ts'
import { rememberVerified } from '../../src/archive/verify-record.ts'
import { archiveLockPath, Lock } from '../../src/durable/lock.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { fillArchive, sampleMessage, useArchive } from './sample-archive.ts'

let folder: TemporaryFolder
let location: ArchiveLocation
beforeEach(() => {
  folder = temporaryFolder('verify-part')
  location = { kind: 'sqlite', path: join(folder.path, 'mail.sqlite') }
})
afterEach(() => folder.remove())

const fill = (messages: number) =>
  fillArchive(
    location,
    Array.from({ length: messages }, (_, n) => ({ octets: sampleMessage(n), uniqueId: `${n}` })),
  )

type Reader = ReturnType<typeof openReader>

function look(verify: (reader: Reader) => PartialVerification) {
  const reader = openReader(location)
  try {
    const { of, findings } = verify(reader)
    const all: Finding[] = [...findings]
    return { of, findings: all, ids: all.map(({ id }) => id) }
  } finally {
    reader.close()
  }
}

/** A budget that is over after `count` messages, remembered as made at `at`. */
function budget(count: number, at: number) {
  const digests: Uint8Array[] = []
  let left = count
  const seen = look((reader) =>
    verifyOldest(
      reader,
      () => --left <= 0,
      (digest) => digests.push(digest),
    ),
  )
  rememberVerified(location, digests, () => at)
  return seen
}

describe('a sample', () => {
  it.each([
    [0.05, 2],
    [0.1, 4],
    [0.000_001, 1],
    [1, 40],
  ])('of %d of 40 messages reads %i of them, each once', (share, expected) => {
    fill(40)
    const { of, ids } = look((reader) => verifySample(reader, share))
    expect([of, ids.length, new Set(ids).size]).toEqual([40, expected, expected])
  })

  it('takes each message as often as any other', () => {
    const all = fill(20)
    const reader = openReader(location)
    const times = new Map(all.map((id) => [id, 0]))
    const rounds = 400
    for (let round = 0; round < rounds; round += 1) {
      for (const { id = '' } of verifySample(reader, 0.25).findings) {
        times.set(id, (times.get(id) ?? 0) + 1)
      }
    }
    reader.close()
    // 100 expected; a deviation of six sigma (52) is met once in 10^8 runs or so.
    for (const [, count] of times) expect(Math.abs(count - rounds / 4)).toBeLessThan(52)
  })

  it('leaves out what its owner removed, and finds nothing in an empty archive', () => {
    fill(4)
    useArchive(location, ({ database }) => database.exec('UPDATE message SET removed = 1'))
    expect(look((reader) => verifySample(reader, 1))).toMatchObject({ of: 0, findings: [] })
  })

  it('names a catalog that is damaged, without a look into the content', () => {
    fill(400)
    const file = readFileSync(location.path)
    const at = file.indexOf('message 200')
    file.fill(0, at - (at % 8192), at - (at % 8192) + 8192)
    writeFileSync(location.path, file)
    const { findings } = look((reader) => verifySample(reader, 0.01))
    expect(findings.some(({ kind, id }) => kind === 'damaged' && id === undefined)).toBe(true)
  })
})

describe('a budget', () => {
  it('goes through the archive from the longest unverified on, run after run', () => {
    const all = fill(10)
    expect(budget(4, 1000)).toMatchObject({ of: 10, ids: all.slice(0, 4) })
    expect(budget(4, 2000).ids).toEqual(all.slice(4, 8))
    expect(budget(4, 3000).ids).toEqual([...all.slice(8), ...all.slice(0, 2)])
    expect(budget(100, 4000).ids).toEqual([
      ...[...all.slice(2, 8), ...all.slice(0, 2), ...all.slice(8)],
    ])
  })

  it('reads one message though its time is over', () => {
    const all = fill(3)
    expect(budget(0, 1).ids).toEqual(all.slice(0, 1))
  })

  it('comes back first to what it did not find right', () => {
    const all = fill(6)
    const file = readFileSync(location.path)
    file[file.indexOf('body 1\r\n')] = 0x42
    writeFileSync(location.path, file)
    expect(budget(3, 1000).findings.map(({ kind }) => kind)).toEqual(['ok', 'altered', 'ok'])
    expect(budget(3, 2000).ids).toEqual([all[1], all[3], all[4]])
  })

  it('changes nothing but verified_at', () => {
    fill(3)
    const rows = () =>
      useArchive(location, ({ database }) => [
        database.prepare('SELECT * FROM message').all(),
        database.prepare('SELECT * FROM receipt').all(),
        database.prepare('SELECT * FROM run').all(),
      ])
    const [messages = [], ...others] = rows()
    budget(2, Date.parse('2030-01-01'))
    const at = '2030-01-01T00:00:00.000Z'
    expect(rows()).toEqual([
      messages.map((row, index) => (index < 2 ? { ...row, verified_at: at } : row)),
      ...others,
    ])
  })

  it('is not remembered while a repair is at work, and says so', () => {
    const [id = ''] = fill(1)
    const lock = new Lock(archiveLockPath(location.path))
    lock.acquire('exclusive')
    const digest = new Uint8Array(Buffer.from(id, 'hex'))
    expect(() => rememberVerified(location, [digest])).toThrow(
      expect.objectContaining({ code: 'ARCHIVE_LOCKED' }),
    )
    lock.close()
  })

  it.skipIf(process.getuid?.() === 0)('is not remembered on read-only media, and says so', () => {
    const [id = ''] = fill(1)
    chmodSync(folder.path, 0o500)
    chmodSync(location.path, 0o400)
    const digest = new Uint8Array(Buffer.from(id, 'hex'))
    expect(() => rememberVerified(location, [digest])).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ARCHIVE_(CREATE|DENIED)$/) }),
    )
    chmodSync(folder.path, 0o700)
  })
})

it('only a budget makes locks beside the archive', () => {
  const [id = ''] = fill(2)
  const copy: ArchiveLocation = { kind: 'sqlite', path: join(folder.path, 'backup.sqlite') }
  writeFileSync(copy.path, readFileSync(location.path))
  const original = location
  location = copy
  look((reader) => verifySample(reader, 1))
  expect(existsSync(`${copy.path}.locks`)).toBe(false)
  rememberVerified(copy, [new Uint8Array(Buffer.from(id, 'hex'))])
  expect(existsSync(`${copy.path}.locks`)).toBe(true)
  expect(readFileSync(original.path).equals(readFileSync(copy.path))).toBe(false)
})
