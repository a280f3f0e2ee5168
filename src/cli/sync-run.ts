import { setTimeout as delay } from 'node:timers/promises'
import { type ArchiveLocation, formatLocation } from '../archive/location.ts'
import type { SyncContext } from '../sync/context.ts'
import { previewAccount, syncAccount } from '../sync/engine.ts'
import type { Patience } from '../sync/patience.ts'
import type { Archive } from '../sync/ports/archive.ts'
import { type AccountResult, emptyTally } from '../sync/report.ts'
import { openArchive, openLedger, type SyncTask } from './compose.ts'
import type { CommandContext } from './context.ts'
import { aggregate } from './exit-codes.ts'
import { InterruptedError } from './failure.ts'
import { interruptibly } from './interruption.ts'
import { type ArchivePlaces, RecordedArchive, requirePlace } from './recorded-archive.ts'
import { type Limit, limitOf, Seat } from './seat.ts'
import { SyncTalk, type TalkOptions } from './sync-talk.ts'

export interface SyncRunOptions extends TalkOptions {
  readonly jobs: number
  readonly jobsPerHost: number
  readonly dryRun?: boolean | undefined
  /** Undefined: archives are made where none are, and not remembered. */
  readonly places?: ArchivePlaces | undefined
  /** Ms that the run may take; undefined: any time. */
  readonly deadline?: number | undefined
  /** Ms that an account waits for another run that holds it; undefined: not at all. */
  readonly wait?: number | undefined
}

/**
 * Syncs the accounts, several at once, and says how each of them ended. Returns the exit code of all. One that fails
 * does not stop the others; an interruption stops all.
 */
export async function runSyncTasks(
  tasks: readonly SyncTask[],
  options: SyncRunOptions,
  context: CommandContext,
): Promise<number> {
  const { output, signals, quit, now } = context
  const talk = await SyncTalk.open(output, options, now)
  const quitCleanly = (exit: number): void => {
    talk.stop()
    quit(exit)
  }
  try {
    return await interruptibly(signals, quitCleanly, async (signal) => {
      const isWatched = output.stderr.isTTY === true
      const exits = await new SyncRun(tasks, options, { talk, isWatched, signal, now }).all()
      const reason: unknown = signal.reason
      const interruption = reason instanceof InterruptedError ? reason : undefined
      const exit = interruption?.exit ?? aggregate(exits)
      talk.close(exit, interruption)
      return exit
    })
  } finally {
    talk.stop()
  }
}

interface RunContext {
  readonly talk: SyncTalk
  /** Somebody looks on. */
  readonly isWatched: boolean
  readonly signal: AbortSignal
  readonly now: () => number
}

class SyncRun {
  readonly #tasks: readonly SyncTask[]
  readonly #isDryRun: boolean
  readonly #places: ArchivePlaces | undefined
  /** Ms since the epoch. */
  readonly #deadline: number | undefined
  readonly #lockWait: number | undefined
  readonly #context: RunContext
  readonly #jobs: Limit
  readonly #jobsPerHost: number
  readonly #hosts = new Map<string, Limit>()
  readonly #archives = new Map<string, Archive>()

  constructor(tasks: readonly SyncTask[], options: SyncRunOptions, context: RunContext) {
    this.#tasks = tasks
    this.#isDryRun = options.dryRun === true
    this.#places = options.places
    this.#context = context
    this.#lockWait = options.wait
    this.#jobs = limitOf(options.jobs)
    this.#jobsPerHost = options.jobsPerHost
    this.#deadline = options.deadline && context.now() + options.deadline
  }

  /** Exit codes, one an account. */
  async all(): Promise<readonly number[]> {
    return await Promise.all(
      this.#tasks.map(async (task) => {
        const seat = new Seat([this.#host(task.identity.host), this.#jobs])
        await seat.take()
        try {
          return await this.#one(task, seat)
        } finally {
          seat.give()
        }
      }),
    )
  }

  async #one(task: SyncTask, seat: Seat): Promise<number> {
    const { talk, signal, now } = this.#context
    try {
      signal.throwIfAborted()
      const { identity, policy, warning } = task
      if (warning !== undefined) {
        talk.take({ type: 'notice', account: identity.name, code: 'CLEAR_TEXT', text: warning })
      }
      const maildrop = await task.prepare(signal)
      const patience = this.#patience(seat)
      const context = { identity, maildrop, policy, progress: talk.take, signal, now, patience }
      const sync = this.#isDryRun ? this.#preview(context, task) : this.#sync(context, task)
      return talk.finished(await sync)
    } catch (error) {
      return talk.finished(failed(task, error))
    }
  }

  #patience(seat: Seat): Patience {
    const { isWatched } = this.#context
    return {
      wait: (ms, signal) => delay(ms, undefined, { signal }),
      aside: (waiting) => seat.without(waiting),
      random: Math.random,
      deadline: this.#deadline,
      lockWait: this.#lockWait,
      isWatched,
    }
  }

  #sync(context: SyncContext, task: SyncTask): Promise<AccountResult> {
    const key = formatLocation(task.location)
    const archive = this.#archives.get(key) ?? this.#archive(task.location)
    this.#archives.set(key, archive)
    return syncAccount(context, archive, task.configured)
  }

  #archive(location: ArchiveLocation): Archive {
    const archive = openArchive(location)
    if (this.#places === undefined) return archive
    const { take: progress } = this.#context.talk
    return new RecordedArchive(archive, location, { places: this.#places, progress })
  }

  async #preview(context: SyncContext, task: SyncTask): Promise<AccountResult> {
    if (this.#places !== undefined) requirePlace(task.location, this.#places)
    const ledger = openLedger(task)
    try {
      return await previewAccount(context, ledger)
    } finally {
      ledger.close()
    }
  }

  #host(host: string): Limit {
    const limit = this.#hosts.get(host) ?? limitOf(this.#jobsPerHost)
    this.#hosts.set(host, limit)
    return limit
  }
}

/** The result of an account that did not come as far as the engine. */
function failed(task: SyncTask, error: unknown): AccountResult {
  return {
    account: task.identity.name,
    error,
    counts: emptyTally(),
    known: 0,
    postponed: 0,
    renamedFrom: undefined,
    refusals: [],
    preview: undefined,
  }
}
