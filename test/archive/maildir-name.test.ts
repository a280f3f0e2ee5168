import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createNamer,
  digestInName,
  isOurTemporary,
  type NameSources,
  nameWithDigest,
} from '../../src/archive/maildir-name.ts'

const digest = new Uint8Array(32).map((_, index) => index * 7)
const hex = Buffer.from(digest).toString('hex')

function sources(changes: Partial<NameSources> = {}): NameSources {
  return {
    now: () => 1_700_000_000_123.456,
    pid: 42,
    host: 'mail.example.org',
    random: (octets) => new Uint8Array(octets).fill(0xab),
    ...changes,
  }
}

describe('names given', () => {
  it('have time, pid, count, random part and host', () => {
    const next = createNamer(sources())
    expect(next()).toMatch(/^1700000000\.M12345\dP42Q1Rabababababababab\.mail\.example\.org$/)
    expect(next()).toContain('P42Q2R')
  })

  it('differ even if clock, pid and random part stand still', () => {
    const next = createNamer(sources())
    expect(new Set(Array.from({ length: 100 }, next)).size).toBe(100)
  })

  it('have no sign, though the clock stands before 1970', () => {
    const next = createNamer(sources({ now: () => -1.5 }))
    expect(next()).toMatch(/^0\.M0P42Q1R/)
    expect(isOurTemporary(next())).toBe(true)
  })

  it.each([
    ['a/b:c', 'a\\057b\\072c'],
    ['a,D=b', 'a\\054D\\075b'],
    ['', 'localhost'],
    ['é', '\\303\\251'],
  ])('escape the host %j as %j', (host, escaped) => {
    expect(createNamer(sources({ host }))().endsWith(`.${escaped}`)).toBe(true)
  })

  it('stay below 255 octets with the digest and flags, whatever the host', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (host) => {
        const name = nameWithDigest(createNamer(sources({ host }))(), digest)
        expect(Buffer.byteLength(`${name},S=9999999999,W=9999999999:2,FRST`)).toBeLessThan(255)
        expect(name).not.toMatch(/[/:\0]/)
        expect(digestInName(name)).toEqual(digest)
        expect(isOurTemporary(createNamer(sources({ host }))())).toBe(true)
      }),
    )
  })
})

describe('digest in a name', () => {
  it.each([
    [`1.M2P3Q4R5.host,D=${hex}`],
    [`1.M2P3Q4R5.host,D=${hex}:2,FS`],
    [`1.M2P3Q4R5.host,D=${hex},S=10,W=11:2,`],
    [`1.M2P3Q4R5.host,S=10,D=${hex},W=11`],
    [`1.host,D=${hex};2,S`],
  ])('is found in %s', (name) => {
    expect(digestInName(name)).toEqual(digest)
  })

  it.each([
    ['1.M2P3.host:2,S'],
    [`.1.host,D=${hex}`],
    [`1.host,D=${hex}0`],
    [`1.host,D=${hex.slice(1)}`],
    [`1.host,D=${hex.toUpperCase()}`],
    [`1.hostD=${hex}`],
    [`,D=${hex}`],
    [''],
  ])('is not found in %s', (name) => {
    expect(digestInName(name)).toBeUndefined()
  })
})

it.each([
  ['1700000000.M1P2Q3Rabababababababab.host', true],
  ['1700000000.M1P2Q3.host', false],
  ['1700000000.M1P2.host', false],
  ['notes.txt', false],
])('own temporary name %s: %s', (name, isOurs) => {
  expect(isOurTemporary(name)).toBe(isOurs)
})
