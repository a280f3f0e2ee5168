import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { aggregate, ENDING_CODES, EXIT_STATUS, endingOf } from '../../src/cli/exit-codes.ts'

const source = join(import.meta.dirname, '../../src')

/** Result codes of SQLite itself, which the archive turns into codes of its own. */
const RAW = /^SQLITE_(?!UNAVAILABLE|TOO_OLD)/

/** Every error code that a class or a call in src/ gives, by its upper-snake literal. */
function codesInSource(): ReadonlySet<string> {
  const codes = new Set<string>()
  for (const entry of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith('.ts') || entry === join('cli', 'exit-codes.ts')) continue
    const text = readFileSync(join(source, entry), 'utf8')
    for (const [, code] of text.matchAll(
      /'((?:(?:POP3|LOGIN|OAUTH|NET|ARCHIVE|SQLITE|CONFIG|SECRET)_[A-Z0-9_]+)|USAGE)'/g,
    )) {
      if (code && !RAW.test(code)) codes.add(code)
    }
  }
  return codes
}

describe('exit codes', () => {
  it('has a row for every error code in src/', () => {
    const missing = [...codesInSource()].filter((code) => !ENDING_CODES.includes(code))
    expect(missing).toEqual([])
  })

  it('ends every error with a code that the help explains', () => {
    for (const code of ENDING_CODES) expect(EXIT_STATUS.has(endingOf(code).exit), code).toBe(true)
  })

  it('takes an unknown error for a defect', () => {
    expect(endingOf('ERR_NOBODY_KNOWS').exit).toBe(70)
    expect(endingOf(undefined).exit).toBe(70)
  })

  it.each([
    [[], 0],
    [[0], 0],
    [[0, 0], 0],
    [[1], 1],
    [[77], 77],
    [[69, 69], 69],
    [[65, 65], 65],
    [[0, 77], 1],
    [[1, 69], 1],
    [[69, 77], 77],
    [[78, 76], 78],
    [[76, 74], 76],
    [[73, 74], 74],
    [[69, 73], 73],
    [[75, 69], 69],
    [[75, 65], 75],
    [[70, 65], 65],
    [[75, 69, 73, 74, 76, 78, 77], 77],
  ])('aggregates %j to %d', (exits, exit) => {
    expect(aggregate(exits)).toBe(exit)
  })
})
