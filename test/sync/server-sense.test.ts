import { describe, expect, it } from 'vitest'
import { UnsureDeletionError } from '../../src/pop3/errors.ts'
import {
  enforcedDelay,
  mayPipeline,
  pipeliningFailed,
  showsParts,
  windowAfter,
} from '../../src/sync/server-sense.ts'
import { failure } from '../support/moody-maildrop.ts'

const names = (from: number, to: number): ReadonlySet<string> =>
  new Set(Array.from({ length: to - from }, (_, index) => `u${from + index}`))

describe('what two listings of one run say', () => {
  it.each<[string, ReadonlySet<string>, ReadonlySet<string>, boolean | undefined]>([
    ['others instead: parts', names(0, 250), names(250, 500), true],
    ['a few: parts, the last', names(0, 250), names(250, 253), true],
    ['nothing any more: nothing', names(0, 250), new Set(), undefined],
    ['the same: no parts', names(0, 250), names(0, 250), false],
    ['the same and new mail: no parts', names(0, 250), names(0, 251), false],
    [
      'one less, as another program deletes, and new mail: nothing',
      names(0, 9),
      names(1, 10),
      undefined,
    ],
    ['nothing before: nothing', new Set(), names(0, 3), undefined],
  ])('%s', (_title, former, present, expected) => {
    expect(showsParts(former, present)).toBe(expected)
  })
})

describe('the window after a session that broke', () => {
  it.each([
    ['half, where it was proven in step', 100, { retrieved: 80, isProven: true }, 50],
    ['within what came, where it was not', 100, { retrieved: 10, isProven: false }, 5],
    ['one, where nothing came', 100, { retrieved: 0, isProven: false }, 1],
    ['never none', 1, { retrieved: 3, isProven: true }, 1],
  ])('%s', (_title, window, session, expected) => {
    expect(windowAfter(window, { listed: 200, ...session })).toBe(expected)
  })
})

describe('whether the announcement of PIPELINING was not true', () => {
  const unproven = { listed: 20, retrieved: 0, isProven: false }
  it.each([
    ['out of step, whatever was proven', 'POP3_OUT_OF_STEP', { isProven: true }, true],
    ['silent before any proof', 'NET_TIMEOUT', {}, true],
    ['silent in the listings', 'NET_TIMEOUT', { listed: 0 }, true],
    ['silent behind a proof: the network', 'NET_TIMEOUT', { isProven: true }, false],
    ['closed at the first of several', 'NET_CLOSED', {}, true],
    ['closed later', 'NET_CLOSED', { retrieved: 2 }, false],
    ['one message: nothing was pipelined', 'NET_TIMEOUT', { listed: 1 }, false],
    ['another trouble', 'POP3_TEMPORARY', {}, false],
  ])('%s', (_title, code, session, expected) => {
    expect(pipeliningFailed(failure(code), { ...unproven, ...session })).toBe(expected)
  })

  it('is not asked of a maildrop that changed while messages were deleted', () => {
    expect(pipeliningFailed(new UnsureDeletionError('changed', {}), unproven)).toBe(false)
  })
})

describe('a refused login', () => {
  const now = Date.parse('2026-03-01T03:00:00Z')
  const at = (seconds: number) => new Date(now - seconds * 1000).toISOString()
  it.each([
    ['counts from the last one', 100, at(100), 300],
    ['begins anew once that was waited for, and waits twice as long', 400, at(0), 600],
    ['begins anew where the last one is to come, and waits no longer', -1e9, at(0), 300],
  ])('%s', (_, seconds, lastLoginAt, loginDelaySeconds) => {
    const facts = { loginDelaySeconds: 300, lastLoginAt: at(seconds) }
    expect(enforcedDelay(facts, { serverText: undefined, now })).toEqual({
      loginDelaySeconds,
      lastLoginAt,
    })
  })
})

it('a pipeline that failed by a clock that was ahead is tried again', () => {
  const now = Date.parse('2026-03-01T03:00:00Z')
  const failed = (text: string) => ({ pipeliningFailedAt: text })
  expect(mayPipeline(failed('2076-03-01T03:00:00Z'), now)).toBe(true)
  expect(mayPipeline(failed('2026-02-20T03:00:00Z'), now)).toBe(false)
  expect(mayPipeline(failed('2026-01-20T03:00:00Z'), now)).toBe(true)
})
