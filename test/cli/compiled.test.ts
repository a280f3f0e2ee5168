/** Chunks that run from the code that was kept of them. */
import { createHash } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
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
  shared = join(folder.path, 'shared.js')
  main = join(folder.path, 'main.js')
  writeFileSync(shared, SHARED)
  writeFileSync(main, MAIN)
})
afterEach(() => folder.remove())

/** What whoever asks for a chunk is given. */
function given(path: string): Record<string, unknown> {
  return createRequire(main)(path)
}

const isLoaded = (path: string): boolean => createRequire(main).cache[path]?.loaded ?? false

describe('a chunk with its code', () => {
  it('is there before it is asked for, as Node would have loaded it', () => {
    keepCompiled(folder.path)
    runCompiled(folder.path)
    expect([isLoaded(shared), isLoaded(main)]).toEqual([true, true])
    expect(given(main)).toEqual({ word: 'one', isMain: true })
  })

  it('runs from it', () => {
    writeFileSync(shared, SHARED.replace('one', 'two'))
    keepCompiled(folder.path)
    const ofOther = readFileSync(`${shared}.code`).subarray(32)
    // No such pair is ever written: of the source V8 compares the length, and so shows whose code it is.
    writeFileSync(shared, SHARED)
    const digest = createHash('sha256').update(SHARED).digest()
    writeFileSync(`${shared}.code`, Buffer.concat([digest, ofOther]))
    runCompiled(folder.path)
    expect(given(main).word).toBe('two')
  })

  it('is run once', () => {
    keepCompiled(folder.path)
    const before = given(shared)
    runCompiled(folder.path)
    expect(given(shared)).toBe(before)
  })
})

describe('a chunk is left to Node', () => {
  it('with the code of another source', () => {
    keepCompiled(folder.path)
    writeFileSync(shared, SHARED.replace('one', 'two'))
    runCompiled(folder.path)
    expect([isLoaded(shared), isLoaded(main)]).toEqual([false, false])
    expect(given(main).word).toBe('two')
  })

  it.each([
    ['without code', () => rmSync(`${shared}.code`)],
    ['with a piece of its code', () => writeFileSync(`${shared}.code`, Buffer.alloc(20))],
    ['that is not there', () => rmSync(shared)],
  ])('%s', (_, damage) => {
    keepCompiled(folder.path)
    damage()
    runCompiled(folder.path)
    expect([isLoaded(shared), isLoaded(main)]).toEqual([false, false])
  })
})

it('code is not kept of what Node 20 could not import', () => {
  writeFileSync(main, 'exports.sep = async () => (await import("node:path")).sep\n')
  expect(() => keepCompiled(folder.path)).toThrow(/main\.js imports/)
})

it('code of another V8, or not whole, is compiled anew', () => {
  keepCompiled(folder.path)
  const code = readFileSync(`${shared}.code`)
  code.writeUInt32LE(~code.readUInt32LE(32 + 4) >>> 0, 32 + 4)
  writeFileSync(`${shared}.code`, code)
  writeFileSync(`${main}.code`, readFileSync(`${main}.code`).subarray(0, -9))
  runCompiled(folder.path)
  expect([isLoaded(shared), isLoaded(main)]).toEqual([true, true])
  expect(given(main).word).toBe('one')
})
