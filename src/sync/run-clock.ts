/** The time that one account's run has, and what it waits for. */
import type { SyncContext } from './context.ts'
import { DeadlineError } from './errors.ts'
import type { SyncEvent } from './ports/events.ts'
import type { Findings } from './report.ts'

export type WaitReason = Extract<SyncEvent, { type: 'waiting' }>['reason']

/** What time it is in one run, whether its deadline has passed, and its waits, which never go beyond that. */
export class RunClock {
  readonly #context: SyncContext
  readonly #findings: Findings

  constructor(context: SyncContext, findings: Findings) {
    this.#context = context
    this.#findings = findings
  }

  /** Ms since the epoch. */
  get now(): number {
    return this.#context.now()
  }

  /** The deadline has passed. */
  get isOver(): boolean {
    const deadline = this.#context.patience?.deadline
    return deadline !== undefined && this.now >= deadline
  }

  /**
   * Says until when, and waits. Throws at once if the run's time ends before: then `cause`, the error that made it wait, if
   * nothing was stored, else DeadlineError.
   */
  async waitUntil(until: number, reason: WaitReason, cause?: unknown): Promise<void> {
    const { identity, patience, progress, signal } = this.#context
    const deadline = patience?.deadline ?? Number.POSITIVE_INFINITY
    if (patience === undefined || until >= deadline) throw this.outOfTime(cause)
    const ms = Math.max(0, until - this.now)
    if (ms === 0) return
    progress({
      type: 'waiting',
      account: identity.name,
      until: new Date(until).toISOString(),
      reason,
      ...(cause instanceof Error ? { cause: cause.message } : {}),
    })
    await patience.aside(() => patience.wait(ms, signal))
  }

  /** What a run ends with that had to stop before all was done. */
  outOfTime(cause?: unknown): unknown {
    const hasStored = this.#findings.tally.stored > 0
    if (cause !== undefined && !hasStored) return cause
    return new DeadlineError('the time for this run is over before all was retrieved', { cause })
  }
}
