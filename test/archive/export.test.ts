import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ExportTarget, exportMessages } from '../../src/archive/export.ts'
import type { ExportFinding } from '../../src/archive/export-messages.ts'
import { ABANDONED_MS } from '../../src/archive/limits.ts'
import type { ArchiveLocation } from '../../src/archive/location.ts'
import { systemSources } from '../../src/archive/open.ts'
import { openReader } from '../../src/archive/reader.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { readMbox } from './mbox-reader.ts'
import { fillArchive, octetsOf, sampleMessage, useArchive } from './sample-archive.ts'

let folder: TemporaryFolder
let source: ArchiveLocation
const at = (name: string) => join(folder.path, name)
beforeEach(() => {
  folder = temporaryFolder('export')
  source = { kind: 'sqlite', path: at('source.sqlite') }
})
afterEach(() => folder.remove())

function run(target: ExportTarget, account?: string): ExportFinding[] {
  const reader = openReader(source)
  try {
    return [...exportMessages(reader, target, { account })]
  } finally {
    reader.close()
  }
}

const kinds = (findings: readonly ExportFinding[]) => findings.map(({ kind }) => kind)
const tree = (format: 'eml' | 'mbox' | 'maildir', path: string): ExportTarget => ({
  type: 'tree',
  format,
  path,
})

const messages = [
  sampleMessage(1),
  sampleMessage(2, 'From here\r\n>From there\r\nno line end'),
  sampleMessage(3, 'bare\nline feed\r\n'),
  octetsOf(''),
  sampleMessage(5, 'x\r\n'.repeat(500_000)),
]

const fill = () =>
  fillArchive(
    source,
    messages.map((octets, n) => ({ octets, uniqueId: `${n}`, account: n === 1 ? 'home' : 'work' })),
  )

/** Makes the stored octets of a message differ from its digest. */
function damageMessage(id: string): void {
  useArchive(source, ({ database }) =>
    database
      .prepare(
        `UPDATE content SET octets = x'00' WHERE message =
           (SELECT id FROM message WHERE lower(hex(digest)) = ?)`,
      )
      .run(id),
  )
}

