/**
 * What V8 makes of the large chunks before it runs them, kept beside them when the program is built. To parse 700 kB takes some
 * 15 ms, an eighth of a run that finds nothing new.
 */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import Module, { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { compileFunction } from 'node:vm'

/** The chunks that most commands load, in the order in which one needs the other. */
const CHUNKS = ['shared.js', 'main.js']

/** What Node wraps a CommonJS module in. */
const PARAMETERS = ['exports', 'require', 'module', '__filename', '__dirname']

const DIGEST_OCTETS = 32

/** The code of a chunk, in a file: the SHA-256 of its source, and V8's cached data. */
const codeFile = (path: string): string => `${path}.code`

const digestOf = (source: string): Buffer => createHash('sha256').update(source).digest()

/**
 * Writes the code of the chunks in `folder`, where the program was built. For the build. Throws if one of them imports a package
 * when it is needed: in code that was kept, Node 20 cannot.
 */
export function keepCompiled(folder: string): void {
  for (const path of CHUNKS.map((name) => join(folder, name))) {
    const source = readFileSync(path, 'utf8')
    if (/\bimport\(/.test(source)) throw new Error(`${path} imports: see rolldown.config.mjs`)
    const { cachedData } = compileFunction(source, PARAMETERS, {
      filename: path,
      produceCachedData: true,
    })
    if (!cachedData) throw new Error(`no code for ${path}`)
    writeFileSync(codeFile(path), Buffer.concat([digestOf(source), cachedData]))
  }
}

/**
 * Runs the chunks in `folder` from their code, so that Node finds them loaded. Those without code, and those whose code is of
 * another source, are left to Node; V8 itself refuses code of another V8, or of other settings, and compiles.
 */
export function runCompiled(folder: string): void {
  for (const name of CHUNKS) if (!runChunk(join(folder, name))) return
}

function runChunk(path: string): boolean {
  const require = createRequire(path)
  if (require.cache[path]) return true
  const files = readBoth(path)
  if (!files) return false
  const { source, code } = files
  // V8 compares no more than the length of the source.
  if (!digestOf(source).equals(code.subarray(0, DIGEST_OCTETS))) return false
  const run = compileFunction(source, PARAMETERS, {
    filename: path,
    cachedData: code.subarray(DIGEST_OCTETS),
  })
  const module = new Module(path)
  module.filename = path
  require.cache[path] = module
  Reflect.apply(run, module.exports, [module.exports, require, module, path, dirname(path)])
  module.loaded = true
  return true
}

function readBoth(path: string): { readonly source: string; readonly code: Buffer } | undefined {
  try {
    return { source: readFileSync(path, 'utf8'), code: readFileSync(codeFile(path)) }
  } catch {
    // A package without code, or what Node itself will then say better.
    return
  }
}
