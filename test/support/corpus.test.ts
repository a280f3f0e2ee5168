import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { mixedCorpus, smallCorpus, wireOctets } from './corpus.ts'

describe('wireOctets', () => {
  it.each([
    ['', '\r\n'],
    ['\n', '\r\n'],
    ['a\nb', 'a\r\nb\r\n'],
    ['a\r\nb\r', 'a\r\nb\r\r\n'],
    ['\n\n\r\n', '\r\n\r\n\r\n'],
    ['\r\r\n\r', '\r\r\n\r\r\n'],
    ['\xff\0\n', '\xff\0\r\n'],
  ])('turns %j into %j', (file, wire) => {
    expect(wireOctets(Buffer.from(file, 'latin1')).toString('latin1')).toBe(wire)
  })
})

describe('the corpora', () => {
  it.each([
    ['mixed', mixedCorpus, '586da02ba599a8b7ec62843591f7af00e8c244b578e015f56af4aa6ffe58717e'],
    ['small', smallCorpus, '528fe143744009feda11c2c5b5271b3e924fff8dd57519e625b749c15e68d211'],
  ])('%s are the same on every machine', (_name, corpus, digest) => {
    const hash = createHash('sha256')
    for (const message of corpus(300)) hash.update(message)
    expect(hash.digest('hex')).toBe(digest)
  })

  it('hold what their names promise', () => {
    const sizes = [...mixedCorpus(1000)].map((message) => message.length)
    const total = sizes.reduce((sum, octets) => sum + octets)
    expect(total / 1e6).toBeGreaterThan(50)
    expect(total / 1e6).toBeLessThan(54)
    expect(Math.max(...sizes)).toBeGreaterThan(3e6)
    for (const { length } of smallCorpus(1000)) {
      expect(length).toBeGreaterThan(1000)
      expect(length).toBeLessThan(5200)
    }
  })
})
