import { closeSync, openSync, writeSync } from 'node:fs'
import { safe } from './safe.ts'

/** A file with the sessions of a run, for bug reports. Secrets are masked before a line comes here. */
export interface TraceFile {
  /** A line of one account's session. Server text in it is made safe. */
  write(account: string, line: string): void
  close(): void
}

/**
 * Creates the file, or empties it; only its owner can read it. `now` in ms since the epoch. Where it can be written no
 * more, `failed` hears it once and the run goes on without.
 */
export function openTrace(
  path: string,
  now: () => number,
  failed: (error: unknown) => void,
): TraceFile {
  const descriptor = openSync(path, 'w', 0o600)
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
