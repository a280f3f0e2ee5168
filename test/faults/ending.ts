import { expect } from 'vitest'
import type { Run } from './program.ts'

export interface Ending {
  readonly exit: number
  /** The stable code of the error; none where the exit is 0. */
  readonly code?: string | undefined
  readonly stderr?: RegExp | undefined
}

/** How a run of one account ended and what it said. */
export function expectEnding({ exit, stdout, stderr }: Run, wanted: Ending): void {
  const ends = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { type: string; error?: { code: string } | null })
  const code = ends.find(({ type }) => type === 'account')?.error?.code
  expect({ exit, code, stderr }).toMatchObject({ exit: wanted.exit, code: wanted.code })
  if (wanted.stderr) expect(stderr).toMatch(wanted.stderr)
  // Whatever a server says, no control octet of it reaches the terminal, and no defect of ours shows.
  expect(stdout + stderr).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f]|^ +at /m)
}
