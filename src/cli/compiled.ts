/**
 * V8's cached data of the large chunks, kept beside them when the program is built. To parse 700 kB takes some 20 ms, a sixth of a
 * run that finds nothing new.
 *
 * Who may write it may write the chunks as well; whoever watches the installed files for changes watches these, too.
 */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import Module, { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import process from 'node:process'
import { cachedDataVersionTag } from 'node:v8'
import { compileFunction } from 'node:vm'

/** The chunks that every command loads, in the order in which one needs the other. */
const CHUNKS = ['shared.js', 'main.js']

/** What Node wraps a CommonJS module in. */
const PARAMETERS = ['exports', 'require', 'module', '__filename', '__dirname']

const DIGEST_OCTETS = 32

/** A line with whose cached data it is; the SHA-256 of source and cached data; the cached data. */
const cacheFile = (path: string): string => `${path}.cached`

/**
 * V8 itself compares the numbers of its version, its settings, and the length of the source: neither Node's changes to V8, nor the
 * machine, nor a single octet.
 */
const reader = (): Buffer =>
  Buffer.from(`${process.version} ${process.platform} ${process.arch} ${cachedDataVersionTag()}\n`)

const digestOf = (source: string, cachedData: Buffer): Buffer =>
  createHash('sha256').update(source).update(cachedData).digest()

/**
 * Writes the cached data of the chunks in `folder`, for the Node that runs this. For the build. Throws if one of them imports a
 * package when it is needed: what comes from cached data cannot, in Node 20.
 */
export function keepCompiled(folder: string): void {
  for (const path of CHUNKS.map((name) => join(folder, name))) {
    const source = readFileSync(path, 'utf8')
    if (/\bimport\(/.test(source)) throw new Error(`${path} imports: see rolldown.config.mjs`)
    const { cachedData } = compileFunction(source, PARAMETERS, {
      // Without the builder's folder: the file is part of the package, and Node 20 names this in stack traces.
      filename: basename(path),
      produceCachedData: true,
    })
    if (!cachedData) throw new Error(`no cached data for ${path}`)
    writeFileSync(
      cacheFile(path),
      Buffer.concat([reader(), digestOf(source, cachedData), cachedData]),
    )
  }
}

/**
 * Runs the chunks in `folder` from their cached data, so that Node finds them loaded. From the first one on whose cached data is not
 * there, not whole, of another source, or for another Node, all are left to Node.
 */
export function runCompiled(folder: string): void {
  for (const name of CHUNKS) if (!runChunk(join(folder, name))) return
}

function runChunk(path: string): boolean {
  const require = createRequire(path)
  if (require.cache[path]) return true
  const kept = readKept(path)
  if (!kept) return false
  const { source, cachedData } = kept
  const run = compileFunction(source, PARAMETERS, { filename: path, cachedData })
  const module = new Module(path)
  module.filename = path
  require.cache[path] = module
  try {
    Reflect.apply(run, module.exports, [module.exports, require, module, path, dirname(path)])
  } catch (error) {
    // As Node does: nobody is given what is half there.
    delete require.cache[path]
    throw error
  }
  module.loaded = true
  return true
}

function readKept(path: string): { source: string; cachedData: Buffer } | undefined {
  const wanted = reader()
  try {
    const kept = readFileSync(cacheFile(path))
    if (!kept.subarray(0, wanted.length).equals(wanted)) return
    const source = readFileSync(path, 'utf8')
    const digest = kept.subarray(wanted.length, wanted.length + DIGEST_OCTETS)
    const cachedData = kept.subarray(wanted.length + DIGEST_OCTETS)
    return digest.equals(digestOf(source, cachedData)) ? { source, cachedData } : undefined
  } catch {
    // A package without cached data, or what Node itself will then say better.
    return
  }
}
