/** The built program, as the shell starts it: what it waits for longest is begun before the rest of it is loaded. */
import process from 'node:process'
import { startWriterAhead } from '../archive/thread-start.ts'

export async function start(): Promise<void> {
  // Archives, exports and traces hold mail: nobody else reads them, also while SQLite creates its side files.
  process.umask(0o077)
  if (writes(process.argv.slice(2))) startWriterAhead()
  const { runCompiled } = await import('./compiled.ts')
  runCompiled(import.meta.dirname)
  const { main } = await import('./main.ts')
  await main()
}

/** The command line is not read yet: a wrong guess costs a thread for nothing, or the time that it would have gained. */
function writes([command, ...rest]: readonly string[]): boolean {
  return command === 'sync' && !rest.some((word) => /^(?:--dry-run|--help|-h)$/.test(word))
}
