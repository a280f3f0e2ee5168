/** What a run tries again, what it does not, and what a broken session teaches. No test waits. */
import { describe, expect, it } from 'vitest'
import { failure } from '../support/moody-maildrop.ts'
import { MINUTE, many, Rig, SECOND } from '../support/sessions-rig.ts'
import { DELETE_ALL } from '../support/sync-once.ts'

const closed = () => failure('NET_CLOSED')
const HOUR = 60 * MINUTE

describe('a session that breaks', () => {
  it('is followed by another one, which goes on where it broke, with half the window', async () => {
    const rig = new Rig(many(20), {
      breaksAt: (uniqueId, session) => (session === 1 && uniqueId === 'u12' ? closed() : undefined),
    })
    const { error, counts } = await rig.run()
    expect(error).toBeUndefined()
    expect(rig.time.waits).toEqual([SECOND])
    expect(rig.of('waiting')).toMatchObject([{ reason: 'retry', cause: 'a trouble: NET_CLOSED' }])
    // Those that came before it broke come again, and count once.
    expect(counts).toMatchObject({ listed: 20, retrieved: 20, stored: 20 })
    expect(rig.archive.contents()).toHaveLength(20)
    // No STAT proved it in step: the next session proves itself within what this one achieved.
    expect(rig.maildrop.openings).toEqual([
      { pipelining: true, window: undefined },
      { pipelining: true, window: 6 },
    ])
    expect(rig.archive.outcomes).toEqual(['done'])
  })

  it('is not followed by another where the run has no patience', async () => {
    const rig = new Rig(many(3), {
      breaksAt: (uniqueId) => (uniqueId === 'u2' ? closed() : undefined),
    })
    const { error, counts, postponed } = await rig.run({ patience: 'none' })
    expect(error).toMatchObject({ code: 'NET_CLOSED' })
    expect([counts.stored, postponed]).toEqual([2, 1])
    expect(rig.sessions).toBe(1)
  })

  it('ends the run where three in a row brought nothing on', async () => {
    // At another message each time; what came before it is taken back, for want of a proof.
    const rig = new Rig(many(20), {
      breaksAt: (uniqueId, session) => (uniqueId === `u${10 - session}` ? closed() : undefined),
    })
    const { error } = await rig.run()
    expect(error).toMatchObject({ code: 'NET_CLOSED' })
    expect(rig.time.waits).toEqual([SECOND, 5 * SECOND])
  })

  it('is tried for as long as the deadline leaves time', async () => {
    const rig = new Rig(many(1), { openings: Array.from({ length: 50 }, () => closed()) })
    const deadline = rig.time.now + 20 * MINUTE
    const { error } = await rig.run({ patience: { deadline } })
    expect(error).toMatchObject({ code: 'NET_CLOSED' })
    expect(rig.time.waits.slice(0, 5)).toEqual([1, 5, 30, 120, 120].map((s) => s * SECOND))
    expect(rig.time.now).toBeGreaterThan(deadline - 2 * MINUTE - 1)
    expect(rig.time.now).toBeLessThanOrEqual(deadline)
  })
})

describe('a first session that does not open', () => {
  it.each([
    'NET_REFUSED',
    'NET_TIMEOUT',
    'POP3_GREETING_REFUSED',
    'LOGIN_IN_USE',
    'LOGIN_TEMPORARY',
  ])('is left to the next run without a deadline: %s', async (code) => {
    const rig = new Rig(many(1), { openings: [failure(code)] })
    expect((await rig.run()).error).toMatchObject({ code })
    expect(rig.time.waits).toEqual([])
  })

  it('is tried at growing intervals with one, longer where the maildrop is in use', async () => {
    const openings = Array.from({ length: 7 }, () => failure('LOGIN_IN_USE'))
    const rig = new Rig(many(1), { openings })
    const { error } = await rig.run({ patience: { deadline: rig.time.now + HOUR } })
    expect(error).toBeUndefined()
    const minutes = [1 / 12, 1 / 4, 1, 2, 4, 8, 15]
    expect(rig.time.waits).toEqual(minutes.map((minute) => minute * MINUTE))
    expect(new Set(rig.of('waiting').map(({ reason }) => reason))).toEqual(new Set(['in use']))
  })

  it.each([
    'LOGIN_REFUSED',
    'LOGIN_PERMANENT',
    'NET_TLS',
    'NET_POLICY',
    'OAUTH_NEEDS_OWNER',
    'POP3_NOT_POP3',
  ])('is never tried again where only a person can help: %s', async (code) => {
    const rig = new Rig(many(1), { openings: [failure(code)] })
    const { error } = await rig.run({ patience: { deadline: rig.time.now + HOUR } })
    expect(error).toMatchObject({ code })
    expect(rig.maildrop.openings).toHaveLength(1)
  })
})

