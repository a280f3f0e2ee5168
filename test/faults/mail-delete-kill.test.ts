/** kill -9 with a server that deletes at DELE at once: whatever is gone there is in the archive, and known to be. */
import { expect, it } from 'vitest'
import { archiveOf } from '../reliability/judgement.ts'
import type { Step } from '../reliability/maildrop.ts'
import { launch } from '../reliability/program.ts'
import { chosen, type Experiment, experiment, SEED } from '../reliability/sweep.ts'
import { query } from '../support/archive-content.ts'

const CASE = {
  number: 'D17',
  name: 'deletes at DELE, and the client is killed at any moment',
}

/** Of each archive. */
const POINTS = 4

async function killedAt({ maildrop, args, home }: Experiment, step: number): Promise<boolean> {
  const { child, finished } = launch({ args, home })
  let seen = 0
  maildrop.onStep = async () => {
    seen += 1
    if (seen !== step) return
    child.kill('SIGKILL')
    await finished
  }
  return (await finished).signal === 'SIGKILL'
}

function journalledIn(archive: string): number {
  const [row] = query(archive, "SELECT count(*) AS n FROM receipt WHERE state = 'delete sent'")
  return Number(row?.n)
}

it.each(['sqlite', 'maildir'] as const)(`${CASE.name} (%s)`, { timeout: 300_000 }, async (kind) => {
  const setting = { kind, mode: 'delete' } as const
  const steps: Step[] = []
  const { wrong: first } = await experiment(setting, async (on) => {
    on.maildrop.deletesAtOnce = true
    on.maildrop.onStep = (step) => void steps.push(step)
    const { args, home } = on
    await launch({ args, home }).finished
  })
  // Before the first DELE the other sweeps kill.
  const begin = steps.findIndex(({ line }) => line.startsWith('DELE'))
  const points = chosen([...steps.keys()].slice(begin), POINTS, SEED)
  const wrong = [...first]
  for (const point of points) {
    const { line, at } = steps[point] ?? {}
    const { wrong: found, result } = await experiment(setting, async (on) => {
      const { maildrop, place } = on
      maildrop.deletesAtOnce = true
      const isKilled = await killedAt(on, point + 1)
      const gone = maildrop.letters.length - maildrop.left.length
      return { isKilled, gone, journalled: journalledIn(archiveOf(place)) }
    })
    const all = [
      ...found,
      ...(result.isKilled ? [] : ['it was not killed']),
      ...(result.journalled < result.gone ? ['what is gone is not journalled'] : []),
    ]
    wrong.push(...all.map((text) => `${line}, ${at}: ${text}`))
  }
  expect(points.length).toBeGreaterThan(3)
  expect(wrong).toEqual([])
})
