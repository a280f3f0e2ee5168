import { faceOf } from './plan.ts'
import type { ReceiptKey } from './ports/receipt.ts'

/**
 * Rows whose messages came in this run and have no receipt: their session broke before it was shown to be in step, or one
 * beside them was refused. They come once more, and each is one message all the same.
 */
export class Unbound {
  /** By face, which rows without unique-id may share: whether the archive did not have the message when it came. */
  readonly #rows = new Map<string, boolean[]>()

  add(key: ReceiptKey, wasNew: boolean): void {
    const face = faceOf(key)
    const alike = this.#rows.get(face)
    if (alike) alike.push(wasNew)
    else this.#rows.set(face, [wasNew])
  }

  /** Whether the message of a row was new when it came before; undefined where it did not. Forgets it. */
  take(key: ReceiptKey): boolean | undefined {
    if (this.#rows.size === 0) return undefined
    const face = faceOf(key)
    const alike = this.#rows.get(face)
    const wasNew = alike?.shift()
    if (alike?.length === 0) this.#rows.delete(face)
    return wasNew
  }
}
