import { describe, expect, it } from 'vitest'
import { CHECKS, isTime } from '../../src/archive/catalog-checks.ts'
import type { ArchiveLocation } from '../../src/archive/location.ts'
import { openReader } from '../../src/archive/reader.ts'
import { CATALOG_SQL, CONTENT_SQL } from '../../src/archive/schema.ts'
import { type Finding, isDamage, verifyArchive, verifySample } from '../../src/archive/verify.ts'
import { maildropOf, repair, retrieved, syncWith, tally, verify } from './repair-cases.ts'
import { useArchive } from './sample-archive.ts'
import { query, temporaryLocation } from './temp-archive.ts'

function damageIn(
  location: ArchiveLocation,
  findingsOf: (reader: ReturnType<typeof openReader>) => Iterable<Finding>,
): string[] {
  const reader = openReader(location)
  try {
    return [...findingsOf(reader)]
      .filter(isDamage)
      .map((f) => ('text' in f ? String(f.text) : f.kind))
  } finally {
    reader.close()
  }
}

/** As damage would: past what the schema says. */
function change(location: ArchiveLocation, sql: string): void {
  useArchive(location, ({ database }) => {
    database.exec('PRAGMA ignore_check_constraints = ON')
    database.exec(sql)
  })
}

it('has each CHECK of the schema', () => {
  const schema = CATALOG_SQL + CONTENT_SQL
  for (const [, check] of CHECKS) expect(schema).toContain(`CHECK (${check})`)
  expect(schema.split('CHECK (').length - 1).toBe(CHECKS.length)
})

it.each([
  ['2026-11-23T21:18:00.000Z', true],
  ['2026-11-23T21:18:00,000Z', false],
  ['2026-02-30T21:18:00.000Z', false],
  ['2026-11-23T21:18:00Z', false],
  [null, false],
])('takes %j for a time: %s', (value, expected) => {
  expect(isTime(value)).toBe(expected)
})

describe.each(['sqlite', 'maildir'] as const)('in a %s archive', (kind) => {
  it.each([
    ["state = 'storee'", 'state IN'],
    ["bound_by = 'dagest'", 'bound_by IN'],
    ["state = 'quarantinee', message = NULL", 'state IN'],
    ["state = 'stored', message = NULL", 'message IS NULL'],
    ["bound_at = replace(bound_at, '.', ',')", 'bound_at IS'],
    ["bound_at = replace(bound_at, 'T', ',')", 'bound_at IS'],
    ["bound_at = '2026-02-30T00:00:00.000Z'", 'bound_at IS'],
  ])('a receipt with %s is named, dropped by a repair, and bound anew', async (set, rule) => {
    const location = temporaryLocation(kind)
    const maildrop = maildropOf(4)
    await syncWith(maildrop, location)
    expect(damageIn(location, verifyArchive)).toEqual([])
    change(location, `UPDATE receipt SET ${set} WHERE unique_id = 'u2'`)
    const [{ id } = {}] = query(location, "SELECT id FROM receipt WHERE unique_id = 'u2'")
    const named = expect.stringMatching(`^row ${id} of receipt breaks a rule: .*${rule}`)
    expect(damageIn(location, verifyArchive)).toContainEqual(named)
    expect(damageIn(location, (reader) => verifySample(reader, 0.5).findings)).toContainEqual(named)

    expect(tally(repair(location))).toMatchObject({ lost: 1 })
    expect(damageIn(location, verifyArchive)).toEqual([])
    await syncWith(maildrop, location)
    expect(retrieved(maildrop)).toEqual(['RETR 3'])
    expect(verify(location)).toEqual({ ok: 4 })
  })
})

it('names a content row that has its octets twice or not at all', async () => {
  const location = temporaryLocation('sqlite')
  await syncWith(maildropOf(3), location)
  change(location, 'UPDATE content SET octets = NULL WHERE message = 1')
  const named = expect.stringMatching(/^row 1 of content breaks a rule/)
  expect(damageIn(location, verifyArchive)).toContainEqual(named)
})
