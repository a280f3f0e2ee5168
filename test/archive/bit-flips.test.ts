/**
 * One bit of an archive flipped, 200 times over: verify names every message that it touches, and never calls octets right
 * that are not; and a repair with a sync from a server that still has the mail leaves nothing wrong. Where a sync comes before the
 * repair, from a server that has nothing any more, it costs nothing.
 */
import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ArchiveLocation } from '../../src/archive/location.ts'
import { openReader } from '../../src/archive/reader.ts'
import { type Finding, isDamage, verifyArchive } from '../../src/archive/verify.ts'
import { ArchiveError } from '../../src/durable/errors.ts'
import { openDatabase } from '../../src/sqlite/driver.ts'
import { FakeMaildrop } from '../support/fake-maildrop.ts'
import { makeRandom } from '../support/random.ts'
import { mailFiles, repair, syncWith, verify } from './repair-cases.ts'
import { sampleMessage } from './sample-archive.ts'
import { temporaryFolder, temporaryLocation } from './temp-archive.ts'

const FLIPS = 200
const REPAIRED = 24

/** What one flip may cost before the server is asked: the messages of a page. */
const PAGE_MESSAGES = 3

/** SQLite's header and schema: where these are hit it may read nothing at all. */
const FIRST_PAGE = 8192
const PAGE_OCTETS = 8192

/** Of the bits of the entries of an index, one in so many is flipped. */
const STRIDE = 11

const SEED = Number(process.env.POPKEEP_SEED ?? 20)

const messages = Array.from({ length: 60 }, (_, n) => ({
  // The last is in pieces; the others are about 3 kB.
  octets: sampleMessage(n, `body ${n}\r\n`.repeat(n === 59 ? 120_000 : 300)),
  uniqueId: `u${n}`,
}))
const digestOf = (octets: Uint8Array) => createHash('sha256').update(octets).digest('hex')
const ids = messages.map(({ octets }) => digestOf(octets))

interface Target {
  readonly path: string
  readonly octets: Buffer
}

/** The files of an archive at rest, as they are. */
function filesOf(location: ArchiveLocation): Target[] {
  const paths =
    location.kind === 'sqlite'
      ? [location.path]
      : [join(location.path, 'popkeep.sqlite'), ...mailFiles(location)]
  return paths.map((path) => ({ path, octets: readFileSync(path) }))
}

/** What is wrong with the content in truth, read past the code that is tested. */
function touchedIn(location: ArchiveLocation): Set<string> {
  if (location.kind === 'maildir') {
    return new Set(
      mailFiles(location).flatMap((path) => {
        const id = /,D=([0-9a-f]{64})/.exec(path)?.[1] ?? ''
        const wire = readFileSync(path, 'latin1').replaceAll('\n', '\r\n')
        return digestOf(Buffer.from(wire, 'latin1')) === id ? [] : [id]
      }),
    )
  }
  const database = openDatabase(location.path, { isReadOnly: true })
  try {
    return new Set(ids.filter((id, index) => digestOfRow(database, index + 1) !== id))
  } finally {
    database.close()
  }
}

function digestOfRow(database: ReturnType<typeof openDatabase>, message: number) {
  try {
    const row = database
      .prepare('SELECT octets, series FROM content WHERE message = ?')
      .get(message)
    if (row?.octets instanceof Uint8Array) return digestOf(row.octets)
    const hash = createHash('sha256')
    const pieces = database.prepare('SELECT octets FROM piece WHERE series = ? ORDER BY position')
    for (const { octets } of pieces.all(row?.series ?? null)) hash.update(octets as Uint8Array)
    return hash.digest('hex')
  } catch {
    return undefined
  }
}

/** The findings; undefined where the archive cannot be opened at all, and says so. */
function findingsOf(location: ArchiveLocation): readonly Finding[] | undefined {
  try {
    const reader = openReader(location)
    try {
      return [...verifyArchive(reader)]
    } finally {
      reader.close()
    }
  } catch (error) {
    expect(error).toBeInstanceOf(ArchiveError)
    return undefined
  }
}

