/** The state of one account's run, through all its sessions. */
import type { SyncContext } from './context.ts'
import type { AccountLedger, LedgerView, MaildropSession } from './ports.ts'
import {
  type AccountResult,
  type Findings,
  noFindings,
  type Preview,
  type Tally,
} from './report.ts'
import { mayPipeline, pipeliningFailed } from './server-sense.ts'
import { SessionRun } from './session-run.ts'

export class AccountRun {
  readonly #context: SyncContext
  readonly #findings: Findings = noFindings()
  #preview: Preview | undefined

  constructor(context: SyncContext) {
    this.#context = context
  }

  get tally(): Tally {
    return this.#findings.tally
  }

  result(error: unknown, renamedFrom?: string): AccountResult {
    const { tally, known, postponed, refusals } = this.#findings
    return {
      account: this.#context.identity.name,
      error,
      counts: { ...tally },
      known,
      postponed,
      renamedFrom,
      refusals,
      preview: this.#preview,
    }
  }

  async preview(ledger: LedgerView): Promise<void> {
    const session = await this.#open(ledger)
    try {
      this.#preview = await new SessionRun(this.#context, session, this.#findings).preview(ledger)
    } catch (error) {
      session.close()
      throw error
    }
  }

  async sync(ledger: AccountLedger): Promise<void> {
    const { signal } = this.#context
    const session = await this.#open(ledger)
    try {
      await new SessionRun(this.#context, session, this.#findings).sync(ledger)
    } catch (error) {
      session.close()
      const isSuspect = session.pipelined && !signal.aborted
      if (isSuspect && pipeliningFailed(error, this.tally)) {
        await this.#rememberPipelining(ledger, error)
      }
      throw error
    }
  }

  /** Throws what the archive says, with the session's error as its cause: then both are wrong, and mail was not stored. */
  async #rememberPipelining(ledger: AccountLedger, sessionError: unknown): Promise<void> {
    const pipeliningFailedAt = new Date(this.#context.now()).toISOString()
    try {
      await ledger.learn({ pipeliningFailedAt })
    } catch (error) {
      if (error instanceof Error) error.cause ??= sessionError
      throw error
    }
  }

  async #open(ledger: LedgerView): Promise<MaildropSession> {
    const { identity, maildrop, progress, signal, now } = this.#context
    progress({ type: 'connecting', account: identity.name })
    return await maildrop.open(signal, { pipelining: mayPipeline(ledger.facts, now()) })
  }
}
