/** kill -9 at the steps that the server sees: as a command comes, in the middle of a body, and between QUIT and its +OK. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Step } from './maildrop.ts'
import { launch } from './program.ts'
import { chosen, type Experiment, experiment, judged, record, SEED, SETTINGS } from './sweep.ts'

/** Of each setting, where not all are asked for. */
const POINTS = { delete: 20, keep: 8 }

const EARLY_DELETE = join(import.meta.dirname, 'early-delete.mjs')

/** Runs to the end and returns what the server saw. */
async function watch({ maildrop, args, home }: Experiment): Promise<readonly Step[]> {
  const steps: Step[] = []
  maildrop.onStep = (step) => void steps.push(step)
  await launch({ args, home }).finished
  return steps
}

/** Kills the client at the step with this index; false if it never came. The server goes on when the client is gone. */
const killAt =
  (index: number, imports: readonly string[] = []) =>
  async ({ maildrop, args, home }: Experiment): Promise<boolean> => {
    const { child, finished } = launch({ args, home, imports })
    let seen = 0
    maildrop.onStep = async () => {
      seen += 1
      if (seen !== index + 1) return
      child.kill('SIGKILL')
      await finished
    }
    return (await finished).signal === 'SIGKILL'
  }

describe.each(SETTINGS)('sync to $kind, $mode, killed at a step of the server', (setting) => {
  it('converges, and every DELE was durable', { timeout: 600_000 }, async () => {
    const { wrong: first, result: steps } = await experiment(setting, watch)
    expect(first).toEqual([])
    const deletions = steps.filter(({ at, line }) => at === 'command' && line.startsWith('DELE'))
    expect(deletions).toHaveLength(setting.mode === 'delete' ? 6 : 0)

    const wrong: string[] = []
    let kills = 0
    const points = chosen([...steps.entries()], POINTS[setting.mode], SEED)
    for (const [index, { at, line }] of points) {
      const { wrong: found, result: isKilled } = await experiment(setting, killAt(index))
      wrong.push(...found.map((text) => `${line}, ${at}: ${text}`))
      if (isKilled) kills += 1
    }
    const runs = points.length
    const result = { sweep: 'steps', setting, points: steps.length, runs, kills, wrong } as const
    record(result)
    expect(judged(result)).toEqual([])
    expect(kills).toBe(runs)
  })
})

it.each(['sqlite', 'maildir'] as const)(
  'the sweep of steps catches a mutant that deletes early from %s',
  { timeout: 600_000 },
  async (kind) => {
    const setting = { kind, mode: 'delete' } as const
    const { result: steps } = await experiment(setting, watch)
    const lost: string[] = []
    for (const [index, { at, line }] of steps.entries()) {
      if (at !== 'command' || !line.startsWith('DELE')) continue
      const { wrong } = await experiment(setting, killAt(index, [EARLY_DELETE]))
      lost.push(...wrong.filter((text) => text.includes('which the archive does not have')))
      if (lost.length > 0) break
    }
    expect(lost).not.toEqual([])
  },
)

it('a sweep that kills nobody fails', () => {
  const setting = { kind: 'sqlite', mode: 'keep' } as const
  const result = { sweep: 'steps', setting, points: 0, runs: 0, kills: 0, wrong: [] } as const
  expect(judged(result)).toEqual(['0 of 0 runs were killed'])
  expect(judged({ ...result, runs: 10, kills: 7 })).toEqual(['7 of 10 runs were killed'])
  expect(judged({ ...result, runs: 10, kills: 8 })).toEqual([])
})