describe.each(['sqlite', 'maildir'] as const)(`a bit of a %s archive, seed ${SEED}`, (kind) => {
  it('is found', { timeout: 600_000 }, async () => {
    const { location, copy } = await filled(kind)
    const random = makeRandom(SEED)
    const files = filesOf(location)
    const found = { touched: 0, elsewhere: 0, unopened: 0 }
    for (let flip = 0; flip < FLIPS; flip += 1) {
      const [file, at, bit] = choose(files, random)
      const where = `seed ${SEED}, flip ${flip}: bit ${bit} of octet ${at} in ${file.path}`
      writeFlipped(file, at, bit)
      const findings = findingsOf(location)
      if (findings === undefined) {
        found.unopened += 1
      } else {
        const touched = touchedIn(location)
        found[touched.size > 0 ? 'touched' : 'elsewhere'] += 1
        const named = new Set(findings.filter(isDamage).flatMap(({ id }) => id ?? []))
        const sound = findings.filter(({ kind: one }) => one === 'ok').map(({ id }) => id)
        for (const id of touched) expect([...named], where).toContain(id)
        for (const id of sound) expect(touched.has(id ?? ''), where).toBe(false)
        // What nobody names is right, and was read: nothing is left out in silence.
        if (!findings.some(isDamage)) expect(new Set(sound), where).toEqual(new Set(ids))
      }
      restore(location, copy)
    }
    expect(found.touched, JSON.stringify(found)).toBeGreaterThan(FLIPS / 4)
    expect(found.elsewhere, JSON.stringify(found)).toBeGreaterThan(FLIPS / 20)
  })

  it('is mended by a repair and a sync, with nothing stored twice', {
    timeout: 600_000,
  }, async () => {
    const { location, copy } = await filled(kind)
    const random = makeRandom(SEED + 1)
    const files = filesOf(location)
    for (let flip = 0; flip < REPAIRED; flip += 1) {
      const [file, at, bit] = choose(files, random)
      const where = `seed ${SEED}, flip ${flip}: bit ${bit} of octet ${at} in ${file.path}`
      writeFlipped(file, at, bit)
      const flipped = readFileSync(file.path)
      try {
        repair(location)
        const { ok = 0 } = verify(location)
        expect(ok, where).toBeGreaterThanOrEqual(messages.length - PAGE_MESSAGES)
        const maildrop = new FakeMaildrop([...messages])
        const { error } = await syncWith(maildrop, location)
        expect(error, where).toBeUndefined()
        expect(verify(location), where).toEqual({ ok: messages.length })
      } catch (error) {
        // What SQLite cannot open, or says to be of a later version, is left as it is.
        expect(error, where).toMatchObject({
          code: expect.stringMatching(/^ARCHIVE_(DAMAGED|NEWER|NOT_FOUND)$/),
        })
        expect(readFileSync(file.path).equals(flipped), where).toBe(true)
        expect(at, where).toBeLessThan(FIRST_PAGE)
      }
      restore(location, copy)
    }
  })
})

describe('a bit of the indexes that say which octets belong to a message', () => {
  it.each([
    ['content', 5],
    ['piece', 6],
  ])(
    'costs nothing where a sync comes before the repair: %s',
    {
      timeout: 600_000,
    },
    async (table, cellOctets) => {
      const large = Array.from({ length: 3 }, (_, n) => ({
        octets: sampleMessage(n, `line ${n}\r\n`.repeat(140_000)),
        uniqueId: `u${n}`,
      }))
      const { location, copy } = await filled('sqlite', large)
      const [file] = filesOf(location)
      if (!file) throw new Error('no file')
      const page = rootPage(location, `sqlite_autoindex_${table}_1`)
      // The entries, from the end of the page on.
      const entries = large.length * cellOctets * (table === 'piece' ? 2 : 1)
      const found = { refused: 0, passed: 0 }
      for (let flip = 0; flip < entries * 8; flip += STRIDE) {
        const at = page * PAGE_OCTETS - 1 - Math.floor(flip / 8)
        const where = `bit ${flip % 8} of octet ${at}`
        writeFlipped(file, at, flip % 8)
        const { error } = await syncWith(new FakeMaildrop([]), location)
        if (error) expect(error, where).toMatchObject({ code: 'ARCHIVE_DAMAGED' })
        found[error ? 'refused' : 'passed'] += 1
        repair(location)
        expect(verify(location), where).toEqual({ ok: large.length })
        restore(location, copy)
      }
      expect(found.refused, JSON.stringify(found)).toBeGreaterThan(0)
    },
  )
})

function rootPage(location: ArchiveLocation, name: string): number {
  const database = openDatabase(location.path, { isReadOnly: true })
  try {
    const sql = 'SELECT rootpage FROM sqlite_schema WHERE name = ?'
    return Number(database.prepare(sql).get(name)?.rootpage)
  } finally {
    database.close()
  }
}

async function filled(kind: 'sqlite' | 'maildir', mail = messages) {
  const location = temporaryLocation(kind)
  const { counts } = await syncWith(new FakeMaildrop([...mail]), location)
  expect(counts.stored).toBe(mail.length)
  const copy = join(temporaryFolder(), 'copy')
  cpSync(location.path, copy, { recursive: true, preserveTimestamps: true })
  return { location, copy }
}

/** Half of the flips anywhere, half in what is not the one large message; of a Maildir, a third in the catalog. */
function choose(files: readonly Target[], random: ReturnType<typeof makeRandom>) {
  const [catalog] = files
  const isCatalog = files.length === 1 || random.fraction() < 1 / 3
  const file = isCatalog && catalog ? catalog : random.pick(files)
  const bound = random.fraction() < 0.5 ? file.octets.length : Math.min(file.octets.length, 300_000)
  return [file, random.between(0, bound - 1), random.between(0, 7)] as const
}

function writeFlipped({ path, octets }: Target, at: number, bit: number): void {
  const flipped = Buffer.from(octets)
  flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << bit), at)
  writeFileSync(path, flipped)
}

function restore({ path }: ArchiveLocation, copy: string): void {
  const folder = dirname(path)
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.locks')) rmSync(join(folder, name), { recursive: true })
  }
  cpSync(copy, path, { recursive: true, preserveTimestamps: true })
}
