import { EventEmitter } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { interruptibly, Shield } from '../../src/cli/interruption.ts'

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

  it('may be heard by many accounts at a time without a word', async () => {
    const warnings: string[] = []
    const warned = ({ name }: Error) => warnings.push(name)
    process.on('warning', warned)
    try {
      await interruptibly(
        new EventEmitter(),
        () => undefined,
        async (signal) => {
          for (let count = 0; count < 20; count += 1) signal.addEventListener('abort', () => count)
          // Node tells of a warning in the next turn.
          await setImmediate()
        },
      )
    } finally {
      process.off('warning', warned)
    }
    expect(warnings).toEqual([])
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

describe('a shield', () => {
  it('lets what runs end before the process does', async () => {
    const quits: number[] = []
    const shield = new Shield((exit) => quits.push(exit))
    let end = () => {}
    const work = shield.run(() => new Promise<void>((resolve) => (end = resolve)))
    const failing = shield.run(() => Promise.reject(new Error('failed')))
    shield.quit(130)
    await expect(failing).rejects.toThrow('failed')
    expect(quits).toEqual([])
    end()
    await work
    expect(quits).toEqual([130])
    shield.quit(143)
    expect(quits).toEqual([130, 143])
  })

  it('holds nobody for longer than five seconds', async () => {
    vi.useFakeTimers()
    try {
      const quits: number[] = []
      const shield = new Shield((exit) => quits.push(exit))
      void shield.run(() => new Promise(() => {}))
      shield.quit(130)
      vi.advanceTimersByTime(4_999)
      expect(quits).toEqual([])
      vi.advanceTimersByTime(1)
      expect(quits).toEqual([130])
    } finally {
      vi.useRealTimers()
    }
  })
})
