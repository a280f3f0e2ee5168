import { PassThrough, Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { ClosedPipeError, Output } from '../../src/cli/output.ts'

function brokenPipe(): Writable {
  return new Writable({
    write: (_chunk, _encoding, done) =>
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
  })
}

describe('Output', () => {
  it('waits while the reader is slower', async () => {
    const stdout = new PassThrough({ highWaterMark: 4 })
    const output = new Output(stdout, new PassThrough())
    let isWritten = false
    const written = output.data('0123456789').then(() => {
      isWritten = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(isWritten).toBe(false)
    stdout.resume()
    await written
    expect(isWritten).toBe(true)
  })

  it('tells a command that nobody reads any more', async () => {
    const output = new Output(brokenPipe(), new PassThrough())
    const writing = async (): Promise<void> => {
      for (let line = 0; line < 10; line += 1) {
        await output.data('line\n')
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await expect(writing()).rejects.toBeInstanceOf(ClosedPipeError)
  })

  it('lets events go where nobody reads them', async () => {
    const output = new Output(brokenPipe(), new PassThrough())
    output.event({ type: 'stored' })
    await new Promise((resolve) => setImmediate(resolve))
    output.event({ type: 'stored' })
  })

  it('makes problems safe and keeps them on one line', () => {
    const stderr = new PassThrough()
    new Output(new PassThrough(), stderr).problem('no\x1b[2J\nway')
    expect(String(stderr.read())).toBe('popkeep: no\\x1b[2J\\x0away\n')
  })

  it('says several problems in a line each, and what illustrates them as it is', () => {
    const stderr = new PassThrough()
    new Output(new PassThrough(), stderr).problems('one\ntwo\x07\n\n1: x\n   ^')
    expect(String(stderr.read())).toBe('popkeep: one\npopkeep: two\\x07\n1: x\n   ^\n')
  })
})
