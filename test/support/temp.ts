import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder that lives as long as a test, or a part of one. */
export interface TemporaryFolder {
  readonly path: string
  /** Removes the folder with all it holds. Safe to call twice. */
  remove(): void
}

/** Makes a fresh folder (mode 0700) below the system's folder for temporary files. */
export function temporaryFolder(name = 'test'): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), `popkeep-${name}-`))
  return {
    path,
    // A child that is just ending may still write: rm tries again a few times.
    remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }),
  }
}
