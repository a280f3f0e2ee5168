/** kill -9 at the calls that write below the archive, one a run, each followed by a run that must mend all. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isSkipped, straceProblem } from './requirements.ts'
import {
  chosen,
  type Experiment,
  experiment,
  judged,
  record,
  SEED,
  SETTINGS,
  type Setting,
  untilHit,
} from './sweep.ts'
import { type Injection, isBelow, runTraced, type TracedCall } from './traced.ts'

const skip = isSkipped('kill sweep', straceProblem(), 'POPKEEP_REQUIRE_STRACE')

/** Of each setting, where not all are asked for. A run that deletes has more to lose. */
const POINTS = { delete: 36, keep: 16 }

const EARLY_DELETE = join(import.meta.dirname, 'early-delete.mjs')

const watch = (threads: 'writing' | 'all') => (on: Experiment) =>
  runTraced(on, { threads }).then(({ calls }) =>
    calls.filter((call) => isBelow(call, on.place.folder)),
  )

/** Writes of pages are many and alike: half of the choice is theirs, the other half is for all other calls. */
function choose(calls: readonly TracedCall[], count: number): readonly Injection[] {
  const pages = calls.filter(({ name }) => name === 'pwrite64')
  const others = calls.filter(({ name }) => name !== 'pwrite64')
  return [...chosen(others, count / 2, SEED), ...chosen(pages, count / 2, SEED)].map(
    ({ thread, name, ordinal }) => ({ thread, name, ordinal, fault: 'signal=SIGKILL' }),
  )
}

/** One kill. `at` is the call that did not happen; undefined if the run did not come so far, or was hit elsewhere. */
async function kill(setting: Setting, injection: Injection, imports: readonly string[] = []) {
  const { wrong, result } = await experiment(setting, async (on) => {
    const { finished, calls } = await runTraced(
      { ...on, imports },
      { threads: 'writing', injection },
    )
    const last = calls.findLast(({ thread }) => thread === injection.thread)
    const isHit = finished.signal === 'SIGKILL' && last && isBelow(last, on.place.folder)
    return isHit ? last.text.replace(on.place.folder, '') : undefined
  })
  return {
    wrong: wrong.map((text) => `${injection.name} ${injection.ordinal}: ${text}`),
    at: result,
  }
}

/** That with most calls first. */
function threadsByCalls(calls: readonly TracedCall[]): number[] {
  const counts = new Map<number, number>()
  for (const { id } of calls) counts.set(id, (counts.get(id) ?? 0) + 1)
  return [...counts.keys()].sort((one, other) => (counts.get(other) ?? 0) - (counts.get(one) ?? 0))
}

describe.skipIf(skip).each(SETTINGS)('sync to $kind, $mode, killed at a write', (setting) => {
  it('converges, and every DELE was durable', { timeout: 3_600_000 }, async () => {
    const { wrong: first, result: calls } = await experiment(setting, watch('writing'))
    expect(first).toEqual([])
    const points = choose(calls, POINTS[setting.mode])
    const wrong: string[] = []
    let hits = 0
    for (const point of points) {
      const { at } = await untilHit(async () => {
        const killed = await kill(setting, point)
        wrong.push(...killed.wrong)
        return killed
      })
      if (at !== undefined) hits += 1
    }
    const runs = points.length
    const result = {
      sweep: 'calls',
      setting,
      points: calls.length,
      runs,
      kills: hits,
      wrong,
    } as const
    record(result)
    expect(judged(result)).toEqual([])
  })
})

describe.skipIf(skip)('the sweep', () => {
  it.each([
    { kind: 'sqlite', threads: 1 },
    { kind: 'maildir', threads: 2 },
  ] as const)('watches all threads that write to $kind', async ({ kind, threads }) => {
    const { result: calls } = await experiment({ kind, mode: 'delete' }, watch('all'))
    expect(calls.length).toBeGreaterThan(50)
    const [writer, ...others] = threadsByCalls(calls)
    expect([writer, ...others]).toHaveLength(threads)
    const elsewhere = calls.filter(({ id }) => id !== writer).map(({ name }) => name)
    expect(new Set(elsewhere)).toEqual(new Set(kind === 'maildir' ? ['fsync'] : []))
  })

  it.each(['sqlite', 'maildir'] as const)(
    'catches a mutant that deletes early from %s',
    { timeout: 600_000 },
    async (kind) => {
      const setting = { kind, mode: 'delete' } as const
      const { result: calls } = await experiment(setting, watch('writing'))
      const syncs = calls.filter(({ name }) => name === 'fsync' || name === 'fdatasync')
      const lost: string[] = []
      for (const { thread, name, ordinal } of syncs.reverse()) {
        const injection = { thread, name, ordinal, fault: 'signal=SIGKILL' } as const
        const { wrong } = await kill(setting, injection, [EARLY_DELETE])
        lost.push(...wrong.filter((text) => text.includes('which the archive does not have')))
        if (lost.length > 0) break
      }
      expect(lost).not.toEqual([])
    },
  )
})
