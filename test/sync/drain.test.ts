import { describe, expect, it } from 'vitest'
import { Drain } from '../../src/sync/drain.ts'
import { failure } from '../support/moody-maildrop.ts'
import { gate } from '../support/scripted-server.ts'
import { many, Rig } from '../support/sessions-rig.ts'
import { DELETE_ALL } from '../support/sync-once.ts'

const reason = failure('INTERRUPTED')
const never = () => new Promise<void>(() => undefined)

describe('Drain', () => {
  it('cuts the connection at once while nothing is retrieved', () => {
    const run = new AbortController()
    const drain = new Drain(run.signal, never)
    run.abort(reason)
    expect(drain.connection.reason).toBe(reason)
  })

  it('cuts it at once where there is no time to drain', async () => {
    const run = new AbortController()
    const drain = new Drain(run.signal, undefined)
    await drain.retrieving(async () => run.abort(reason))
    expect(drain.connection.aborted).toBe(true)
  })

  it('lets what was asked for come in for two seconds', async () => {
    const run = new AbortController()
    const over = gate()
    const waits: number[] = []
    const drain = new Drain(run.signal, async (ms) => {
      waits.push(ms)
      await over.opened
    })
    const cut = new Promise<void>((resolve) => {
      drain.connection.addEventListener('abort', () => resolve())
    })
    await drain.retrieving(async () => {
      run.abort(reason)
      expect(drain.connection.aborted).toBe(false)
      over.open()
      await cut
    })
    expect(waits).toEqual([2000])
  })

  it('or 4 MiB, whichever is first', async () => {
    const run = new AbortController()
    const drain = new Drain(run.signal, never)
    await drain.retrieving(async () => {
      drain.received(100 * 1024 * 1024)
      run.abort(reason)
      drain.received(4 * 1024 * 1024)
      expect(drain.connection.aborted).toBe(false)
      drain.received(1)
      expect(drain.connection.aborted).toBe(true)
    })
  })

  it('leaves a session that is over alone', () => {
    const run = new AbortController()
    const drain = new Drain(run.signal, never)
    drain.release()
    run.abort(reason)
    expect(drain.connection.aborted).toBe(false)
  })
})

it('asks for nothing more once a run is interrupted, keeps what came, deletes nothing, and says QUIT', async () => {
  const run = new AbortController()
  const rig = new Rig(many(10), {
    breaksAt: (uniqueId) => {
      if (uniqueId === 'u3') run.abort(reason)
      return undefined
    },
  })
  const { error, counts } = await rig.run({
    signal: run.signal,
    policy: DELETE_ALL,
    patience: { wait: never },
  })
  expect(error).toBe(reason)
  expect(counts).toMatchObject({ stored: 4, deleted: 0 })
  expect(rig.sent('RETR')).toHaveLength(4)
  expect(rig.sent('DELE')).toEqual([])
  expect(rig.maildrop.ends[0]).toBe('QUIT')
  expect(rig.archive.contents()).toHaveLength(4)
})
