import { describe, expect, it } from 'vitest'
import type { ArchiveStatus, RunSummary } from '../../src/archive/reader-status.ts'
import { statusText } from '../../src/cli/status-lines.ts'

function lastLine(lastRun: Partial<RunSummary>): string {
  const status: ArchiveStatus = {
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
        lastRun: {
          startedAt: '2026-11-23T05:25:00Z',
          endedAt: undefined,
          outcome: 'done',
          listed: 3,
          retrieved: 0,
          stored: 0,
          octets: 0,
          deleted: 0,
          failed: 0,
          ...lastRun,
        },
      },
    ],
  }
  const text = statusText({ kind: 'sqlite', path: '/mail.sqlite' }, status)
  return (
    text
      .trimEnd()
      .split('\n')
      .at(-1)
      ?.replace(/\d{4}-\S+ \S+:\d\d/, 'DATE') ?? ''
  )
}

describe('statusText', () => {
  it.each([
    ['done', '0 new messages of 3 listed'],
    [
      'LOGIN_REFUSED',
      '0 new messages of 3 listed; login refused, or it needs its owner. ' +
        'Check user (the whole address, or what stands before the @) and password; many providers want an app password.',
    ],
    ['INTERRUPTED', '0 new messages of 3 listed; interrupted; what was stored stays.'],
  ])('says what %s means', (outcome, words) => {
    expect(lastLine({ outcome })).toBe(`    me at pop.example.com; last sync DATE: ${words}`)
  })

  it('does not pretend to know what became of a run without an end', () => {
    expect(lastLine({ outcome: undefined })).toMatch(
      /last sync DATE did not end: still running, killed, or the disk failed$/,
    )
  })
})
