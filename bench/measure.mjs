import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { watchPeakMemory } from '../test/support/peak-memory.ts'

const LARGE_OCTETS = 1e6

/**
 * Runs a command to its end. Returns its wall-clock time in ms, from fork to exit, and the peak of its resident memory in
 * octets. Throws with what it said if it does not leave with 0.
 */
export async function measure({ command, args, env, uid, gid }) {
  const start = performance.now()
  const child = spawn(command, args, { env, uid, gid, stdio: ['ignore', 'ignore', 'pipe'] })
  const memory = watchPeakMemory(child.pid)
  const said = []
  child.stderr.on('data', (chunk) => said.push(chunk))
  const [code] = await once(child, 'exit')
  const ms = performance.now() - start
  const peakOctets = memory.stop()
  if (code !== 0) throw new Error(`${command} left with ${code}: ${Buffer.concat(said)}`)
  return { ms, peakOctets }
}

/**
 * The contestants in turn, `runs` times; a warming-up by the first goes before. Who takes longer than `slowMs` runs once: the
 * fifth time would tell nothing more. Returns their rows.
 */
export async function alternate(contestants, { runs, slowMs, once: runOnce }) {
  const samples = new Map(contestants.map((contestant) => [contestant, []]))
  await runOnce(contestants[0])
  for (let run = 0; run < runs; run++) {
    for (const [contestant, taken] of samples) {
      if (taken[0]?.ms > slowMs) continue
      taken.push(await runOnce(contestant))
    }
  }
  return [...samples].map(([{ name }, taken]) => rowOf(name, taken))
}

/** One run from an empty folder; where it fails, another, as often as the contestant asks for it. */
export async function fromEmpty(contestant, at) {
  for (let left = contestant.attempts ?? 1; ; left--) {
    try {
      return await retrieveOnce(contestant, at)
    } catch (error) {
      if (left === 1) throw error
      console.error(`  again: ${error.message.trim()}`)
    }
  }
}

/**
 * In a folder of its own, in which `messages` messages have to be afterwards. It stays until the benchmark ends: for a minute or
 * more ext4 gives out no inode that was freed, but looks past each, and a file took ten times as long to make.
 */
async function retrieveOnce(contestant, { user, messages, port, folder }) {
  const own = mkdtempSync(join(contestant.place ?? folder, 'run-'))
  // What the last run left to be written is not this one's burden.
  execFileSync('sync')
  const sample = await measure(contestant.command({ folder: own, port, user }))
  expectKept(contestant, own, messages)
  if (contestant.place) rmSync(own, { recursive: true })
  else removeLargeFiles(own)
  return sample
}

/** Large files are few, and would fill the disk. */
function removeLargeFiles(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const file = statSync(path)
    if (file.isFile() && file.size > LARGE_OCTETS) rmSync(path)
  }
}

/** Throws if a contestant did not keep what it retrieved. */
export function expectKept(contestant, folder, messages) {
  const kept = contestant.kept?.({ folder }) ?? messages
  if (kept !== messages) throw new Error(`${contestant.name} kept ${kept} of ${messages} messages`)
}

/** Medians of samples. */
export function rowOf(name, samples) {
  return {
    contestant: name,
    runsMs: samples.map(({ ms }) => Math.round(ms)),
    medianMs: median(samples.map(({ ms }) => ms)),
    peakMB: Math.max(...samples.map(({ peakOctets }) => peakOctets)) / 1e6,
  }
}

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
