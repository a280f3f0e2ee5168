import { readFileSync } from 'node:fs'

/** Between two looks, in ms. */
const INTERVAL_MS = 20

/**
 * Watches the resident memory of a process (Linux: VmHWM of /proc/PID/status, all its threads). Unlike ru_maxrss it does
 * not begin with what the parent had at the fork. The mark only grows, so what was seen last is the peak, but for the
 * last few milliseconds.
 */
export function watchPeakMemory(pid: number): { stop(): number } {
  let peak = 0
  const look = () => {
    peak = Math.max(peak, peakMemory(pid) ?? 0)
  }
  const timer = setInterval(look, INTERVAL_MS)
  return {
    stop: () => {
      clearInterval(timer)
      return peak
    },
  }
}

/** In octets, or undefined if the process is gone. */
function peakMemory(pid: number): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
  } catch {
    // Between the end of a process and the news of it.
    return undefined
  }
}
