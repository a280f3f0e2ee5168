import { describe, expect, it } from 'vitest'
import type { AccountStatus, ArchiveStatus, RunSummary } from '../../src/archive/reader-status.ts'
import { statusJson, statusText } from '../../src/cli/status-lines.ts'

const HOUR = 3600_000
const NOW = Date.parse('2026-11-23T05:25:00Z')

/** A run that began so many hours ago. */
function runAgo(hours: number, facts: Partial<RunSummary> = {}): RunSummary {
  return {
    startedAt: new Date(NOW - hours * HOUR).toISOString(),
    endedAt: new Date(NOW - hours * HOUR + 1000).toISOString(),
    outcome: 'done',
    listed: 3,
    retrieved: 0,
    stored: 0,
    octets: 0,
    deleted: 0,
    failed: 0,
    ...facts,
  }
}

const noRuns = {
  lastRun: undefined,
  lastGoodRun: undefined,
  lastFailedRun: undefined,
  failingSince: undefined,
  failedRuns: 0,
}

function archiveWith(account: Partial<AccountStatus>): ArchiveStatus {
  return {
    kind: 'sqlite',
    createdAt: '2026-11-23T05:25:00Z',
    messages: 1,
    octets: 10,
    removed: 0,
    wanted: 0,
    short: 0,
    accounts: [
      {
        name: 'work',
        user: 'me',
        host: 'pop.example.com',
        messages: 1,
        octets: 10,
        states: { stored: 1, removed: 0, 'delete sent': 0, deleted: 0, quarantined: 0 },
        quarantined: [],
        ...noRuns,
        ...account,
      },
    ],
  }
}

const place = { kind: 'sqlite', path: '/mail.sqlite' } as const

/** What is said of its runs, with DATE for each time of day. */
function linesOf(runs: Partial<AccountStatus>): readonly string[] {
  const lines = statusText(place, archiveWith(runs), NOW).trimEnd().split('\n')
  const own = lines.slice(lines.indexOf('    me at pop.example.com') + 1)
  return own.map((line) => line.trim().replace(/\d{4}-\S+ \d\d:\d\d/g, 'DATE'))
}

const bad = (hours: number, outcome: string) => runAgo(hours, { outcome, listed: 0 })

describe('statusText', () => {
  it.each([
    [0, 'just now'],
    [1 / 60, '1 minute ago'],
    [23.9, '23 hours ago'],
    [72, '3 days ago'],
  ])('says of a good sync %d hours ago when it was: %s', (hours, ago) => {
    const run = runAgo(hours, { stored: 2 })
    expect(linesOf({ lastRun: run, lastGoodRun: run })).toEqual([
      `last good sync: DATE, ${ago}: 2 new messages of 3 listed`,
    ])
  })

  it('says nothing of how long ago behind a clock that was set back', () => {
    const run = runAgo(-5)
    expect(linesOf({ lastRun: run, lastGoodRun: run })).toEqual([
      'last good sync: DATE: 0 new messages of 3 listed',
    ])
  })

  it('tells a sync that failed from one without news, and names the last good one', () => {
    const last = bad(2, 'NET_DNS')
    expect(
      linesOf({
        lastRun: last,
        lastGoodRun: runAgo(74),
        lastFailedRun: last,
        failingSince: last.startedAt,
        failedRuns: 1,
      }),
    ).toEqual([
      'last good sync: DATE, 3 days ago: 0 new messages of 3 listed',
      'failed: DATE, 2 hours ago: the server cannot be reached. Check the host name and the network.',
    ])
  })

  it('says since when all failed, and of how many syncs', () => {
    const last = runAgo(2, { outcome: 'NET_CLOSED', stored: 1, listed: 9 })
    expect(
      linesOf({
        lastRun: last,
        lastFailedRun: last,
        failingSince: runAgo(50).startedAt,
        failedRuns: 3,
      }),
    ).toEqual([
      'no good sync yet',
      'failing since DATE, 3 syncs; the last: DATE, 2 hours ago: 1 new message of 9 listed; ' +
        'the server cannot be reached. What was stored stays; the next run goes on from there.',
    ])
  })

  it('forgets what failed before the last good one', () => {
    const good = runAgo(2)
    expect(
      linesOf({ lastRun: good, lastGoodRun: good, lastFailedRun: bad(9, 'NET_DNS') }),
    ).toHaveLength(1)
  })

  it.each([
    ['INTERRUPTED', '0 new messages of 3 listed; interrupted; what was stored stays.'],
    [
      'DEADLINE',
      '0 new messages of 3 listed; its deadline ended it. The next run goes on from there.',
    ],
    [undefined, 'did not end: still running, killed, or the disk failed'],
  ])('says of a later one with the outcome %s how it ended', (outcome, words) => {
    const lines = linesOf({ lastRun: runAgo(1, { outcome }), lastGoodRun: runAgo(25) })
    expect(lines).toEqual([
      'last good sync: DATE, 1 day ago: 0 new messages of 3 listed',
      `last sync: DATE, 1 hour ago: ${words}`,
    ])
  })

  it('says that an account was never synced', () => {
    expect(linesOf({})).toEqual(['never synced'])
  })
})

describe('statusJson', () => {
  const accountOf = (account: Partial<AccountStatus>) =>
    JSON.parse(statusJson(place, archiveWith(account))).accounts[0]

  it('has every key each time', () => {
    const run = runAgo(1)
    const [empty, full] = [
      accountOf({}),
      accountOf({
        lastRun: run,
        lastGoodRun: run,
        lastFailedRun: bad(9, 'NET_DNS'),
        failingSince: run.startedAt,
        failedRuns: 2,
      }),
    ]
    expect(Object.keys(empty)).toEqual(Object.keys(full))
    expect(empty).toMatchObject({
      lastRun: null,
      lastGoodRun: null,
      lastFailedRun: null,
      failingSince: null,
      failedRuns: 0,
    })
    expect(full.lastFailedRun).toMatchObject({
      startedAt: bad(9, '').startedAt,
      outcome: 'NET_DNS',
      exit: 69,
      message: 'the server cannot be reached. Check the host name and the network.',
    })
    expect(accountOf({ lastRun: runAgo(1, { outcome: undefined, endedAt: undefined }) }).lastRun)
      // A run under way has the keys of one that ended.
      .toMatchObject({ outcome: null, endedAt: null, listed: 3 })
  })

  it('has no keys with blanks', () => {
    const blanks = /"[^"]* [^"]*":/
    expect(statusJson(place, archiveWith({}))).not.toMatch(blanks)
    expect(accountOf({}).states).toEqual({
      ...{ stored: 1, removed: 0, deleted: 0, quarantined: 0 },
      deleteSent: 0,
    })
  })
})
