import { defineConfig } from 'rolldown'

// What Node loads when popkeep starts. A run that finds no mail does little but load its code: some 200 modules one by one
// cost twice what a few chunks do, and ES modules more than CommonJS, where Node's own modules need no wrapping. What only one
// command needs stays a chunk of its own. Nothing is minified: a stack trace names functions, and in the chunk the path of its source stands
// above each.

/** Packages of JavaScript alone that most runs load: of a large one, only what is used. They stay dependencies, with their licences. */
const BUNDLED = /^(?:better-sqlite3|commander|p-limit|yocto-queue|smol-toml|valibot)(?:\/|$)/

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
            test: /\/src\/archive\/(?:thread-start|short-lived|compiling)\.ts$/,
            priority: 1,
          },
          // What imports a package when it is needed, which Node 20 does not do in code that was kept.
          {
            name: 'imports',
            test: /\/src\/(?:accounts\/(?:keyring|oauth-[a-z]+)|cli\/progress)\.ts$/,
            minShareCount: 2,
            priority: 1,
          },
          // What two commands need is what most of them need: one chunk, which src/cli/compiled.ts keeps compiled.
          { name: 'shared', test: /\/src\//, minShareCount: 2 },
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
    ],
  },
  // By itself, in one piece: the main thread shares half of its code, and waits for it.
  {
    ...common,
    input: { 'writer-thread': 'src/archive/writer-thread.ts' },
    output: { ...output, codeSplitting: false },
  },
])
