import { describe, expect, it } from 'vitest'
import { walkRows } from '../../src/archive/row-walk.ts'
import type { Row, Statement } from '../../src/sqlite/database.ts'

/** A table of these ids, of which some cannot be read; a page that holds one of those cannot be read as a whole. */
function table(ids: readonly number[], isUnreadable: (id: number) => boolean): Statement {
  const all = (after = 0, limit = 0): Row[] => {
    const start = ids.findIndex((id) => id > Number(after))
    const page = start === -1 ? [] : ids.slice(start, start + Number(limit))
    if (page.some(isUnreadable)) throw new Error('damaged')
    return page.map((id) => ({ id }))
  }
  return {
    all: (after, limit) => all(Number(after), Number(limit)),
    get: () => undefined,
    run: () => ({ changes: 0, lastRowId: 0 }),
    iterate: () => [].values(),
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

function walk(statement: Statement) {
  const found = [...walkRows(statement)]
  return {
    ids: found.flatMap((walked) => (walked.type === 'row' ? Number(walked.row.id) : [])),
    gaps: found.flatMap((walked) => (walked.type === 'gap' ? walked.after : [])),
  }
}

describe('a walk through a table', () => {
  it.each([[0], [1], [100], [250]])('of %i rows yields each', (count) => {
    expect(walk(table(upTo(count), () => false))).toEqual({ ids: upTo(count), gaps: [] })
  })

  it.each([
    [1, 1],
    [100, 131],
    [101, 103],
    [57, 999],
    [990, 1000],
  ])('goes on right behind rows %i to %i, which cannot be read', (first, last) => {
    const isUnreadable = (id: number) => id >= first && id <= last
    const expected = upTo(1000).filter((id) => !isUnreadable(id))
    expect(walk(table(upTo(1000), isUnreadable))).toEqual({ ids: expected, gaps: [first - 1] })
  })

  it('ends where a page gives the same ids again', () => {
    const page = { ...table([], () => false), all: () => [{ id: 7 }, { id: 3 }] }
    expect(walk(page).gaps.length).toBeLessThan(5)
  })
})
