/** Errors of the system instead of the calls that write below the archive, one a run, each followed by a run without. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isQuiet, misreported } from './error-judgement.ts'
import { isSkipped, straceProblem } from './requirements.ts'
import { chosen, type Experiment, experiment, SEED, type Setting, untilHit } from './sweep.ts'
import { type Injection, isBelow, runTraced, type TracedCall } from './traced.ts'

const skip = isSkipped('error sweep', straceProblem(), 'POPKEEP_REQUIRE_STRACE')

/** Runs of each kind of archive, where not all are asked for. */
const POINTS = 8

/** What a call may answer where a disk, a quota or a network filesystem fails. */
const ERRORS: Readonly<Record<string, readonly string[]>> = {
  write: ['ENOSPC', 'EIO', 'EDQUOT'],
  pwrite64: ['ENOSPC', 'EIO', 'EDQUOT'],
  fsync: ['EIO', 'ENOSPC', 'EDQUOT'],
  fdatasync: ['EIO', 'ENOSPC', 'EDQUOT'],
  ftruncate: ['EIO'],
  fallocate: ['ENOSPC'],
  openat: ['EMFILE', 'EROFS', 'ENOSPC'],
  link: ['EPERM', 'EMLINK', 'EIO'],
  unlink: ['EIO', 'EROFS'],
  mkdir: ['ENOSPC', 'EROFS'],
}

/** Errors for which there is another way, or after which nothing is missing: a run may end as if there had been none. */
const MENDED = /^(?:link E(?:PERM|MLINK)|unlink|ftruncate)/

const SWALLOWED_ERRORS = join(import.meta.dirname, 'swallowed-errors.cjs')

interface Point {
  readonly call: TracedCall
  readonly error: string
}

/** Each error that fits each call; a quarter of the choice is for writes of pages, which are many and alike. */
function choose(calls: readonly TracedCall[], count: number): readonly Point[] {
  const points = calls.flatMap((call) =>
    (ERRORS[call.name] ?? ['EIO']).map((error) => ({ call, error })),
  )
  const pages = points.filter(({ call }) => call.name === 'pwrite64')
  const others = points.filter(({ call }) => call.name !== 'pwrite64')
  return [...chosen(others, count * 0.75, SEED), ...chosen(pages, count * 0.25, SEED)]
}

/** One error. `at` is the call that got it; undefined if the run did not come so far, or another call was hit. */
async function fail(setting: Setting, { call, error }: Point, requires: readonly string[] = []) {
  const { thread, name, ordinal } = call
  const injection: Injection = { thread, name, ordinal, fault: `error=${error}` }
  const { wrong, result } = await experiment(setting, async (on) => {
    const { finished, calls } = await runTraced(
      { ...on, requires },
      { threads: 'writing', injection },
    )
    const found = calls.findIndex(({ text }) => text.includes('INJECTED'))
    const hit = calls[found]
    if (hit === undefined || !isBelow(hit, on.place.folder)) return undefined
    const mayMend =
      MENDED.test(`${call.name} ${error}`) ||
      isFolderOfJournal(calls, found) ||
      isCheckpoint(setting, calls, found)
    const problems =
      mayMend && isQuiet(finished) ? [] : [...misreported(finished), ...deletedSince(on, hit)]
    problems.push(...syncedAgain(hit, calls.slice(found + 1)))
    return { at: hit.text.replaceAll(on.place.folder, ''), problems }
  })
  const where = `${call.name} ${call.ordinal} ${error} (${result?.at})`
  const problems = [...(result?.problems ?? []), ...wrong]
  return { at: result?.at, wrong: problems.map((text) => `${where}: ${text}`) }
}

/** SQLite ignores it if the folder of its journal cannot be synced. Of a new WAL, popkeep has synced it already. */
function isFolderOfJournal(calls: readonly TracedCall[], index: number): boolean {
  const before = calls
    .slice(0, index)
    .filter(({ thread }) => thread === 'writer')
    .findLast(({ name }) => name === 'fsync' || name === 'unlink')
  const { thread, name } = calls[index] ?? {}
  return thread === 'writer' && name === 'fsync' && /-(?:journal|wal)>/.test(before?.text ?? '')
}

/**
 * Behind a WAL, only a checkpoint writes to the database itself. What it could not copy stays in the WAL: SQLite ignores that at
 * the end of a connection, and popkeep copies all of it once more as it leaves, by another descriptor.
 */
function isCheckpoint({ kind }: Setting, calls: readonly TracedCall[], index: number): boolean {
  const database = kind === 'sqlite' ? '/mail>' : '/popkeep.sqlite>'
  const isOfDatabase = calls[index]?.text.includes(database)
  return isOfDatabase === true && calls.slice(0, index).some(({ text }) => text.includes('-wal>'))
}

function deletedSince({ maildrop }: Experiment, hit: TracedCall): string[] {
  const late = maildrop.deles.filter(({ ms }) => ms > hit.ms)
  return late.length === 0 ? [] : [`${late.length} DELE after the error`]
}

/** A message's file whose fsync failed has to be written anew: the kernel may have marked its pages clean. */
function syncedAgain(hit: TracedCall, rest: readonly TracedCall[]): string[] {
  const file = /\/mail\/tmp\/[^>]+>/.exec(hit.text)?.[0]
  if (hit.name !== 'fsync' || file === undefined) return []
  const again = rest.filter(({ name, text }) => name === 'fsync' && text.includes(file))
  return again.map(() => `${file} is synced again`)
}

const watch = (on: Experiment) =>
  runTraced(on, { threads: 'writing' }).then(({ calls }) =>
    calls.filter((call) => isBelow(call, on.place.folder)),
  )

describe.skipIf(skip).each(['sqlite', 'maildir'] as const)(
  'an error while syncing to %s',
  (kind) => {
    const setting: Setting = { kind, mode: 'delete' }

    it('ends the run with a sentence, deletes nothing more, and is mended', {
      timeout: 3_600_000,
    }, async () => {
      const { wrong: first, result: calls } = await experiment(setting, watch)
      expect(first).toEqual([])
      const points = choose(calls, POINTS)
      const wrong: string[] = []
      const hits: string[] = []
      for (const point of points) {
        const { at } = await untilHit(async () => {
          const failed = await fail(setting, point)
          wrong.push(...failed.wrong)
          return failed
        })
        if (at !== undefined) hits.push(at)
      }
      console.log(
        `${kind}: ${points.length} runs, ${hits.length} with an error there; seed ${SEED}`,
      )
      expect(wrong).toEqual([])
      expect(hits.length).toBeGreaterThan(points.length * 0.8)
    })

    it('is caught where it is swallowed', { timeout: 600_000 }, async () => {
      const { result: calls } = await experiment(setting, watch)
      const syncs = calls.filter(({ name }) => name === 'fsync' || name === 'fdatasync')
      const wrong: string[] = []
      for (const call of syncs.toReversed()) {
        try {
          wrong.push(...(await fail(setting, { call, error: 'EIO' }, [SWALLOWED_ERRORS])).wrong)
        } catch (error) {
          // A message that is visible without some of its pieces.
          wrong.push(String(error))
        }
        if (wrong.length > 0) break
      }
      expect(wrong).not.toEqual([])
    })
  },
)
