/** How long another run's lock is waited for, by a clock that nobody waits for. */
import { describe, expect, it } from 'vitest'
import type { SyncContext } from '../../src/sync/context.ts'
import { openWhenFree } from '../../src/sync/lock-wait.ts'
import type { Patience } from '../../src/sync/patience.ts'
import { KEEP_ALL } from '../../src/sync/policy.ts'
import type { Archive } from '../../src/sync/ports/archive.ts'
import type { SyncEvent } from '../../src/sync/ports/events.ts'
import { FakeMaildrop } from '../support/fake-maildrop.ts'
import { MemoryArchive } from '../support/memory-archive.ts'
import { FakeTime, failure } from '../support/moody-maildrop.ts'
import { MINUTE, SECOND } from '../support/sessions-rig.ts'

const LOOK = SECOND / 2

/** An archive of which another run has the account until `heldUntil`; and what its opener says and waits. */
class Scene {
  readonly time = new FakeTime()
  readonly begun = this.time.now
  readonly events: SyncEvent[] = []
  readonly inner = new MemoryArchive()
  heldUntil = this.begun
  /** Openings that fail though the look before said that nobody holds it. */
  lostRaces = 0
  openings = 0

  readonly archive: Archive = {
    isFree: () => this.time.now >= this.heldUntil,
    openAccount: async (identity) => {
      this.openings += 1
      if (this.time.now < this.heldUntil) throw failure('ARCHIVE_LOCKED')
      if (this.lostRaces > 0) {
        this.lostRaces -= 1
        throw failure('ARCHIVE_LOCKED')
      }
      return await this.inner.openAccount(identity)
    },
  }

  open(patience: Partial<Patience>, signal = new AbortController().signal) {
    const context: SyncContext = {
      identity: { name: 'work', host: 'pop.example.org', user: 'me' },
      maildrop: new FakeMaildrop([]),
      policy: KEEP_ALL,
      progress: (event) => this.events.push(event),
      signal,
      now: () => this.time.now,
      patience: this.time.patience(patience),
    }
    return openWhenFree(context, this.archive, new Set(['work']))
  }
}

const locked = expect.objectContaining({ code: 'ARCHIVE_LOCKED' })

describe("another run's lock", () => {
  it('is not waited for unless that was asked for', async () => {
    const scene = new Scene()
    scene.heldUntil += 1
    await expect(scene.open({})).rejects.toEqual(locked)
    expect([scene.openings, scene.time.waits, scene.events]).toEqual([1, [], []])
  })

  it('costs nothing where nobody has it', async () => {
    const scene = new Scene()
    await scene.open({ lockWait: MINUTE })
    expect([scene.openings, scene.time.waits, scene.events]).toEqual([1, [], []])
  })

  it('is had within one look after it is free, however long that took, and spoken of once', async () => {
    const scene = new Scene()
    scene.heldUntil += 60 * MINUTE + 1
    await scene.open({ lockWait: Number.POSITIVE_INFINITY })
    expect(scene.time.now - scene.heldUntil).toBeLessThan(LOOK)
    expect(scene.openings).toBe(1)
    expect(scene.events).toEqual([
      { type: 'waiting', account: 'work', reason: 'locked', until: undefined },
    ])
  })

  it('is waited for in one stretch without the place among those in work', async () => {
    const scene = new Scene()
    scene.heldUntil += MINUTE
    let stretches = 0
    const aside = async (waiting: () => Promise<void>) => {
      stretches += 1
      await waiting()
    }
    await scene.open({ lockWait: 2 * MINUTE, aside })
    expect(stretches).toBe(1)
    expect(scene.time.waits).toHaveLength(MINUTE / LOOK)
  })

  it('is waited for further where another one was quicker, and that is not said again', async () => {
    const scene = new Scene()
    scene.heldUntil += MINUTE
    scene.lostRaces = 2
    await scene.open({ lockWait: 2 * MINUTE })
    expect(scene.openings).toBe(3)
    expect(scene.time.now).toBe(scene.begun + MINUTE + 2 * LOOK)
    expect(scene.events).toHaveLength(1)
  })

  it('is looked at in intervals that differ', async () => {
    const scene = new Scene()
    scene.heldUntil += SECOND
    const draws = [0, 1, 0.5]
    await scene.open({ lockWait: MINUTE, random: () => draws.shift() ?? 0 })
    expect(scene.time.waits).toEqual([0.8 * LOOK, 1.2 * LOOK])
  })

  it.each<[string, Partial<Patience>]>([
    ['its own time', { lockWait: 90 * SECOND }],
    ['the deadline', { lockWait: Number.POSITIVE_INFINITY, deadline: 90 * SECOND }],
    ['the deadline, if that is first', { lockWait: 2 * MINUTE, deadline: 90 * SECOND }],
    ['its own time, if that is first', { lockWait: 90 * SECOND, deadline: 2 * MINUTE }],
  ])(
    'is waited for until %s is over, to the moment; then it is an error',
    async (_title, given) => {
      const scene = new Scene()
      scene.heldUntil += 90 * SECOND + 1
      const deadline = given.deadline && scene.begun + given.deadline
      await expect(scene.open({ ...given, deadline })).rejects.toEqual(locked)
      expect(scene.time.now).toBe(scene.begun + 90 * SECOND)
      const until = new Date(scene.begun + 90 * SECOND).toISOString()
      expect(scene.events).toMatchObject([{ type: 'waiting', until }])
    },
  )

  it('keeps no other error back', async () => {
    const scene = new Scene()
    const full = failure('ARCHIVE_FULL')
    scene.archive.openAccount = async () => {
      throw full
    }
    await expect(scene.open({ lockWait: MINUTE })).rejects.toBe(full)
    expect(scene.time.waits).toEqual([])
  })

  it('is not waited for any longer where the run is interrupted', async () => {
    const scene = new Scene()
    scene.heldUntil += MINUTE
    const controller = new AbortController()
    const wait = async (_ms: number, signal: AbortSignal) => {
      controller.abort(new Error('interrupted'))
      signal.throwIfAborted()
    }
    const opening = scene.open({ lockWait: MINUTE, wait }, controller.signal)
    await expect(opening).rejects.toThrow('interrupted')
    expect(scene.openings).toBe(0)
  })
})
