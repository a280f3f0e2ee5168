import { afterEach, expect, it, vi } from 'vitest'

const failure = Object.assign(new Error('no thread'), { code: 'ERR_WORKER_INIT_FAILED' })

vi.mock('node:worker_threads', () => ({
  Worker: class {
    constructor() {
      throw failure
    }
  },
}))

afterEach(() => vi.resetModules())

it('a thread that the system does not permit is missed by who needs it, not by who starts it ahead', async () => {
  const { startWriterAhead, startWriterThread } = await import('../../src/archive/thread-start.ts')
  expect(startWriterAhead).not.toThrow()
  expect(startWriterThread).toThrow(failure)
})
