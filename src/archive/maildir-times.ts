/**
 * Tells the owner's changes of new/ and cur/ from ours, by the folders' times: where nobody else changed them, the next
 * run need not list them.
 */
import { foldersAt } from './maildir-files.ts'

export class FolderTimes {
  readonly #root: string
  #at: string | undefined

  constructor(root: string) {
    this.#root = root
  }

  /** The catalog agrees with the folders as they were at these times; undefined if it does not. */
  agree(at: string | undefined): void {
    this.#at = at
  }

  /** Runs a change of ours. */
  ours(change: () => void): void {
    const isKnown = this.settled() !== undefined
    try {
      change()
    } finally {
      this.#at = isKnown ? foldersAt(this.#root) : undefined
    }
  }

  /** The times to record at a clean end; undefined once somebody else changed a folder. */
  settled(): string | undefined {
    if (this.#at !== undefined && this.#at !== foldersAt(this.#root)) this.#at = undefined
    return this.#at
  }
}
