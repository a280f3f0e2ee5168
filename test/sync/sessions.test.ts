/** Several sessions in one run: parts, pauses, retries, deadline. No test waits: the clock is moved on. */
import { describe, expect, it } from 'vitest'
import type { Policy } from '../../src/sync/policy.ts'
import { failure } from '../support/moody-maildrop.ts'
import { MINUTE, many, Rig, SECOND } from '../support/sessions-rig.ts'
import { DELETE_ALL, mail } from '../support/sync-once.ts'

const GMAIL = ['TOP', 'UIDL', 'PIPELINING', 'X-GOOGLE-RICO', 'EXPIRE 0', 'LOGIN-DELAY 300']

describe('a server that shows parts', () => {
  const settings = { provider: { showsParts: true, keepsBySetting: true } }

  it('is asked again while a session stored something, after its pause, and ended by QUIT each time', async () => {
    const rig = new Rig(many(25), { partOf: 10, capabilities: GMAIL })
    const { error, counts, known } = await rig.run({ policy: settings })
    expect(error).toBeUndefined()
    expect(counts).toMatchObject({ listed: 25, retrieved: 25, stored: 25 })
    expect(known).toBe(0)
    // 10, 10, 5, and one that shows that there is no more.
    expect(rig.maildrop.ends).toEqual(['QUIT', 'QUIT', 'QUIT', 'QUIT'])
    const [first = 0, ...others] = rig.maildrop.logins
    let last = first
    for (const login of others) {
      expect(login - last).toBeGreaterThanOrEqual(300 * SECOND)
      expect(login - last).toBeLessThan(302 * SECOND)
      last = login
    }
    expect(rig.of('waiting').map(({ reason }) => reason)).toEqual(['pause', 'pause', 'pause'])
    expect(rig.facts.showsParts).toBe(true)
    // Receipts of messages that left the listing stay.
    expect(rig.archive.accounts[0]?.receipts.every(({ state }) => state === 'stored')).toBe(true)
    expect(rig.sent('TOP')).toEqual([])
  })

  it('has ended the session, and all of it is durable, before the pause begins', async () => {
    const rig = new Rig(many(25), { partOf: 10, capabilities: GMAIL })
    const { wait } = rig.time.patience()
    const seen: unknown[] = []
    await rig.run({
      policy: settings,
      patience: {
        wait: async (ms, signal) => {
          seen.push([rig.archive.contents().length, rig.maildrop.ends.length])
          await wait(ms, signal)
        },
      },
    })
    expect(seen).toEqual([
      [10, 1],
      [20, 2],
      [25, 3],
    ])
  })

  it('is asked once where nothing was stored', async () => {
    const rig = new Rig([], { partOf: 10, capabilities: GMAIL })
    await rig.run({ policy: settings })
    expect(rig.sessions).toBe(1)
    expect(rig.time.waits).toEqual([])
  })

  it('ends at the deadline with more to come, and the next run goes on', async () => {
    const rig = new Rig(many(25), { partOf: 10, capabilities: GMAIL })
    const deadline = rig.time.now + 6 * MINUTE
    const { error, counts } = await rig.run({ policy: settings, patience: { deadline } })
    expect(error).toMatchObject({ code: 'DEADLINE' })
    expect(counts.stored).toBe(20)
    // It did not wait for a session that could not begin.
    expect(rig.time.now).toBeLessThan(deadline)
    rig.time.now += 10 * MINUTE
    const next = await rig.run({ policy: settings })
    expect(next.error).toBeUndefined()
    expect(rig.archive.contents()).toHaveLength(25)
  })

  it.each([
    ['by its name', { ...settings }, ['TOP', 'UIDL']],
    ['by what it announces', {}, ['TOP', 'UIDL', 'X-GOOGLE-RICO']],
  ])(
    'is known %s: another part in the next run is not renumbered mail',
    async (_title, policy, capabilities) => {
      const rig = new Rig(many(40), { partOf: 15, capabilities })
      await rig.run({ policy, patience: 'none' })
      await rig.run({ policy, patience: 'none' })
      expect(rig.archive.contents()).toHaveLength(30)
      expect(rig.sent('TOP')).toEqual([])
      expect(rig.facts.renumberedAt).toBeUndefined()
    },
  )

  it('gets no session behind the deadline, the first of an account neither', async () => {
    const rig = new Rig(many(3), { capabilities: GMAIL })
    const { error } = await rig.run({ policy: settings, patience: { deadline: rig.time.now } })
    expect(error).toMatchObject({ code: 'DEADLINE' })
    expect(rig.maildrop.openings).toEqual([])
  })

  it('stops at the limits of the run, through all sessions', async () => {
    const rig = new Rig(many(25), { partOf: 10, capabilities: GMAIL })
    const { error, counts, postponed } = await rig.run({ policy: { ...settings, maxMessages: 12 } })
    expect(error).toBeUndefined()
    expect(counts.stored).toBe(12)
    expect(postponed).toBe(8)
    expect(rig.sessions).toBe(2)
  })

  it('deletes part by part where that was asked for', async () => {
    const rig = new Rig(many(25), { partOf: 10, capabilities: GMAIL })
    const { counts } = await rig.run({ policy: { ...settings, ...DELETE_ALL } })
    expect(counts).toMatchObject({ stored: 25, deleted: 25 })
    expect(rig.sessions).toBe(4)
  })

  it('is found out by what it does: all that was listed last time is gone, without our doing', async () => {
    const rig = new Rig(many(35), { partOf: 15 })
    await rig.run()
    // Nothing gave it away yet.
    expect(rig.sessions).toBe(1)
    await rig.run()
    expect(rig.archive.contents()).toHaveLength(35)
    expect(rig.facts.showsParts).toBe(true)
  })

  it('is no longer one if it lists the same again', async () => {
    const rig = new Rig(many(5))
    await rig.run({ policy: settings })
    expect(rig.sessions).toBe(2)
    expect(rig.facts.showsParts).toBe(false)
    const second = await rig.run({ policy: settings })
    expect(second).toMatchObject({ known: 5, counts: { listed: 5 } })
    expect(rig.sessions).toBe(3)
  })

  it('is not suspected where another program empties the maildrop by and by', async () => {
    const rig = new Rig(many(12))
    await rig.run()
    rig.maildrop.inner.messages = rig.maildrop.inner.messages.slice(6)
    await rig.run()
    expect(rig.sessions).toBe(2)
  })
})

