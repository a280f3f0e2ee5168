// F5: everything was retrieved before; what a nightly run costs when no mail came.
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bareNode, installed, mpop, popkeep } from './contestants.mjs'
import { goal, look } from './goals.mjs'
import { alternate, expectKept, measure } from './measure.mjs'

export async function nothingNew(bench) {
  const { user, messages } = await bench.maildrop('listed')
  const contestants = installed([mpop(), popkeep('sqlite'), popkeep('maildir')])
  const rows = await again(bench, contestants, { user, messages })
  const { ms } = look(rows)
  const limit = ms('mpop') * 1.5
  return {
    name: `nothing new, ${bench.count(messages)} listed`,
    rows,
    goals: ms('mpop')
      ? ['sqlite', 'maildir'].map((kind) =>
          goal('F5', `${kind} / (mpop x 1.5)`, ms(`popkeep, ${kind}`) / limit, 1),
        )
      : [],
  }
}

/** Where the listing is short: what the program costs by being there. */
export async function nothingListed(bench) {
  const { user, messages } = await bench.maildrop('few')
  const contestants = installed([bareNode, mpop(), popkeep('sqlite'), popkeep('maildir')])
  const rows = await again({ ...bench, runs: bench.runs * 2 }, contestants, { user, messages })
  const { ms } = look(rows)
  return {
    name: `nothing new, ${bench.count(messages)} listed`,
    rows,
    goals: ['sqlite', 'maildir'].map((kind) =>
      goal('F5', `${kind} over bare Node, ms`, ms(`popkeep, ${kind}`) - ms('bare Node'), 60),
    ),
  }
}

async function again(bench, contestants, { user, messages }) {
  const { folder, port } = bench
  const folders = new Map()
  for (const [index, contestant] of contestants.entries()) {
    const own = join(folder, `${user}-${index}`)
    folders.set(contestant, own)
    await fill(own, contestant, { ...bench, user })
  }
  execFileSync('sync')
  const once = async (contestant) => {
    const own = folders.get(contestant)
    const sample = await measure(contestant.command({ folder: own, port, user }))
    expectKept(contestant, own, messages)
    return sample
  }
  return await alternate(contestants, { ...bench, once })
}

/** The first retrieval, which nobody times: in memory, where fsync costs nothing, and copied to its place. */
async function fill(own, contestant, { tmpfs, port, user }) {
  const place = tmpfs ? join(tmpfs, 'fill') : own
  mkdirSync(place)
  await measure(contestant.command({ folder: place, port, user }))
  if (place === own) return
  execFileSync('cp', ['--archive', place, own])
  rmSync(place, { recursive: true })
  // What has noted where its files are, or since when, is to find that out in a run that is not timed.
  await measure(contestant.command({ folder: own, port, user }))
}