describe('eml', () => {
  it('has the exact octets under the digest, and is resumed', () => {
    const ids = fill()
    expect(kinds(run(tree('eml', at('out'))))).toEqual(Array(5).fill('written'))
    for (const [n, id] of ids.entries()) {
      const file = readFileSync(join(at('out'), `${id}.eml`))
      expect(file.equals(messages[n] as Uint8Array)).toBe(true)
      expect(createHash('sha256').update(file).digest('hex')).toBe(id)
    }
    expect(readdirSync(at('out'))).toHaveLength(5)
    expect(kinds(run(tree('eml', at('out'))))).toEqual(Array(5).fill('present'))
  })

  it('leaves files of others alone', () => {
    const [first] = fill()
    mkdirSync(at('out'))
    writeFileSync(join(at('out'), `${first}.eml`), 'mine')
    expect(kinds(run(tree('eml', at('out')))).slice(0, 2)).toEqual(['conflict', 'written'])
    expect(readFileSync(join(at('out'), `${first}.eml`), 'utf8')).toBe('mine')
    expect(readdirSync(at('out')).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it('of one account has its messages only', () => {
    const ids = fill()
    expect(run(tree('eml', at('out')), 'home').map(({ id }) => id)).toEqual([ids[1]])
  })

  it('leaves out a damaged message, and goes on', () => {
    const ids = fill()
    damageMessage(ids[1] ?? '')
    const findings = run(tree('eml', at('out')))
    expect(kinds(findings)).toEqual(['written', 'damaged', 'written', 'written', 'written'])
    expect(findings[1]?.text).toContain('1 other octets')
    expect(existsSync(join(at('out'), `${ids[1]}.eml`))).toBe(false)
  })

  it('left half-way has only whole files', () => {
    fill()
    const reader = openReader(source)
    for (const found of exportMessages(reader, tree('eml', at('out')))) {
      if (found.kind === 'written') break
    }
    reader.close()
    expect(readdirSync(at('out'))).toHaveLength(1)
  })
})

describe('mbox', () => {
  it('is read back by the inverse, but for CRLF and the last line end', () => {
    const ids = fill()
    damageMessage(ids[0] ?? '')
    expect(kinds(run(tree('mbox', at('all.mbox'))))).toEqual([
      'damaged',
      ...Array(4).fill('written'),
    ])
    const read = readMbox(readFileSync(at('all.mbox')))
    const expected = messages.slice(1).map((message) => {
      const lf = Buffer.from(message).toString('latin1').replaceAll('\r\n', '\n')
      return lf === '' || lf.endsWith('\n') ? lf : `${lf}\n`
    })
    expect(read.map(({ octets }) => Buffer.from(octets).toString('latin1'))).toEqual(expected)
    expect(read[0]?.fromLine).toBe('From sender2@example.org Wed Jan  1 00:02:00 2020\n')
    expect(read[2]?.fromLine).toMatch(/^From MAILER-DAEMON /)
  })

  it('is there whole or not at all, and takes no other file away', () => {
    fill()
    const reader = openReader(source)
    for (const _ of exportMessages(reader, tree('mbox', at('all.mbox')))) {
      expect(existsSync(at('all.mbox'))).toBe(false)
    }
    expect(existsSync(at('all.mbox'))).toBe(true)
    for (const _ of exportMessages(reader, tree('mbox', at('half.mbox')))) break
    reader.close()
    run(tree('mbox', at('all.mbox')))
    writeFileSync(at('other.mbox'), 'mine')
    expect(() => run(tree('mbox', at('other.mbox')))).toThrow(
      expect.objectContaining({ code: 'ARCHIVE_CREATE' }),
    )
    expect(readFileSync(at('other.mbox'), 'utf8')).toBe('mine')
    const names = readdirSync(folder.path).filter((name) => name.includes('mbox'))
    expect(names.sort()).toEqual(['all.mbox', 'other.mbox'])
  })
})

describe('two exports to one mbox', () => {
  it('disturb each other in nothing, and neither gives a half-written file its name', () => {
    fill()
    const reader = openReader(source)
    const export1 = exportMessages(reader, tree('mbox', at('all.mbox')))[Symbol.iterator]()
    const export2 = exportMessages(reader, tree('mbox', at('all.mbox')))[Symbol.iterator]()
    export1.next()
    export2.next()
    const rest = (exporting: Iterator<ExportFinding>) => {
      for (let n = 0; n < 5; n += 1) exporting.next()
    }
    rest(export1)
    const read = readMbox(readFileSync(at('all.mbox')))
    rest(export2)
    reader.close()
    expect(read).toHaveLength(5)
    expect(readdirSync(folder.path).filter((name) => name.includes('partial'))).toEqual([])
  })
})

describe('what a killed export left', () => {
  const runAt = (target: ExportTarget, now: number) => {
    const reader = openReader(source)
    const names = { ...systemSources, now: () => now }
    for (const _ of exportMessages(reader, target, { names }));
    reader.close()
  }
  const leave = (path: string) => {
    writeFileSync(path, 'half')
    utimesSync(path, 1000, 1000)
  }

  it.each([
    ['eml', 'out', `out/.${'a'.repeat(64)}.eml.0123456789abcdef.partial`],
    ['mbox', 'out/all.mbox', 'out/.all.mbox.0123456789abcdef.partial'],
    ['maildir', 'out', 'out/tmp/1.M2P3Q4R0123456789abcdef.host'],
  ] as const)('is removed an hour after its last octet (%s)', (format, path, left) => {
    fill()
    mkdirSync(at('out/tmp'), { recursive: true })
    const foreign = at(`${dirname(left)}/.mine.0123456789abcdef.partial`)
    leave(foreign)
    leave(at(left))
    runAt(tree(format, at(path)), 1_000_000 + ABANDONED_MS)
    expect(existsSync(at(left))).toBe(true)
    runAt(tree(format, at(path)), 1_000_001 + ABANDONED_MS)
    expect(existsSync(at(left))).toBe(false)
    expect(existsSync(foreign)).toBe(true)
  })
})

describe('maildir', () => {
  it('has tmp/, new/ and cur/, LF line ends where they can be undone, and is resumed', () => {
    const ids = fill()
    damageMessage(ids[3] ?? '')
    expect(kinds(run(tree('maildir', at('out')))).sort()).toEqual([
      'damaged',
      ...Array(4).fill('written'),
    ])
    const names = readdirSync(at('out/new'))
    const text = (id = '') =>
      readFileSync(join(at('out/new'), names.find((name) => name.includes(id)) ?? ''), 'latin1')
    expect(text(ids[0])).not.toContain('\r')
    expect(text(ids[2])).toBe(Buffer.from(messages[2] as Uint8Array).toString('latin1'))
    expect(readdirSync(at('out')).sort()).toEqual(['cur', 'new', 'tmp'])
    expect(readdirSync(at('out/tmp'))).toEqual([])
    expect(kinds(run(tree('maildir', at('out')))).sort()).toEqual([
      'damaged',
      ...Array(4).fill('present'),
    ])
    expect(readdirSync(at('out/new'))).toHaveLength(4)
  })

  it('goes on while another export goes to the same place', () => {
    const ids = fill()
    damageMessage(ids[1] ?? '')
    const reader = openReader(source)
    const found: string[] = []
    for (const { kind } of exportMessages(reader, tree('maildir', at('out')))) {
      // The first message lies in tmp/ when the second turns out to be damaged.
      if (kind === 'damaged') run(tree('maildir', at('out')))
      found.push(kind)
    }
    reader.close()
    expect(found).toEqual(['damaged', ...Array(4).fill('present')])
    expect(readdirSync(at('out/new'))).toHaveLength(4)
    expect(readdirSync(at('out/tmp'))).toEqual([])
  })

  it('does not go into an archive without its catalog', () => {
    fill()
    fillArchive({ kind: 'maildir', path: at('mail') }, [{ octets: sampleMessage(9) }])
    expect(() => run(tree('maildir', at('mail')))).toThrow(
      expect.objectContaining({ code: 'ARCHIVE_CREATE' }),
    )
  })
})