it('forgets nothing where STAT says 0 today and all is back tomorrow', async () => {
  const rig = new Rig(many(50))
  await rig.run()
  const all = rig.maildrop.inner.messages
  rig.maildrop.inner.messages = []
  const { error, counts } = await rig.run({ policy: DELETE_ALL })
  expect(error).toBeUndefined()
  expect(counts).toMatchObject({ listed: 0, deleted: 0 })
  rig.maildrop.inner.messages = all
  const back = await rig.run()
  expect(back).toMatchObject({ known: 50, counts: { retrieved: 0 } })
  expect(rig.sent('RETR')).toEqual([])
  expect(rig.archive.contents()).toHaveLength(50)
})

describe('the pause between two logins', () => {
  const delaying = ['TOP', 'UIDL', 'LOGIN-DELAY 300']
  const tooSoon = failure('LOGIN_DELAY', '-ERR [LOGIN-DELAY] minimum time between logins')

  it('refuses no first login where it is only announced', async () => {
    const rig = new Rig(many(3), { capabilities: delaying })
    await rig.run()
    rig.time.now += MINUTE
    const { error } = await rig.run()
    expect(error).toBeUndefined()
    expect(rig.time.waits).toEqual([])
  })

  it('is learned where it is enforced; then a login that comes too soon is not tried', async () => {
    const rig = new Rig(many(3), { capabilities: delaying, openings: [undefined, tooSoon] })
    await rig.run()
    const loggedInAt = rig.time.now
    rig.time.now += MINUTE
    expect((await rig.run()).error).toBe(tooSoon)
    expect(rig.facts).toMatchObject({
      loginDelaySeconds: 300,
      lastLoginAt: new Date(loggedInAt).toISOString(),
    })
    rig.time.now += MINUTE
    const { error } = await rig.run()
    expect(error).toMatchObject({ code: 'LOGIN_DELAY', until: loggedInAt + 5 * MINUTE })
    expect(rig.maildrop.openings).toHaveLength(2)
    rig.time.now = loggedInAt + 5 * MINUTE
    expect((await rig.run()).error).toBeUndefined()
    expect(rig.maildrop.openings).toHaveLength(3)
  })

  it('is not counted from a login by a clock that was ahead', async () => {
    const rig = new Rig(many(3), { capabilities: delaying, openings: [undefined, tooSoon] })
    await rig.run()
    await rig.run()
    const now = rig.time.now
    rig.time.now += 50 * 365 * 24 * 60 * MINUTE
    await rig.run()
    rig.time.now = now + MINUTE
    expect((await rig.run()).error).toBeUndefined()
    expect(rig.maildrop.openings).toHaveLength(4)
    expect(rig.facts).toMatchObject({
      loginDelaySeconds: 300,
      lastLoginAt: new Date(now + MINUTE).toISOString(),
    })
  })

  it.each([
    ['somebody looks on', { isWatched: true }],
    ['a deadline leaves time for it', { deadline: Date.parse('2026-03-01T04:00:00Z') }],
  ])('is waited for before the first login where %s', async (_title, patience) => {
    const rig = new Rig(many(3), { capabilities: delaying, openings: [undefined, tooSoon] })
    await rig.run()
    rig.time.now += MINUTE
    const { error } = await rig.run({ patience })
    expect(error).toBeUndefined()
    expect(rig.time.waits).toHaveLength(1)
    expect(rig.maildrop.openings).toHaveLength(3)
  })

  it('is not waited for where the deadline comes first', async () => {
    const rig = new Rig(many(3), { openings: [tooSoon] })
    const deadline = rig.time.now + 2 * MINUTE
    const { error } = await rig.run({ patience: { deadline } })
    expect(error).toMatchObject({ code: 'LOGIN_DELAY' })
    expect(rig.time.waits).toEqual([])
  })

  it.each([
    ['-ERR Login exceeds limit, try again in 12 minutes', 720],
    ['-ERR too frequent logins, wait 90 s', 90],
    ['-ERR [LOGIN-DELAY]', 300],
  ])('is read from %s', async (text, loginDelaySeconds) => {
    const rig = new Rig([], { openings: [failure('LOGIN_DELAY', text)] })
    await rig.run()
    expect(rig.facts.loginDelaySeconds).toBe(loginDelaySeconds)
  })

  it('grows where it was kept and was not enough', async () => {
    const rig = new Rig([], { openings: [tooSoon, tooSoon] })
    await rig.run()
    rig.time.now += 301 * SECOND
    await rig.run()
    expect(rig.facts.loginDelaySeconds).toBe(600)
  })

  it('does not hold a run for a day, whatever the server announces', async () => {
    const capabilities = ['X-GOOGLE-RICO', 'UIDL', 'LOGIN-DELAY 99999999']
    const rig = new Rig(many(3), { capabilities, partOf: 2 })
    const { error, counts } = await rig.run()
    expect(error).toMatchObject({ code: 'DEADLINE' })
    expect(counts.stored).toBe(2)
    expect(rig.time.waits).toEqual([])
  })
})

