/** Messages at which sessions break. One alone must not keep the others from being retrieved. */
import type { ReceiptKey } from './ports/receipt.ts'

/** A message at which so many sessions broke in one run is tried alone and last. */
const BREAKS = 3

/** Where so many messages break sessions, it is not the messages. */
const MOST = 10

export class Suspects {
  readonly #breaks = new Map<string, number>()
  readonly #names = new Set<string>()

  get size(): number {
    return this.#names.size
  }

  /** No more are to be looked for in this run. */
  get isFull(): boolean {
    return this.#names.size >= MOST
  }

  has(key: ReceiptKey): boolean {
    // As nearly always: a maildrop may have 100,000 rows to be named for nothing.
    return this.#names.size > 0 && this.#names.has(nameOf(key))
  }

  /** A session broke while this message was retrieved. True: it is a suspect from now on. */
  broke(key: ReceiptKey): boolean {
    const name = nameOf(key)
    const breaks = (this.#breaks.get(name) ?? 0) + 1
    this.#breaks.set(name, breaks)
    if (breaks < BREAKS) return false
    this.#names.add(name)
    return true
  }

  /** It is none any more. */
  triedAlone(key: ReceiptKey): void {
    this.#names.delete(nameOf(key))
  }

  clear(): void {
    this.#names.clear()
  }
}

/** The same in each session of a run; without a unique-id its size must do. */
function nameOf({ uniqueId, occurrence, octets }: ReceiptKey): string {
  return JSON.stringify([uniqueId, occurrence, octets])
}
