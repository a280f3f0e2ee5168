// What is measured: works on maildrops, each by every contestant in turn.
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { measure, median } from './measure.mjs'

/** Each run starts from an empty folder and retrieves everything. */
export async function retrieveAll(contestants, { name, user, messages, runs, port, folder }) {
  const samples = new Map(contestants.map((contestant) => [contestant, []]))
  // Once without the clock: Dovecot indexes the maildrop, the files enter the page cache.
  await retrieveOnce(contestants[0], { user, messages, port, folder })
  for (let run = 0; run < runs; run++) {
    for (const contestant of contestants) {
      const sample = await retrieveOnce(contestant, { user, messages, port, folder })
      samples.get(contestant).push(sample)
    }
  }
  return rows(name, messages, samples)
}

/** Each contestant has everything; the runs find nothing new. */
export async function nothingNew(contestants, { name, user, messages, runs, port, folder }) {
  const samples = new Map(contestants.map((contestant) => [contestant, []]))
  const folders = new Map()
  for (const [index, contestant] of contestants.entries()) {
    const own = join(folder, `kept-${index}`)
    mkdirSync(own)
    folders.set(contestant, own)
    await measure(contestant.command({ folder: own, port, user }))
    expectKept(contestant, own, messages)
  }
  for (let run = 0; run < runs; run++) {
    for (const contestant of contestants) {
      const own = folders.get(contestant)
      samples.get(contestant).push(await measure(contestant.command({ folder: own, port, user })))
      expectKept(contestant, own, messages)
    }
  }
  for (const own of folders.values()) rmSync(own, { recursive: true })
  return rows(name, messages, samples)
}

async function retrieveOnce(contestant, { user, messages, port, folder }) {
  const own = join(folder, 'run')
  mkdirSync(own)
  // What the last run left to be written is not this one's burden.
  execFileSync('sync')
  const sample = await measure(contestant.command({ folder: own, port, user }))
  expectKept(contestant, own, messages)
  rmSync(own, { recursive: true })
  return sample
}

function expectKept(contestant, folder, messages) {
  const kept = contestant.kept({ folder })
  if (kept !== messages) throw new Error(`${contestant.name} kept ${kept} of ${messages} messages`)
}

function rows(name, messages, samples) {
  const first = samples.values().next().value
  const base = median(first.map(({ ms }) => ms))
  return [...samples].map(([contestant, taken]) => {
    const medianMs = median(taken.map(({ ms }) => ms))
    return {
      figure: name,
      messages,
      contestant: contestant.name,
      runsMs: taken.map(({ ms }) => Math.round(ms)),
      medianMs: Math.round(medianMs),
      ratio: Number((medianMs / base).toFixed(2)),
      peakMB: Math.round(Math.max(...taken.map(({ peakOctets }) => peakOctets)) / 1e6),
    }
  })
}
