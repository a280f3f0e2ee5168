/** Ids of a page. */
const PAGE_IDS = 1024

/**
 * Ids of rows, in a bit each. A run claims those of all its messages, which come one behind the other: of 100,000 a Set would
 * take some megabytes.
 */
export class IdSet {
  readonly #pages = new Map<number, Uint8Array>()

  has(id: number): boolean {
    const page = this.#pages.get(Math.floor(id / PAGE_IDS))
    return page !== undefined && ((page[octetOf(id)] ?? 0) & bitOf(id)) !== 0
  }

  add(id: number): void {
    const number = Math.floor(id / PAGE_IDS)
    let page = this.#pages.get(number)
    if (page === undefined) {
      page = new Uint8Array(PAGE_IDS / 8)
      this.#pages.set(number, page)
    }
    page[octetOf(id)] = (page[octetOf(id)] ?? 0) | bitOf(id)
  }

  delete(id: number): void {
    const page = this.#pages.get(Math.floor(id / PAGE_IDS))
    if (page) page[octetOf(id)] = (page[octetOf(id)] ?? 0) & ~bitOf(id)
  }
}

function octetOf(id: number): number {
  return (id % PAGE_IDS) >> 3
}

function bitOf(id: number): number {
  return 1 << (id % 8)
}
