/** How long one account's run may wait, and by whose clock. */
export interface Patience {
  /** Resolves after so many ms; rejects once the signal is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>
  /** Runs a wait without a connection: others may have meanwhile what the account holds of the machine and of the host. */
  aside(waiting: () => Promise<void>): Promise<void>
  /** From 0 up to 1. */
  random(): number
  /** When the run is to end, ms since the epoch. Undefined: it may take any time, but tries little again. */
  readonly deadline?: number | undefined
  /** How long a lock of another run is waited for, ms, Infinity for ever. Undefined: not at all. */
  readonly lockWait?: number | undefined
  /** Somebody looks on and may interrupt: the first login waits for the server's pause too, instead of failing. */
  readonly isWatched?: boolean | undefined
}
