/** sync, verify, list, status and export at once on one archive, again and again: none may notice the others. */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { digestsIn } from '../support/archive-content.ts'
import type { Finished } from '../support/popkeep.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { archiveOf, unsettled } from './judgement.ts'
import { lettersOf, Maildrop } from './maildrop.ts'
import { launch, syncWords } from './program.ts'

/** How often each command is run. POPKEEP_SOAK asks for more; 1000 take an hour. */
const ROUNDS = Number(process.env.POPKEEP_SOAK ?? 4)

/** That arrive before each sync. */
const ARRIVALS = 5

/** A command that is run again and again. */
interface Task {
  /** In round `round`, from 1. */
  words(round: number): readonly string[]
  /** The digests of the messages that it showed or wrote. */
  seen?(finished: Finished, round: number): readonly string[]
}

const hash = (octets: Uint8Array) => createHash('sha256').update(octets).digest('hex')

/** `digest` of what stands in files that are called `<digest>.eml`. Throws if one is not what it is called. */
function emlFiles(folder: string): readonly string[] {
  return readdirSync(folder).map((name) => {
    const digest = hash(readFileSync(join(folder, name)))
    expect(name).toBe(`${digest}.eml`)
    return digest
  })
}

function tasksOf(archive: string, { path }: TemporaryFolder): readonly Task[] {
  const of = ['--archive', archive]
  const copies = (round: number) => `sqlite:${join(path, `copy-${round}`)}`
  const trees = (round: number) => join(path, `tree-${round}`)
  return [
    { words: () => ['verify', ...of] },
    { words: () => ['status', ...of] },
    {
      words: () => ['list', '--json', ...of],
      seen: ({ stdout }) =>
        `${stdout}`.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).id])),
    },
    {
      words: (round) => ['export', copies(round), ...of],
      seen: (_finished, round) => digestsIn(copies(round)),
    },
    {
      words: (round) => ['export', trees(round), '--format', 'eml', ...of],
      seen: (_finished, round) => emlFiles(trees(round)),
    },
  ]
}

it.each(['sqlite', 'maildir'] as const)(
  'lets %s be read while it is written',
  { timeout: ROUNDS * 60_000 },
  async (kind) => {
    const folder = temporaryFolder('soak')
    const place = { kind, folder: join(folder.path, 'archive') }
    mkdirSync(place.folder)
    const maildrop = new Maildrop(lettersOf((ROUNDS + 1) * ARRIVALS))
    const server = await maildrop.serve()
    const archive = archiveOf(place)
    const sync = syncWords(server.port, archive, 'keep')
    let arrived = 0
    let stored = 0
    let runs = 0
    const arrive = () => {
      arrived += ARRIVALS
      maildrop.left = maildrop.letters.slice(0, arrived)
    }
    const run = async (args: readonly string[]) => {
      const finished = await launch({ args, home: folder.path }).finished
      runs += 1
      // Not even a warning: nothing is wrong.
      const { code, stderr } = finished
      expect({ args, code, said: `${stderr}` }).toEqual({ args, code: 0, said: '' })
      return finished
    }
    const runAgain = async ({ words, seen }: Task) => {
      for (let round = 1; round <= ROUNDS; round += 1) {
        // What was stored before is there, once, in the order of its coming; and nothing else but what came since.
        const least = stored
        const finished = await run(words(round))
        if (seen === undefined) continue
        const digests = seen(finished, round).toSorted()
        const held = maildrop.letters.slice(0, arrived).map(({ digest }) => digest)
        expect(digests).toEqual(held.filter((digest) => digests.includes(digest)).sort())
        expect(digests).toEqual(expect.arrayContaining(held.slice(0, least)))
      }
    }
    const syncAgain = async () => {
      for (let round = 1; round <= ROUNDS; round += 1) {
        arrive()
        await run(sync)
        stored = arrived
      }
    }
    try {
      arrive()
      await run(sync)
      stored = arrived
      await Promise.all([syncAgain(), ...tasksOf(archive, folder).map(runAgain)])
      await run(sync)
      await server.played()
      expect(unsettled(place, maildrop, 'keep')).toEqual([])
      await run(['verify', '--archive', archive])
      console.log(`soak of ${kind}: ${runs} runs`)
    } finally {
      await server.close()
      folder.remove()
    }
  },
)
