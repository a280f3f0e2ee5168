import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { watchPeakMemory } from '../test/support/peak-memory.ts'

/**
 * Runs a command to its end. Returns its wall-clock time in ms, from fork to exit, and the peak of its resident memory in
 * octets. Throws with what it said if it does not leave with 0.
 */
export async function measure({ command, args, env }) {
  const start = performance.now()
  const child = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  const memory = watchPeakMemory(child.pid)
  const said = []
  child.stderr.on('data', (chunk) => said.push(chunk))
  const [code] = await once(child, 'exit')
  const ms = performance.now() - start
  const peakOctets = memory.stop()
  if (code !== 0) throw new Error(`${command} left with ${code}: ${Buffer.concat(said)}`)
  return { ms, peakOctets }
}

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
