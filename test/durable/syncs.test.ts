import { describe, expect, it } from 'vitest'
import { type FsyncCall, Syncs } from '../../src/durable/syncs.ts'

/** fsyncs that end when their descriptor is let go. */
function heldSyncs() {
  const ends = new Map<number, (error: Error | null) => void>()
  const fsync = ((descriptor: number, done: (error: Error | null) => void) => {
    ends.set(descriptor, done)
  }) as FsyncCall['fsync']
  const end = async (descriptor: number, error: Error | null = null) => {
    ends.get(descriptor)?.(error)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { syncs: new Syncs({ fsync }), end }
}

/** Whether a promise has resolved. */
function seen(promise: Promise<unknown> | undefined) {
  const state = { isOver: promise === undefined }
  void promise?.then(() => {
    state.isOver = true
  })
  return state
}

describe('fsyncs under way', () => {
  it('tell who began them how they ended', async () => {
    const { syncs, end } = heldSyncs()
    const heard: (Error | null)[] = []
    const failure = new Error('EIO')
    syncs.begin(3, (error) => heard.push(error))
    syncs.begin(4, (error) => heard.push(error))
    await end(4, failure)
    await end(3)
    expect(heard).toEqual([failure, null])
  })

  it('are settled when those that were begun have ended, whatever is begun then', async () => {
    const { syncs, end } = heldSyncs()
    expect(syncs.settled()).toBeUndefined()
    syncs.begin(3, () => undefined)
    syncs.begin(4, () => undefined)
    const settled = seen(syncs.settled())
    syncs.begin(5, () => undefined)
    await end(4, new Error('EIO'))
    expect(settled.isOver).toBe(false)
    await end(3)
    expect(settled.isOver).toBe(true)
    expect(syncs.settled()).toBeDefined()
  })

  it('leave room for 64, and then for more when half of them have ended', async () => {
    const { syncs, end } = heldSyncs()
    for (let descriptor = 0; descriptor < 63; descriptor += 1) {
      syncs.begin(descriptor, () => undefined)
    }
    expect(syncs.room()).toBeUndefined()
    syncs.begin(63, () => undefined)
    const room = seen(syncs.room())
    await new Promise((resolve) => setImmediate(resolve))
    expect(room.isOver).toBe(false)
    for (let descriptor = 10; descriptor < 41; descriptor += 1) await end(descriptor)
    expect(room.isOver).toBe(false)
    await end(50)
    expect(room.isOver).toBe(true)
    expect(syncs.room()).toBeUndefined()
  })
})
