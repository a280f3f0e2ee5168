/** Walks a table by row id, a page at a time, and goes on behind what SQLite cannot read. */
import type { Row, Statement } from '../sqlite/database.ts'

/** A row, or a gap: rows with ids above `after` that cannot be read, for `error`. */
export type Walked =
  | { readonly type: 'row'; readonly row: Row }
  | { readonly type: 'gap'; readonly after: number; readonly error: unknown }

const PAGE_ROWS = 100

/** Behind a gap, readable rows are looked for this far. */
const FARTHEST = 2 ** 40

/**
 * Yields the rows that `page` gives: a statement with the parameters (after, limit), whose rows have an `id` and come in
 * its order. No read transaction is held between pages. Ends also where a damaged page gives ids out of order.
 */
export function* walkRows(page: Statement, pageRows = PAGE_ROWS): Iterable<Walked> {
  for (let last = 0; ; ) {
    const found = readPage(page, last, pageRows)
    if (Array.isArray(found)) {
      if (found.length === 0) return
      for (const row of found) yield { type: 'row', row }
      const next = Number(found.at(-1)?.id)
      if (next > last) {
        last = next
        continue
      }
      yield { type: 'gap', after: last, error: new RangeError('row ids are out of order') }
    } else {
      yield { type: 'gap', after: last, error: found.error }
    }
    const next = behindGap(page, last)
    if (next === undefined) return
    last = next
  }
}

/** A page, or one row where a page cannot be read, or why that cannot be read either. */
function readPage(
  page: Statement,
  last: number,
  rows: number,
): Row[] | { readonly error: unknown } {
  try {
    return page.all(last, rows)
  } catch {
    // A page may be unreadable for its last row only: the rows before it are wanted.
  }
  try {
    return page.all(last, 1)
  } catch (error) {
    return { error }
  }
}

/** The id above which rows can be read again: found by doubling steps, then halved back to the first. */
function behindGap(page: Statement, last: number): number | undefined {
  let step = 1
  while (!isReadable(page, last + step)) {
    step *= 2
    if (step > FARTHEST) return undefined
  }
  let unreadable = last + Math.floor(step / 2)
  let readable = last + step
  while (readable - unreadable > 1) {
    const middle = Math.floor((readable + unreadable) / 2)
    if (isReadable(page, middle)) readable = middle
    else unreadable = middle
  }
  return readable
}

/** Whether the next row above this id can be read, or there is none. */
function isReadable(page: Statement, after: number): boolean {
  try {
    return page.all(after, 1).every(({ id }) => Number(id) > after)
  } catch {
    return false
  }
}
