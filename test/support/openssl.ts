import { execFileSync } from 'node:child_process'

/** Whether throwaway certificates can be made here; tests that need them are skipped where not. */
export const hasOpenssl = ((): boolean => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()
