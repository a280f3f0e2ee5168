import { defineConfig } from 'rolldown'

// What Node loads when popkeep starts. A run that finds no mail does little but load its code: some 200 modules one by one
// cost twice what a few chunks do, and ES modules more than CommonJS, where Node's own modules need no wrapping. Commands
// stay chunks of their own, packages stay outside. Nothing is minified: a stack trace names functions, and in the chunk the path
// of its source stands above each.
export default defineConfig({
  input: {
    start: 'src/cli/start.ts',
    'writer-thread': 'src/archive/writer-thread.ts',
    // For test/reliability, which breaks the order of DELE there to see its own tests fail.
    session: 'src/client/session.ts',
  },
  platform: 'node',
  external: /^[^./]/,
  output: {
    dir: 'dist',
    cleanDir: true,
    format: 'cjs',
    comments: { annotation: false, jsdoc: false },
    chunkFileNames: '[name].js',
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
})
