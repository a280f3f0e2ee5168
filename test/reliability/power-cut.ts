/** One run of a program, with the power cut at instants that the server chooses. */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../support/temp.ts'
import type { Contestant } from './contestants.ts'
import { type Filesystem, makeImage, mountImage, stop } from './images.ts'
import { type Letter, lettersOf, Maildrop, type Step } from './maildrop.ts'

/** What a power cut at one instant left. */
export interface Cut {
  readonly step: Step
  /** DELEs that the server had seen. */
  readonly deleted: number
  /** Of the deleted messages, those that stand whole in the archive. */
  readonly kept: number
}

/** Looks at what a cut left, mounted at `archive`, when everything else is over. */
export type Inspect = (archive: string, left: readonly Letter[]) => Promise<void>

/**
 * Lets the program retrieve and delete `count` letters, on a filesystem of its own. At each step that `cuts` wants, the
 * program is stopped, the image copied, and the program let go on; afterwards the copies are mounted one by one.
 */
export async function cutPower(options: {
  readonly contestant: Contestant
  readonly filesystem: Filesystem
  readonly count: number
  readonly cuts: (step: Step) => boolean
  readonly inspect?: Inspect
}): Promise<readonly Cut[]> {
  const { contestant, filesystem, count, cuts, inspect = async () => {} } = options
  const folder = temporaryFolder('cut')
  const maildrop = new Maildrop(lettersOf(count))
  const server = await maildrop.serve()
  const image = makeImage(filesystem, folder.path)
  const taken: (Omit<Cut, 'kept'> & { readonly file: string; readonly left: readonly Letter[] })[] =
    []
  let mounted: { unmount(): void } | undefined = image
  try {
    const home = join(folder.path, 'home')
    mkdirSync(home)
    const where = { port: server.port, archive: join(image.path, 'archive'), home }
    contestant.prepare(where)
    // Only what happens from here on is put to the test.
    execFileSync('sync', ['-f', image.path])
    const { child, ended } = contestant.start(where)
    maildrop.onStep = (step) => {
      if (!cuts(step) || child.pid === undefined) return
      stop(child.pid)
      const file = join(folder.path, `cut-${taken.length}`)
      image.copyTo(file)
      taken.push({ step, deleted: maildrop.deles.length, file, left: maildrop.left })
      child.kill('SIGCONT')
    }
    await ended
    await server.played()
    mounted.unmount()
    mounted = undefined

    const results: Cut[] = []
    for (const { step, deleted, file, left } of taken) {
      const copy = mountImage(filesystem, file, image.path)
      mounted = copy
      const gone = new Set(maildrop.deles.slice(0, deleted).map(({ digest }) => digest))
      const letters = maildrop.letters.filter(({ digest }) => gone.has(digest))
      results.push({ step, deleted, kept: contestant.count(where.archive, letters) })
      await inspect(where.archive, left)
      mounted.unmount()
      mounted = undefined
    }
    return results
  } finally {
    mounted?.unmount()
    await server.close()
    folder.remove()
  }
}
