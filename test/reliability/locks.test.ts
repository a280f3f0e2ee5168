/** Runs that want one archive at the same time, and the lock of a run that is killed. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeRandom } from '../support/random.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { archiveOf, type Place, unsettled } from './judgement.ts'
import { lettersOf, Maildrop } from './maildrop.ts'
import { type Launched, launch, syncWords } from './program.ts'
import { SEED } from './sweep.ts'

/** Of each kind of archive: 100 in all. */
const ROUNDS = 50

/** Commands up to the first RETR: what a run that has nothing to retrieve sends at least. */
const STEPS = 8

/** In each second round the server goes on, and the run is killed as it comes to at most so many commands more. */
const STEPS_BEHIND = 3

function placeIn(folder: TemporaryFolder, kind: Place['kind']): Place {
  const place = { kind, folder: join(folder.path, 'archive') }
  mkdirSync(place.folder)
  return place
}

/** The one that ended first, with how, and the other. */
async function firstOf(runs: readonly [Launched, Launched]) {
  const [one, other] = runs
  return Promise.race([
    one.finished.then((finished) => ({ finished, other })),
    other.finished.then((finished) => ({ finished, other: one })),
  ])
}

describe.each(['sqlite', 'maildir'] as const)('two runs at once on one account, %s', (kind) => {
  it('leave one with 75, and the other is killed without a trace', {
    timeout: 900_000,
  }, async () => {
    const random = makeRandom(SEED)
    const folder = temporaryFolder('locks')
    const place = placeIn(folder, kind)
    const letters = lettersOf(ROUNDS)
    const maildrop = new Maildrop(letters)
    const server = await maildrop.serve()
    const args = syncWords(server.port, archiveOf(place), 'keep')
    const start = () => launch({ args, home: folder.path })
    const killed = { waiting: 0, working: 0 }
    try {
      for (let round = 1; round <= ROUNDS; round += 1) {
        // One more letter each round, so that there is something to store.
        maildrop.left = letters.slice(0, round)
        let stepsLeft = random.between(1, STEPS)
        let release = () => {}
        const released = new Promise<void>((resolve) => {
          release = resolve
        })
        maildrop.onStep = async () => {
          stepsLeft -= 1
          if (stepsLeft <= 0) await released
        }
        // The server answers no more from some step on: whoever holds the lock cannot end, and the other one must.
        const { finished, other } = await firstOf([start(), start()])
        expect({ seed: SEED, round, code: finished.code, said: `${finished.stderr}` }).toEqual({
          ...{ seed: SEED, round, code: 75 },
          said: expect.stringMatching(/held by another run/),
        })
        const kill = () => other.child.kill('SIGKILL')
        if (round % 2 === 0) {
          kill()
          expect((await other.finished).signal).toBe('SIGKILL')
          killed.waiting += 1
          release()
        } else {
          let behind = random.between(0, STEPS_BEHIND)
          maildrop.onStep = () => {
            behind -= 1
            if (behind === 0) kill()
          }
          release()
          if (behind === 0) kill()
          const { code, signal, stderr } = await other.finished
          // It may have come to its end before.
          expect(signal ?? code, `seed ${SEED}, round ${round}: ${stderr}`).toBe(
            signal === null ? 0 : 'SIGKILL',
          )
          if (signal !== null) killed.working += 1
        }
        maildrop.onStep = () => {}
        const next = await start().finished
        const { code, stderr } = next
        expect({ seed: SEED, round, code, said: `${stderr}` }).toEqual({
          ...{ seed: SEED, round, code: 0, said: '' },
        })
        await server.played()
      }
      expect(unsettled(place, maildrop, 'keep')).toEqual([])
      expect(killed.waiting).toBe(ROUNDS / 2)
      expect(killed.working).toBeGreaterThan(0)
      console.log(
        `${kind}: killed ${killed.waiting} times as it waited, ${killed.working} as it worked`,
      )
    } finally {
      await server.close()
      folder.remove()
    }
  })
})
