import { inspect } from 'node:util'

import { describe, expect, it } from 'vitest'

import { SecretError } from '../../src/accounts/errors.ts'
import { commandTokens } from '../../src/accounts/token-command.ts'

const never = new AbortController().signal
const printing = (text: string) =>
  commandTokens([process.execPath, '-e', 'process.stdout.write(process.argv[1])', text])

async function messageOf(promise: Promise<unknown>): Promise<string> {
  const caught = await promise.catch((error: unknown) => error)
  expect(caught).toBeInstanceOf(SecretError)
  expect(inspect(caught, { depth: 9 })).not.toContain('hunter2')
  return (caught as SecretError).message
}

describe('a token command', () => {
  it('prints a token, however long', async () => {
    expect(await printing('ya29.hunter2-_~+/==\nmore\n').accessToken(never)).toBe(
      'ya29.hunter2-_~+/==',
    )
    const long = 'x'.repeat(20_000)
    expect(await printing(`${long}\r\n`).accessToken(never)).toBe(long)
  })

  it('is asked again for a token that was rejected', async () => {
    const tokens = printing('second\n')
    expect(await tokens.renew('first', never)).toBe('second')
    expect(await tokens.renew('second', never)).toBeUndefined()
  })

  it.each([
    ['', 'its first line is empty'],
    ['\nhunter2', 'its first line is empty'],
    ['Bearer hunter2', 'is no token'],
    ['hunter2\u0001auth=x', 'is no token'],
    ['hunter2\u00fc', 'is no token'],
    [`hunter2${'x'.repeat(24 * 1024)}`, 'is no token'],
  ])('that prints %j gives none', async (text, words) => {
    expect(await messageOf(printing(text).accessToken(never))).toContain(words)
  })

  it('fails as a token command', async () => {
    const failing = commandTokens('echo hunter2; echo "not logged in: hunter2" >&2; exit 1')
    expect(await messageOf(failing.accessToken(never))).toBe(
      'the token command left with status 1: not logged in: [redacted]',
    )
  })

  it('ends with the run', async () => {
    await expect(printing('x').accessToken(AbortSignal.abort('over'))).rejects.toBe('over')
  })
})