describe('out of step', () => {
  const outOfStep = () => failure('POP3_OUT_OF_STEP')

  it('is tried once more, one command at a time', async () => {
    const rig = new Rig(many(9), {
      breaksAt: (uniqueId, session) =>
        session === 1 && uniqueId === 'u5' ? outOfStep() : undefined,
    })
    const { error } = await rig.run()
    expect(error).toBeUndefined()
    expect(rig.maildrop.openings.map(({ pipelining }) => pipelining)).toEqual([true, false])
    expect(rig.facts.pipeliningFailedAt).toBeDefined()
    expect(rig.archive.contents()).toHaveLength(9)
  })

  it('ends the run where one command at a time is no help', async () => {
    const rig = new Rig(many(9), { pipelined: false, breaksAt: () => outOfStep() })
    expect((await rig.run()).error).toMatchObject({ code: 'POP3_OUT_OF_STEP' })
    expect(rig.sessions).toBe(1)
  })
})

describe('a message at which every session breaks', () => {
  const poison = (uniqueId: string | undefined) =>
    uniqueId === 'u4' ? failure('NET_TIMEOUT', undefined) : undefined

  it('does not keep the others: after three breaks it is tried alone and last, then reported', async () => {
    const rig = new Rig(many(10), { breaksAt: poison, pipelined: false })
    const { error, counts, refusals } = await rig.run()
    expect(error).toBeUndefined()
    expect(counts).toMatchObject({ stored: 9, failed: 1 })
    expect(refusals).toMatchObject([{ messageNumber: 5, key: { uniqueId: 'u4' } }])
    expect(rig.sessions).toBe(5)
    expect(rig.archive.contents()).toHaveLength(9)
    expect(rig.maildrop.openings.at(-1)?.pipelining).toBe(false)
    const [receipt] = rig.archive.accounts[0]?.receipts.filter((r) => r.uniqueId === 'u4') ?? []
    expect(receipt?.state).toBe('quarantined')
  })

  it('is stored with the others if it comes when it is alone', async () => {
    const rig = new Rig(many(10), {
      pipelined: false,
      breaksAt: (uniqueId, session) => (session <= 3 ? poison(uniqueId) : undefined),
    })
    const { error, counts } = await rig.run()
    expect(error).toBeUndefined()
    expect(counts).toMatchObject({ stored: 10, failed: 0 })
    expect(rig.sessions).toBe(5)
  })

  it('does not keep what is stored from being deleted', async () => {
    const rig = new Rig(many(10), { breaksAt: poison, pipelined: false })
    const { counts } = await rig.run({ policy: DELETE_ALL })
    expect(counts).toMatchObject({ stored: 9, deleted: 9, failed: 1 })
    expect(rig.maildrop.inner.messages).toHaveLength(1)
  })

  it('may be several', async () => {
    const rig = new Rig(many(10), {
      pipelined: false,
      breaksAt: (uniqueId) => (uniqueId === 'u2' || uniqueId === 'u7' ? closed() : undefined),
    })
    const { error, counts } = await rig.run()
    expect(error).toBeUndefined()
    expect(counts).toMatchObject({ stored: 8, failed: 2 })
  })

  it('is one of ten at most: then it is the server, and the next run looks at others', async () => {
    const rig = new Rig(many(15), { pipelined: false, breaksAt: () => closed() })
    const { error, counts } = await rig.run()
    expect(error).toMatchObject({ code: 'NET_CLOSED' })
    expect(counts).toMatchObject({ stored: 0, failed: 10 })
    expect(rig.sessions).toBe(10 * 3 + 10)
    rig.maildrop.moods = {
      pipelined: false,
      breaksAt: (uniqueId) => (Number(uniqueId?.slice(1)) < 10 ? closed() : undefined),
    }
    await rig.run()
    expect(rig.archive.contents()).toHaveLength(5)
  })
})

it('takes a wait that is interrupted for the interruption', async () => {
  const controller = new AbortController()
  const reason = Object.assign(new Error('interrupted'), { code: 'INTERRUPTED' })
  const rig = new Rig(many(3), { breaksAt: () => closed() })
  const { error } = await rig.run({
    signal: controller.signal,
    patience: {
      wait: async (_ms, signal) => {
        controller.abort(reason)
        throw signal.reason
      },
    },
  })
  expect(error).toBe(reason)
  expect(rig.sessions).toBe(1)
})

it('counts a refused message once, though the session broke at the next one that is tried again', async () => {
  const rig = new Rig(many(3))
  rig.maildrop.inner.options = { refuses: new Set([1, 2]) }
  await rig.run()
  rig.time.now += 24 * HOUR
  rig.maildrop.inner.options = { refuses: new Set([1]) }
  const second = rig.sessions + 1
  const breaksAt = (name: string | undefined, session: number) =>
    name === 'u1' && session === second ? closed() : undefined
  rig.maildrop.moods = { breaksAt }
  const { error, counts } = await rig.run()
  expect([error, counts.failed, counts.stored]).toEqual([undefined, 1, 1])
  expect(rig.sent('RETR 1')).toHaveLength(1)
})
