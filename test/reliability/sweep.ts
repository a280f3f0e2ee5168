/** One experiment of a kill sweep: a sync that is killed, what must hold then, and the sync after it. */
import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../support/temp.ts'
import { archiveOf, lostMail, type Place, readableByOthers, unsettled } from './judgement.ts'
import { lettersOf, Maildrop } from './maildrop.ts'
import { launch, syncWords } from './program.ts'

export interface Setting {
  readonly kind: Place['kind']
  readonly mode: 'keep' | 'delete'
}

export const SETTINGS: readonly Setting[] = [
  { kind: 'sqlite', mode: 'delete' },
  { kind: 'maildir', mode: 'delete' },
  { kind: 'sqlite', mode: 'keep' },
  { kind: 'maildir', mode: 'keep' },
]

/** One larger than what is held in memory, so that staging is used. */
const LETTERS = 6

/** A fresh maildrop and place, and the command line that brings them together. */
export interface Experiment {
  readonly maildrop: Maildrop
  readonly place: Place
  readonly home: string
  readonly args: readonly string[]
}

/**
 * Sets an experiment up, lets `fault` happen, and judges. Returns what was wrong, and what `fault` returned.
 *
 * After the fault: every DELE that came was of a message that the archive has, and nothing visible is partial. After the next
 * run: it says nothing, leaves with 0, the archive has each letter once, `verify` agrees.
 */
export async function experiment<T>(
  setting: Setting,
  fault: (on: Experiment) => Promise<T>,
): Promise<{ readonly wrong: readonly string[]; readonly result: T }> {
  const temporary = temporaryFolder('sweep')
  const folder = join(temporary.path, 'archive')
  const place = { kind: setting.kind, folder }
  mkdirSync(folder)
  const maildrop = new Maildrop(lettersOf(LETTERS))
  const server = await maildrop.serve()
  const args = syncWords(server.port, archiveOf(place), setting.mode)
  try {
    const result = await fault({ maildrop, place, home: temporary.path, args })
    // What the client had sent before it died is still read.
    await server.played()
    const wrong = [...lostMail(place, maildrop)]
    maildrop.onStep = () => {}
    wrong.push(...(await runsClean(args, temporary.path)))
    await server.played()
    wrong.push(...unsettled(place, maildrop, setting.mode), ...readableByOthers(place))
    wrong.push(...(await runsClean(['verify', '--archive', archiveOf(place)], folder)))
    return { wrong, result }
  } finally {
    await server.close()
    temporary.remove()
  }
}

/** Calls are counted, and wakings of the event loop are calls too, which come as they like: a miss is tried again. */
export async function untilHit<T extends { readonly at: string | undefined }>(
  attempt: () => Promise<T>,
): Promise<T> {
  for (let left = 2; left > 0; left -= 1) {
    const result = await attempt()
    if (result.at !== undefined) return result
  }
  return attempt()
}

async function runsClean(args: readonly string[], home: string): Promise<readonly string[]> {
  const { code, signal, stderr } = await launch({ args, home }).finished
  return code === 0 ? [] : [`${args[0]} left with ${code ?? signal}: ${stderr}`]
}

/**
 * `count` of the points, evenly spread, the first by `seed`. POPKEEP_SWEEP asks for all of them, or for a share (0.25: each
 * fourth one), if that is more. Each kind of call has its share: there are a hundred writes of a page for one link.
 */
export function chosen<T>(points: readonly T[], count: number, seed: number): readonly T[] {
  const wanted = Math.max(count, shareAskedFor() * points.length)
  if (points.length <= wanted) return points
  const step = points.length / wanted
  const start = ((seed * 0.618) % 1) * step
  return Array.from(
    { length: Math.floor(wanted) },
    (_, index) => points[Math.floor(start + index * step)],
  ).filter((point) => point !== undefined)
}

function shareAskedFor(): number {
  const { POPKEEP_SWEEP: asked } = process.env
  return asked === 'all' ? 1 : Number(asked ?? 0)
}

/** What a sweep did in one setting. */
export interface SweepResult {
  readonly sweep: 'calls' | 'steps'
  readonly setting: Setting
  /** Instants at which the client could be killed. */
  readonly points: number
  readonly runs: number
  /** Runs that were killed where they should be. */
  readonly kills: number
  /** Violations, one a line. */
  readonly wrong: readonly string[]
}

/** Prints what a sweep did, and appends it to the file that POPKEEP_SWEEP_RESULTS names. */
export function record(result: SweepResult): void {
  const { sweep, setting, points, runs, kills, wrong } = result
  console.log(
    `${setting.kind}, ${setting.mode}: ${points} ${sweep}, ${runs} runs, ${kills} killed there, ` +
      `${wrong.length} wrong; seed ${SEED}`,
  )
  const path = process.env.POPKEEP_SWEEP_RESULTS
  if (path) appendFileSync(path, `${JSON.stringify({ ...result, seed: SEED })}\n`)
}

/**
 * What is wrong. A sweep that killed nobody, or missed more than a fifth of its points, has proven nothing, and that is wrong,
 * too. (Wakings of the event loop are writes and come as they like: a few runs are killed at one of those.)
 */
export function judged({ runs, kills, wrong }: SweepResult): readonly string[] {
  const isSweep = kills > 0 && kills >= runs * 0.8
  return isSweep ? wrong : [...wrong, `${kills} of ${runs} runs were killed`]
}

/** Where POPKEEP_SEED does not say otherwise, each Node has points of its own: CI runs two. */
export const SEED = Number(process.env.POPKEEP_SEED ?? process.versions.node.split('.')[0])