describe('EXPIRE 0', () => {
  const capabilities = ['TOP', 'UIDL', 'EXPIRE 0']

  it('is said once, and the session that heard it first ends without QUIT', async () => {
    const rig = new Rig(many(3), { capabilities })
    expect((await rig.run()).error).toBeUndefined()
    expect(rig.of('notice')).toMatchObject([{ code: 'EXPIRE', isWarning: true }])
    expect(rig.maildrop.ends).toEqual(['closed'])
    await rig.run()
    expect(rig.of('notice')).toEqual([])
    expect(rig.maildrop.ends).toEqual(['closed', 'QUIT'])
  })

  it('ends no session of the run that heard it first with QUIT, nor those behind one that broke', async () => {
    const breaksAt = (uniqueId: string | undefined, session: number) =>
      uniqueId === 'u1' && session === 1 ? failure('NET_CLOSED') : undefined
    const rig = new Rig(many(3), { capabilities, breaksAt })
    expect((await rig.run()).error).toBeUndefined()
    expect(rig.of('notice')).toMatchObject([{ code: 'EXPIRE' }])
    expect(rig.maildrop.ends).toEqual(['closed', 'closed'])
    await rig.run()
    expect(rig.maildrop.ends).toEqual(['closed', 'closed', 'QUIT'])
  })

  it.each<[string, Policy['delete'], number | undefined]>([
    ['only what is old', { afterMs: 0, olderMs: 730 * 24 * 60 * MINUTE }, undefined],
    ['all but the newest', { afterMs: 0 }, 100],
    ['what was archived long ago', { afterMs: 30 * 24 * 60 * MINUTE }, undefined],
  ])('is said where the owner has %s deleted', async (_title, due, keepLatest) => {
    const rig = new Rig(many(3), { capabilities })
    await rig.run({ policy: { delete: due, keepLatest } })
    expect(rig.of('notice')).toMatchObject([{ code: 'EXPIRE', isWarning: true }])
    expect(rig.maildrop.ends).toEqual(['closed'])
  })

  it.each([
    ['in the run that says so', {}],
    ['where the owner asked for no QUIT', { quit: false }],
  ])('has what is due deleted by a session that retrieved nothing: %s', async (_title, policy) => {
    const due = { delete: { afterMs: 30 * 24 * 60 * MINUTE }, ...policy }
    const rig = new Rig(many(3))
    rig.archive.now = rig.time.now
    await rig.run()
    rig.time.now += 31 * 24 * 60 * MINUTE
    rig.archive.now = rig.time.now
    rig.maildrop.moods = { capabilities }
    rig.maildrop.inner.messages.push(mail('new', 'new'))
    rig.maildrop.ends.length = 0
    const { error, counts, known } = await rig.run({ policy: due })
    expect(error).toBeUndefined()
    expect([counts.deleted, counts.stored, known]).toEqual([3, 1, 3])
    expect(rig.maildrop.ends).toEqual(['closed', 'QUIT'])
    expect(rig.sent('RETR')).toHaveLength(1)
    expect(rig.maildrop.inner.messages.map(({ uniqueId }) => uniqueId)).toEqual(['new'])
  })

  it('deletes nothing where one message is not proven: QUIT would take it too', async () => {
    const rig = new Rig(many(3), { capabilities })
    rig.archive.altered.add(2)
    const { error } = await rig.run({ policy: DELETE_ALL })
    expect(error).toMatchObject({ code: 'ARCHIVE_DAMAGED' })
    expect(rig.sent('DELE')).toEqual([])
    expect(rig.maildrop.ends).toEqual(['closed'])
    expect(rig.maildrop.inner.messages).toHaveLength(3)
  })

  it('nor where the owner asked for no QUIT of a server that announces nothing', async () => {
    const rig = new Rig(many(3))
    rig.archive.altered.add(2)
    const { error } = await rig.run({ policy: { ...DELETE_ALL, quit: false } })
    expect(error).toMatchObject({ code: 'ARCHIVE_DAMAGED' })
    expect(rig.sent('DELE')).toEqual([])
    expect(rig.maildrop.ends).toEqual(['closed'])
  })

  it('has one more session delete where a message came short, and was refused the second time', async () => {
    const { octets, uniqueId } = mail('short', 'short', 'line\r\n'.repeat(50))
    const handsOver = () => {
      rig.maildrop.inner.options = { refuses: new Set([31]) }
      return octets.subarray(0, 150)
    }
    const rig: Rig = new Rig([...many(30), { uniqueId, octets, handsOver }], { capabilities })
    const { counts } = await rig.run({ policy: { ...DELETE_ALL, quit: false } })
    expect(counts.deleted).toBe(30)
    expect(rig.maildrop.ends).toEqual(['closed', 'QUIT'])
    expect(rig.maildrop.inner.messages.map((one) => one.uniqueId)).toEqual(['short'])
  })

  it.each<[string, Partial<Policy>, string]>([
    ['the owner has it deleted anyway', DELETE_ALL, 'QUIT'],
    ['a web setting decides', { provider: { showsParts: false, keepsBySetting: true } }, 'QUIT'],
    ['sessions end without QUIT', { quit: false }, 'closed'],
  ])('is not spoken of where %s', async (_title, policy, end) => {
    const rig = new Rig(many(3), { capabilities })
    await rig.run({ policy })
    expect(rig.of('notice')).toEqual([])
    expect(rig.maildrop.ends).toEqual([end])
  })

  it('is not spoken of where the server is Gmail behind a tunnel', async () => {
    const rig = new Rig(many(3), { capabilities: GMAIL })
    await rig.run({ patience: 'none' })
    expect(rig.of('notice')).toEqual([])
    expect(rig.maildrop.ends).toEqual(['QUIT'])
  })

  it('does not keep QUIT from what was deleted', async () => {
    const rig = new Rig(many(3), { capabilities })
    const { counts } = await rig.run({ policy: { ...DELETE_ALL, quit: false } })
    expect(counts.deleted).toBe(3)
    expect(rig.maildrop.ends).toEqual(['QUIT'])
  })
})
