import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder that lives as long as a test, or a part of one. */
export interface TemporaryFolder {
  readonly path: string
  /** Removes the folder with all it holds. Safe to call twice. */
  remove(): void
}

/** Where fsync costs nothing, for those who do not test it: in memory, if the system has such a folder. */
export const IN_MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** Makes a fresh folder (mode 0700) below the system's folder for temporary files, or another. */
export function temporaryFolder(name = 'test', below = tmpdir()): TemporaryFolder {
  const path = mkdtempSync(join(below, `popkeep-${name}-`))
  return {
    path,
    // A child that is just ending may still write: rm tries again a few times.
    remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }),
  }
}
