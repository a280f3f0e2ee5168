/** Full and read-only disks, and too few descriptors: as they come in life, where error-calls.test.ts injects one error. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Finished } from '../support/popkeep.ts'
import { isQuiet, misreported } from './error-judgement.ts'
import {
  diskProblem,
  failingDiskProblem,
  onFailingDisk,
  onSmallDisk,
  permit,
  permitNone,
} from './failing-disk.ts'
import { archiveOf } from './judgement.ts'
import { launch } from './program.ts'
import { isSkipped } from './requirements.ts'
import { type Experiment, experiment, type Setting } from './sweep.ts'
import { runHeld } from './traced.ts'

const NO_DESCRIPTORS = join(import.meta.dirname, 'no-descriptors.cjs')

const skip = isSkipped('full and read-only disks', diskProblem(), 'POPKEEP_REQUIRE_DISKS')
const skipFailing = isSkipped('failing disks', await failingDiskProblem(), 'POPKEEP_REQUIRE_DISKS')

/** From what does not hold the tables to what does not hold the largest message twice. */
const SIZES = ['size=48k', 'size=200k', 'size=1500k', 'nr_inodes=3']

/** One run with the fault; whether it was hit, and what is wrong then. */
async function fail(setting: Setting, what: string, fault: (on: Experiment) => Promise<Finished>) {
  const { wrong, result } = await experiment(setting, async (on) => {
    const finished = await fault(on)
    if (isQuiet(finished)) return { isHit: false, problems: [] }
    const problems = misreported(finished)
    // All DELE come after all RETR: a run that has sent one has stored everything, and failed behind that.
    const { deles, letters } = on.maildrop
    if (deles.length % letters.length !== 0) problems.push(`${deles.length} DELE`)
    return { isHit: true, problems }
  })
  const problems = [...result.problems, ...wrong]
  return { isHit: result.isHit, wrong: problems.map((text) => `${what}: ${text}`) }
}

describe.each(['sqlite', 'maildir'] as const)('sync to %s', (kind) => {
  const setting: Setting = { kind, mode: 'delete' }

  it.skipIf(skip)('on a full disk stores what it can and deletes nothing', async () => {
    const wrong: string[] = []
    let hits = 0
    for (const size of SIZES) {
      const failed = await fail(setting, size, (on) =>
        onSmallDisk(on.place.folder, size, () => launch(on).finished),
      )
      wrong.push(...failed.wrong)
      if (failed.isHit) hits += 1
    }
    expect(wrong).toEqual([])
    expect(hits).toBeGreaterThan(1)
  })

  it.skipIf(skip)('on a read-only disk says so', async () => {
    const failed = await fail(setting, 'read-only', (on) =>
      onSmallDisk(on.place.folder, 'ro', () => launch(on).finished),
    )
    expect(failed).toEqual({ isHit: true, wrong: [] })
  })

  it.skipIf(skipFailing)('on a disk that fails meanwhile deletes nothing', async () => {
    for (const step of ['RETR 1', 'RETR 4', 'DELE 1']) {
      const failed = await fail(setting, step, (on) =>
        onFailingDisk(on.place.folder, (failDisk) => {
          on.maildrop.onStep = ({ at, line }) => {
            if (at === 'command' && line === step) failDisk()
          }
          return launch(on).finished
        }),
      )
      expect({ step, ...failed }).toEqual({ step, isHit: true, wrong: [] })
    }
  })

  it.skipIf(process.platform !== 'linux')('with too few descriptors says so', async () => {
    // For the writer's modules. What the other thread has open for a moment counts too: one of these is hit.
    const atStart = await Promise.all(
      [1, 2, 3].map((more) =>
        fail(setting, `at the start, ${more} left`, (on) =>
          runHeld(on, 'writer', async (ids) => permit(ids.process, more)),
        ),
      ),
    )
    expect(atStart.flatMap(({ wrong }) => wrong)).toEqual([])
    expect(atStart.some(({ isHit }) => isHit)).toBe(true)
    if (kind === 'sqlite') {
      const atDriver = await fail(setting, 'at the driver', async (on) => {
        await launch(on).finished
        const args = ['list', '--archive', archiveOf(on.place)]
        return launch({ args, home: on.home, requires: [NO_DESCRIPTORS] }).finished
      })
      expect(atDriver).toEqual({ isHit: true, wrong: [] })
    }
    // For one message's file; a sqlite archive may have all files open by then.
    const atMail = await fail(setting, 'at a message', (on) => {
      const { child, finished } = launch(on)
      on.maildrop.onStep = ({ line }) => {
        if (line === 'RETR 3') permitNone(child.pid ?? 0)
      }
      return finished
    })
    expect(atMail.wrong).toEqual([])
    if (kind === 'maildir') expect(atMail.isHit).toBe(true)
  })
})
