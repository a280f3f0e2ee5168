import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { EXIT_STATUS } from '../../src/cli/exit-codes.ts'

it.each(['README.md', 'docs/operations.md'])('%s has each exit code, and no other', (page) => {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8')
  const rows = [...text.matchAll(/^\| (\d+(?:, \d+)*) \| ([^|]+) \|/gm)]
  const documented = rows.flatMap(([, codes = '']) => codes.split(', ').map(Number))
  expect(documented).toEqual([...EXIT_STATUS.keys()])
  for (const [, , meaning] of rows) expect(meaning).not.toMatch(/mailbox/i)
})
