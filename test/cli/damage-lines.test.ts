import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { DamageLines } from '../../src/cli/damage-lines.ts'
import { Output } from '../../src/cli/output.ts'

function rig(more = '--json lists all') {
  const stderr = new PassThrough()
  const lines = new DamageLines(new Output(new PassThrough(), stderr), more)
  return { lines, said: () => String(stderr.read() ?? '') }
}

it('says twenty lines of each kind, and counts the others', () => {
  const { lines, said } = rig()
  for (let n = 0; n < 1254; n += 1) lines.say('altered', () => `altered ${n}`)
  for (let n = 0; n < 20; n += 1) lines.say('missing', () => `missing ${n}`)
  lines.close('sqlite:/mail', (kind) => kind)
  const words = said().trimEnd().split('\n')
  expect(words).toHaveLength(20 + 20 + 1)
  expect(words.at(-1)).toBe('popkeep: sqlite:/mail: and 1,234 more altered (--json lists all)')
})

it('names no place for the rest where there is none', () => {
  const { lines, said } = rig('')
  for (let n = 0; n < 21; n += 1) lines.say('altered', () => '')
  lines.close('work', () => 'altered in the archive')
  expect(said()).toMatch(/\npopkeep: work: and 1 more altered in the archive\n$/)
})

it('names messages by twelve digits, and in full where others begin alike', () => {
  const { name } = rig().lines
  const [one, twin, other] = ['a', 'b', 'c'].map((digit) => '0123456789ab'.padEnd(64, digit))
  expect(name(one ?? '')).toBe('0123456789ab')
  expect(name(twin ?? '')).toBe(twin)
  expect(name(one ?? '')).toBe('0123456789ab')
  expect(name(other ?? '')).toBe(other)
  expect(name('f'.repeat(64))).toBe('ffffffffffff')
})
