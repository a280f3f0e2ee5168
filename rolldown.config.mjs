import { createRequire } from 'node:module'
import { join } from 'node:path'
import { defineConfig } from 'rolldown'

// What Node loads when popkeep starts. A run that finds no mail does little but load its code: some 200 modules one by one
// cost twice what a few chunks do, and ES modules more than CommonJS, where Node's own modules need no wrapping. What only one
// command needs stays a chunk of its own. Nothing is minified: a stack trace names functions, and in the chunk the path of its
// source stands above each.

/**
 * Packages that most runs load, their JavaScript: of a large one, only what is used. They stay dependencies, with their licences;
 * so does the native part of better-sqlite3, which is looked for by name. A package that is not there at the build is left to Node.
 */
const BUNDLED = /^(?:better-sqlite3|commander|p-limit|yocto-queue|smol-toml|valibot)(?:\/|$)/

/** Modules of ours, wherever the clone lies. */
const ours = (modules) => {
  const folder = import.meta.dirname.replaceAll('\\', '/').replace(/[.*+?^${}()|[\]]/g, '\\$&')
  const pattern = new RegExp(`^${folder}/src/${modules}`)
  return (id) => pattern.test(id.replaceAll('\\', '/'))
}

const common = {
  platform: 'node',
  external: (id) => /^[^./]/.test(id) && !BUNDLED.test(id),
}

const output = {
  dir: 'dist',
  format: 'cjs',
  comments: { annotation: false, jsdoc: false },
  chunkFileNames: '[name].js',
}

// To be built one after the other.
export default defineConfig([
  {
    ...common,
    input: {
      start: 'src/cli/start.ts',
      compiled: 'src/cli/compiled.ts',
      // For test/reliability, which breaks the order of DELE there to see its own tests fail.
      session: 'src/client/session.ts',
    },
    output: {
      ...output,
      cleanDir: true,
      codeSplitting: {
        groups: [
          // Before all else: what starts the writer's thread.
          {
            name: 'thread-start',
            test: ours('archive/(?:thread-start|short-lived|compiling)\\.ts$'),
            priority: 1,
          },
          // What imports a package when it is needed, which Node 20 does not do in code that was kept.
          {
            name: 'imports',
            test: ours('(?:accounts/(?:keyring|oauth-[a-z]+)|cli/progress)\\.ts$'),
            minShareCount: 2,
            priority: 1,
          },
          // What two commands need is what most of them need: one chunk, which src/cli/compiled.ts keeps compiled.
          { name: 'shared', test: ours(''), minShareCount: 2 },
        ],
      },
    },
    plugins: [
      {
        name: 'commonjs-folder',
        generateBundle() {
          this.emitFile({
            type: 'asset',
            fileName: 'package.json',
            source: '{ "type": "commonjs" }\n',
          })
        },
      },
      {
        name: 'kept-compiled',
        writeBundle() {
          const { keepCompiled } = createRequire(import.meta.url)('./dist/compiled.js')
          keepCompiled(join(import.meta.dirname, 'dist'))
        },
      },
    ],
  },
  // By itself, in one piece: the main thread shares half of its code, and waits for it.
  {
    ...common,
    input: { 'writer-thread': 'src/archive/writer-thread.ts' },
    output: { ...output, codeSplitting: false },
  },
])
