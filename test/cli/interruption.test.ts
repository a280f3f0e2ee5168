import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { interruptibly } from '../../src/cli/interruption.ts'

describe('interruptibly', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('aborts at the first %s and quits at the second', async (name, exit) => {
    const source = new EventEmitter()
    const quits: number[] = []
    const reason = await interruptibly(
      source,
      (code) => quits.push(code),
      async (signal) => {
        source.emit(name)
        expect(quits).toEqual([])
        source.emit(name)
        return signal.reason
      },
    )
    expect(reason).toMatchObject({ code: 'INTERRUPTED', exit })
    expect(quits).toEqual([exit])
  })

  it('gives the signals back, also where the work failed', async () => {
    const source = new EventEmitter()
    const work = interruptibly(
      source,
      () => undefined,
      () => Promise.reject(new Error('failed')),
    )
    await expect(work).rejects.toThrow('failed')
    expect(source.listenerCount('SIGINT') + source.listenerCount('SIGTERM')).toBe(0)
  })
})
