import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { FRAMING } from './framing.ts'
import { LISTINGS } from './listings.ts'
import { MESSAGES } from './messages.ts'
import { SESSIONS } from './sessions.ts'

const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
const names = [FRAMING, LISTINGS, MESSAGES, SESSIONS].flat().map(({ name }) => name)

it('docs/protocol.md names each transcript, and no other', () => {
  const documented = [...page.matchAll(/transcripts: ([^;|]+?)\s*[;|]/g)].map(([, name]) => name)
  expect(documented.toSorted()).toEqual(names.toSorted())
  expect(new Set(names).size).toBe(names.length)
})

it('docs/protocol.md names no test file that is not there', () => {
  const files = [...page.matchAll(/\b[a-z0-9-]+\/[a-z0-9-]+\.test\.ts/g)].map(([file]) => file)
  expect(files.length).toBeGreaterThan(10)
  for (const file of new Set(files)) {
    expect(() => readFileSync(new URL(`../${file}`, import.meta.url)), file).not.toThrow()
  }
})
