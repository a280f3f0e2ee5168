import { PassThrough } from 'node:stream'

import { describe, expect, it } from 'vitest'

import { askHidden } from '../../src/accounts/hidden-prompt.ts'

const never = new AbortController().signal

function terminal() {
  const written: string[] = []
  const modes: boolean[] = []
  const input = Object.assign(new PassThrough(), {
    setRawMode: (isRaw: boolean) => modes.push(isRaw),
  })
  return {
    input,
    output: { write: (text: string) => written.push(text) },
    written,
    modes,
    interrupt() {},
    close() {},
  }
}

describe('the hidden prompt', () => {
  it.each([
    [['secret\r'], 'secret'],
    [['s', 'ec', 'ret\nmore'], 'secret'],
    [['sex\x7fcret\r'], 'secret'],
    [['wrong\x15secret\r'], 'secret'],
    [['\x7f\b\r'], ''],
    [['a\u{1f511}\x7fb\r'], 'ab'],
  ])('reads %j as %j and shows nothing of it', async (keys, line) => {
    const fake = terminal()
    const answer = askHidden('Password: ', fake, never)
    for (const key of keys) fake.input.write(key)
    expect(await answer).toBe(line)
    expect(fake.written).toEqual(['Password: ', '\n'])
    expect(fake.modes).toEqual([true, false])
  })

  it('joins a character that came in two pieces', async () => {
    const fake = terminal()
    const answer = askHidden('', fake, never)
    fake.input.write(Buffer.from([0xc3]))
    fake.input.write(Buffer.from([0xbc, 0x0d]))
    expect(await answer).toBe('\u00fc')
  })

  it('ends on Ctrl-D', async () => {
    const fake = terminal()
    const answer = askHidden('', fake, never)
    fake.input.write('abc\x04')
    await expect(answer).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' })
    expect(fake.modes).toEqual([true, false])
  })

  it('interrupts on Ctrl-C, and ends with the reason of the interruption', async () => {
    const abort = new AbortController()
    const reason = new Error('interrupted')
    const fake = { ...terminal(), interrupt: () => abort.abort(reason) }
    const answer = askHidden('', fake, abort.signal)
    fake.input.write('abc\x03def\r')
    await expect(answer).rejects.toBe(reason)
    expect(fake.modes).toEqual([true, false])
    await expect(askHidden('', fake, abort.signal)).rejects.toBe(reason)
  })

  it('ends with the terminal', async () => {
    const fake = terminal()
    const answer = askHidden('', fake, never)
    fake.input.end('abc')
    await expect(answer).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' })
  })
})
