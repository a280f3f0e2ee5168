/** What a power cut leaves of the mail that the server has just deleted: popkeep, and two others by the same rig. */
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../support/temp.ts'
import { type Contestant, getmail, mpop, popkeepTo, versionOf } from './contestants.ts'
import { FILESYSTEMS, type Filesystem, imageProblem } from './images.ts'
import { archiveOf, unsettled } from './judgement.ts'
import { lettersOf, Maildrop, type Step } from './maildrop.ts'
import { cutPower, type Inspect } from './power-cut.ts'
import { launch, syncWords } from './program.ts'
import { isSkipped } from './requirements.ts'

const skip = isSkipped('power cut', imageProblem(), 'POPKEEP_REQUIRE_IMAGES')

/** Against hangs. */
const TIMEOUT_MS = 600_000

const isDeletion = ({ at, line }: Step) => at === 'command' && line.toUpperCase().startsWith('DELE')
const isQuit = ({ at, line }: Step) => at === 'command' && line.toUpperCase() === 'QUIT'
const isDeleted = ({ at }: Step) => at === 'deleted'

/**
 * Without the sync of new/, ext4 and xfs still keep all: the catalog's commit comes before DELE, lies on the same filesystem, and
 * takes along what these have in their one journal. btrfs syncs what belongs to one file.
 */
const MUTANTS = [
  {
    kind: 'sqlite',
    name: 'synchronous=NORMAL',
    path: join(import.meta.dirname, 'normal-synchronous.cjs'),
    seenOn: FILESYSTEMS,
  },
  {
    kind: 'maildir',
    name: 'files unsynced',
    path: join(import.meta.dirname, 'no-file-sync.cjs'),
    seenOn: FILESYSTEMS,
  },
  {
    kind: 'maildir',
    name: 'new/ unsynced',
    path: join(import.meta.dirname, 'no-folder-sync.cjs'),
    seenOn: ['btrfs'],
  },
] as const

/** For the table of docs/reliability.md. */
const table: string[] = []
afterAll(() => console.log(table.join('\n')))

/** The next run, on what the cut left, with the maildrop as it was then: it must mend all without being asked. */
const nextRun =
  (kind: 'sqlite' | 'maildir', count: number): Inspect =>
  async (folder, left) => {
    const home = temporaryFolder('home')
    const maildrop = new Maildrop(lettersOf(count))
    maildrop.left = left
    const server = await maildrop.serve()
    const place = { kind, folder }
    try {
      const args = syncWords(server.port, archiveOf(place), 'delete')
      const { code, stderr } = await launch({ args, home: home.path }).finished
      expect({ code, stderr: stderr.toString() }).toEqual({ code: 0, stderr: '' })
      await server.played()
      expect(unsettled(place, maildrop, 'delete')).toEqual([])
      const verify = ['verify', '--archive', archiveOf(place)]
      expect((await launch({ args: verify, home: home.path }).finished).code).toBe(0)
    } finally {
      await server.close()
      home.remove()
    }
  }

describe.skipIf(skip).each(FILESYSTEMS)('a power cut on %s', (filesystem) => {
  it.each(['sqlite', 'maildir'] as const)(
    'takes nothing from popkeep, %s',
    { timeout: TIMEOUT_MS },
    async (kind) => {
      const found = await cutPower({
        contestant: popkeepTo(kind),
        filesystem,
        count: 5,
        cuts: (step) => isDeletion(step) || isQuit(step) || isDeleted(step),
        inspect: nextRun(kind, 5),
      })
      expect(found.map(({ step: { line }, deleted, kept }) => ({ line, deleted, kept }))).toEqual([
        ...[1, 2, 3, 4, 5].map((n) => ({ line: `DELE ${n}`, deleted: n, kept: n })),
        { line: 'QUIT', deleted: 5, kept: 5 },
        { line: 'QUIT', deleted: 5, kept: 5 },
      ])
      expect(await keptBy(popkeepTo(kind), filesystem)).toEqual([5, 1])
    },
  )

  it.each(MUTANTS)(
    'is measured with popkeep, $kind, $name',
    { timeout: TIMEOUT_MS },
    async ({ kind, seenOn, ...mutant }) => {
      const { name } = popkeepTo(kind, mutant)
      const isToBeSeen = seenOn.some((one) => one === filesystem)
      const seen: string[] = []
      // Whoever syncs the whole machine meanwhile, or the kernel by itself, makes all durable; hardly three times.
      for (let left = isToBeSeen ? 3 : 1; left > 0; left -= 1) {
        const cuts = await cutPower({
          contestant: popkeepTo(kind, mutant),
          filesystem,
          count: 5,
          cuts: (step) => isDeletion(step) || isDeleted(step),
        })
        const counts = cuts.map(({ deleted, kept }) => `${kept} of ${deleted}`).join(', ')
        table.push(`${name}, ${filesystem}: ${counts}`)
        if (cuts.some(({ deleted, kept }) => kept < deleted)) return
        seen.push(counts)
      }
      if (isToBeSeen) expect.fail(seen.join('; '))
    },
  )

  it('takes the last message of each session from mpop 1.4.18', async ({ skip: leave }) => {
    const version = versionOf('mpop')
    leave(version === undefined, 'mpop is not installed')
    const counts = [await keptBy(mpop, filesystem)]
    if (version !== '1.4.18') return
    // The rig's own control: it can lose mail. What btrfs takes differs from run to run.
    if (filesystem === 'btrfs') return
    // Each few seconds the kernel writes its journal by itself, and that may fall between the last rename and the cut.
    for (let left = 3; left > 0 && String(counts.at(-1)) !== '4,0'; left -= 1) {
      counts.push(await keptBy(mpop, filesystem))
    }
    expect(counts).toContainEqual([4, 0])
  })

  it('is measured with getmail6', async ({ skip: leave }) => {
    leave(versionOf('getmail') === undefined, 'getmail6 is not installed')
    const [same] = await keptBy(getmail('same filesystem'), filesystem)
    const [other] = await keptBy(getmail('another filesystem'), filesystem)
    // btrfs takes sometimes more, sometimes less.
    if (filesystem !== 'btrfs') expect(other).toBeLessThanOrEqual(same)
  })
})

/** Kept of five and of one, when the power is cut as the server has deleted them. */
async function keptBy(contestant: Contestant, filesystem: Filesystem): Promise<[number, number]> {
  const counts: number[] = []
  for (const count of [5, 1]) {
    const [cut] = await cutPower({ contestant, filesystem, count, cuts: isDeleted })
    expect(cut?.deleted).toBe(count)
    counts.push(cut?.kept ?? -1)
  }
  const [five = -1, one = -1] = counts
  table.push(`${contestant.name}, ${filesystem}: ${five} of 5, ${one} of 1`)
  return [five, one]
}
