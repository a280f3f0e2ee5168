import { PassThrough } from 'node:stream'

import { describe, expect, it } from 'vitest'

import { askHidden } from '../../src/accounts/hidden-prompt.ts'

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
    const answer = askHidden('Password: ', fake)
    for (const key of keys) fake.input.write(key)
    expect(await answer).toBe(line)
    expect(fake.written).toEqual(['Password: ', '\n'])
    expect(fake.modes).toEqual([true, false])
  })

  it('joins a character that came in two pieces', async () => {
    const fake = terminal()
    const answer = askHidden('', fake)
    fake.input.write(Buffer.from([0xc3]))
    fake.input.write(Buffer.from([0xbc, 0x0d]))
    expect(await answer).toBe('\u00fc')
  })

  it.each(['abc\x03', '\x04'])('ends on %j', async (keys) => {
    const fake = terminal()
    const answer = askHidden('', fake)
    fake.input.write(keys)
    await expect(answer).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' })
    expect(fake.modes).toEqual([true, false])
  })

  it('ends with the terminal', async () => {
    const fake = terminal()
    const answer = askHidden('', fake)
    fake.input.end('abc')
    await expect(answer).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' })
  })
})
