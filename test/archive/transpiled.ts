/**
 * Sources as JavaScript, for cases that need a process or a thread of their own: Node 20 runs no
 * TypeScript. Below node_modules, so that packages are found from there.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

const ROOT = join(import.meta.dirname, '../..')
const ARCHIVE_ROOMS = ['archive', 'durable', 'message', 'sqlite']

/** Returns the folder that stands for src/, and what removes it. */
export function transpileArchive(): { readonly folder: string; remove(): void } {
  return transpileRooms(ARCHIVE_ROOMS)
}

/** The same for other rooms; those that they import must be named as well. */
export function transpileRooms(rooms: readonly string[]): {
  readonly folder: string
  remove(): void
} {
  const cache = join(ROOT, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'popkeep-test-'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const names = rooms.flatMap((room) =>
    readdirSync(join(ROOT, 'src', room), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(?:ts|cjs)$/.test(name))
      .map((name) => join(room, name)),
  )
  for (const name of names) {
    const source = readFileSync(join(ROOT, 'src', name), 'utf8')
    const path = join(folder, name.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, name.endsWith('.ts') ? transpile(source) : source)
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

function transpile(source: string): string {
  return ts.transpileModule(source, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      rewriteRelativeImportExtensions: true,
      verbatimModuleSyntax: true,
    },
  }).outputText
}
