/** Chunks that run from V8's cached data. */
import { createHash } from 'node:crypto'
import { readFileSync, realpathSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keepCompiled, runCompiled } from '../../src/cli/compiled.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'

const SHARED = 'exports.word = "one"\n'
const MAIN = `const { word } = require("./shared.js")
exports.word = word
exports.isMain = module.filename === __filename && this === exports
`

let folder: TemporaryFolder
let shared: string
let main: string
beforeEach(() => {
  folder = temporaryFolder('compiled')
  // As Node names modules.
  const real = realpathSync(folder.path)
  shared = join(real, 'shared.js')
  main = join(real, 'main.js')
  writeFileSync(shared, SHARED)
  writeFileSync(main, MAIN)
})
afterEach(() => folder.remove())

/** What is kept of a chunk, in its parts. */
function kept(path: string) {
  const octets = readFileSync(`${path}.cached`)
  const end = octets.indexOf(10) + 1
  return { key: octets.subarray(0, end), cachedData: octets.subarray(end + 32) }
}

/** Alters one octet of what is kept of the first chunk. */
function change(at: (octets: Buffer) => number): void {
  const octets = readFileSync(`${shared}.cached`)
  octets.writeUInt8(octets.readUInt8(at(octets)) ^ 1, at(octets))
  writeFileSync(`${shared}.cached`, octets)
}

/** What whoever asks for a chunk is given. */
function given(path: string): Record<string, unknown> {
  return createRequire(main)(path)
}

const isThere = (path: string): boolean => createRequire(main).cache[path] !== undefined
const isLoaded = (path: string): boolean => createRequire(main).cache[path]?.loaded ?? false

describe('a chunk with its cached data', () => {
  it('is there before it is asked for, as Node would have loaded it', () => {
    keepCompiled(dirname(main))
    runCompiled(dirname(main))
    expect([isLoaded(shared), isLoaded(main)]).toEqual([true, true])
    expect(given(main)).toEqual({ word: 'one', isMain: true })
  })

  it('runs from it', () => {
    writeFileSync(shared, SHARED.replace('one', 'two'))
    keepCompiled(dirname(main))
    const { key, cachedData } = kept(shared)
    // Nobody ever writes such a pair: of the source V8 compares the length, and so shows whose cached data it is.
    writeFileSync(shared, SHARED)
    const digest = createHash('sha256').update(SHARED).update(cachedData).digest()
    writeFileSync(`${shared}.cached`, Buffer.concat([key, digest, cachedData]))
    runCompiled(dirname(main))
    expect(given(main).word).toBe('two')
  })

  it('is run once', () => {
    keepCompiled(dirname(main))
    const before = given(shared)
    runCompiled(dirname(main))
    expect(given(shared)).toBe(before)
  })
})

describe('a chunk is left to Node', () => {
  it('with that of another source', () => {
    keepCompiled(dirname(main))
    writeFileSync(shared, SHARED.replace('one', 'two'))
    runCompiled(dirname(main))
    expect([isLoaded(shared), isLoaded(main)]).toEqual([false, false])
    expect(given(main).word).toBe('two')
  })

  it.each([
    ['without it', () => rmSync(`${shared}.cached`)],
    ['with a piece of it', () => truncateSync(`${shared}.cached`, 100)],
    [
      'with one that lost its end',
      () => truncateSync(`${shared}.cached`, statSync(`${shared}.cached`).size - 1),
    ],
    ['with one of which an octet is another', () => change((octets) => octets.length - 20)],
    ['with one of another Node', () => change(() => 1)],
    ['with one of a V8 of other settings', () => change((octets) => octets.indexOf(10) - 1)],
    ['that is not there', () => rmSync(shared)],
  ])('%s', (_, damage) => {
    keepCompiled(dirname(main))
    damage()
    runCompiled(dirname(main))
    expect([isLoaded(shared), isLoaded(main)]).toEqual([false, false])
  })
})

it('no cached data is kept of what Node 20 could not import', () => {
  writeFileSync(main, 'exports.sep = async () => (await import("node:path")).sep\n')
  expect(() => keepCompiled(dirname(main))).toThrow(/main\.js imports/)
})

it('a chunk that throws is not left half loaded', () => {
  writeFileSync(main, 'exports.half = true\nthrow new Error("not whole")\n')
  keepCompiled(dirname(main))
  expect(() => runCompiled(dirname(main))).toThrow('not whole')
  expect([isLoaded(shared), isThere(main)]).toEqual([true, false])
})

it('cached data says nothing of where the program was built', () => {
  keepCompiled(dirname(main))
  expect(readFileSync(`${main}.cached`, 'latin1')).not.toContain(basename(folder.path))
})

it('a stack names the chunk and the line', () => {
  writeFileSync(main, 'exports.stack = () => new Error("told").stack\n')
  keepCompiled(dirname(main))
  runCompiled(dirname(main))
  const { stack } = given(main)
  expect((stack as () => string)()).toContain('main.js:1:')
})
