/** The state of one account's run, through all its sessions. */
import type { SyncContext } from './context.ts'
import type { AccountLedger } from './ports/archive.ts'
import type { LedgerView } from './ports/ledger.ts'
import type { MaildropSession } from './ports/maildrop.ts'
import {
  type AccountResult,
  type Findings,
  noFindings,
  type Preview,
  type Tally,
} from './report.ts'
import { mayPipeline } from './server-sense.ts'
import { SessionRun } from './session-run.ts'
import { Sessions } from './sessions.ts'

/** One account's run, or its dry run: what its sessions find, and the result that they come to. */
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

  /** Throws as the sessions do. */
  async sync(ledger: AccountLedger): Promise<void> {
    await new Sessions(this.#context, ledger, this.#findings).run()
  }

  async #open(ledger: LedgerView): Promise<MaildropSession> {
    const { identity, maildrop, progress, signal, now } = this.#context
    progress({ type: 'connecting', account: identity.name })
    return await maildrop.open(signal, { pipelining: mayPipeline(ledger.facts, now()) })
  }
}
