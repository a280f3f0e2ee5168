import { afterEach, describe, expect, it } from 'vitest'
import { openForWriting, type WritableArchive } from '../../src/archive/open.ts'
import { temporaryLocation } from './temp-archive.ts'

const MIB = 1024 * 1024

describe('a large message on its way into a sqlite archive', () => {
  const opened: WritableArchive[] = []
  afterEach(() => {
    for (const archive of opened.splice(0)) archive.close()
  })

  /** Drafts, and the octets of each piece that is committed. */
  function open() {
    const archive = openForWriting(temporaryLocation('sqlite'))
    opened.push(archive)
    const { content, database } = archive
    const pieces = database.prepare('SELECT length(octets) AS n FROM piece ORDER BY rowid')
    return { draft: () => content.draft(), staged: () => pieces.all().map(({ n }) => n) }
  }

  it('needs no commit of its own up to 2 MiB', () => {
    const { draft, staged } = open()
    const one = draft()
    one.write(new Uint8Array(2 * MIB))
    expect(staged()).toEqual([])
    one.write(new Uint8Array(1))
    expect(staged()).toEqual([MIB, MIB])
    one.seal(new Uint8Array(32))
    expect(staged()).toEqual([MIB, MIB])
  })

  it('is held in memory only while no other is', () => {
    const { draft, staged } = open()
    const [one, other] = [draft(), draft()]
    one.write(new Uint8Array(MIB + 1))
    other.write(new Uint8Array(MIB + 2))
    expect(staged()).toEqual([MIB])
    other.write(new Uint8Array(MIB))
    expect(staged()).toEqual([MIB, MIB])
  })

  it.each(['seal', 'discard'] as const)('leaves room for the next when it ends: %s', (end) => {
    const { draft, staged } = open()
    for (let round = 0; round < 5; round += 1) {
      const one = draft()
      one.write(new Uint8Array(2 * MIB))
      expect(staged()).toEqual([])
      one[end](new Uint8Array(32))
    }
  })
})
