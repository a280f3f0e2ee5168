import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  openSync,
  writeSync,
} from 'node:fs'
import { UsageError } from '../accounts/errors.ts'
import type { CommandContext } from './context.ts'
import { describeFailure } from './failure.ts'
import { safe } from './safe.ts'

/** A file with the sessions of a run, for bug reports. Secrets are masked before a line comes here. */
export interface TraceFile {
  /** A line of one account's session. Server text in it is made safe. */
  write(account: string, line: string): void
  close(): void
}

/** The file of --trace; undefined without that. Throws as `openTrace`; a trace that ends early is told on stderr. */
export function traceOf(
  { trace }: { readonly trace?: string | undefined },
  { output, now }: Pick<CommandContext, 'output' | 'now'>,
): TraceFile | undefined {
  if (trace === undefined) return undefined
  return openTrace(trace, now, (error) => {
    output.problem(`the trace ends here: ${describeFailure(error).sentence}`)
  })
}

/**
 * Creates the file, or empties it; only its owner can read it, also if it was there with another mode. `now` in ms since
 * the epoch. Where it can be written no more, `failed` hears it once and the run goes on without.
 *
 * Throws UsageError if the path is a symbolic link or no regular file, else what the system says.
 */
export function openTrace(
  path: string,
  now: () => number,
  failed: (error: unknown) => void,
): TraceFile {
  const descriptor = openPrivate(path)
  let isBroken = false
  return {
    write(account, line) {
      if (isBroken) return
      try {
        writeSync(descriptor, `${new Date(now()).toISOString()} ${safe(account)} ${safe(line)}\n`)
      } catch (error) {
        isBroken = true
        failed(error)
      }
    },
    close: () => closeSync(descriptor),
  }
}

/** A link may lead to a file that somebody else chose, in a folder where all may write. */
function openPrivate(path: string): number {
  const { O_WRONLY, O_CREAT, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants
  let descriptor: number
  try {
    // Without waiting for a reader, which a FIFO would.
    descriptor = openSync(path, O_WRONLY | O_CREAT | O_NONBLOCK | O_NOFOLLOW, 0o600)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ELOOP' || code === 'ENXIO') throw noTraceFile(path)
    throw error
  }
  try {
    const state = fstatSync(descriptor)
    if (!state.isFile()) throw noTraceFile(path)
    if ((state.mode & 0o077) !== 0) fchmodSync(descriptor, 0o600)
    ftruncateSync(descriptor)
    return descriptor
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}

function noTraceFile(path: string): UsageError {
  return new UsageError(
    `--trace writes a file of its own: ${path} is a link, or something else than a file`,
  )
}
