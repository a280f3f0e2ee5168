/** All sessions of one account's run: the first, those behind one that broke, those for the parts that a server shows. */
import type { SyncContext } from './context.ts'
import { Drain } from './drain.ts'
import { isTooSoon, LoginPace } from './login-pace.ts'
import type { AccountLedger } from './ports/archive.ts'
import type { MaildropSession } from './ports/maildrop.ts'
import type { Findings } from './report.ts'
import { type FailedSession, Retries } from './retry.ts'
import { RunClock } from './run-clock.ts'
import {
  announcesExpiry,
  mayPipeline,
  pipeliningFailed,
  showsParts,
  windowAfter,
} from './server-sense.ts'
import { type SessionEnd, type SessionOptions, SessionRun } from './session-run.ts'
import { Suspects } from './suspects.ts'

/** Commands outstanding where nothing broke yet, as the client has it. */
const WINDOW = 100

type Purpose = SessionOptions['purpose']

type Next = 'session' | 'end'

/** The sessions of one run, one after another: when the next one begins, what it is for, and when none follows. */
export class Sessions {
  readonly #context: SyncContext
  readonly #ledger: AccountLedger
  readonly #findings: Findings
  readonly #clock: RunClock
  readonly #pace: LoginPace
  readonly #retries: Retries
  readonly #suspects = new Suspects()
  /** Undefined: as the client has it. */
  #window: number | undefined
  /** What the last session listed and left there, where the next one may show another part. */
  #former: ReadonlySet<string> | undefined
  /** This run said first that the server deletes what was retrieved: its owner could not answer yet. */
  #isExpiryNews = false
  /** One more session was begun to delete. */
  #cameBack = false
  /** Why nothing but the suspects is asked for any more. */
  #givenUp: { readonly error: unknown } | undefined

  constructor(context: SyncContext, ledger: AccountLedger, findings: Findings) {
    const { patience } = context
    this.#context = context
    this.#ledger = ledger
    this.#findings = findings
    this.#clock = new RunClock(context, findings)
    this.#pace = new LoginPace(context, ledger, this.#clock)
    this.#retries = new Retries({
      isPatient: patience !== undefined,
      hasDeadline: patience?.deadline !== undefined,
      random: () => patience?.random() ?? 0,
    })
  }

  /**
   * What one session stored, and what it showed of the server, is durable before the next begins. Throws what ended the run:
   * the error of the last session, LoginDelayError, or DeadlineError where more is to come.
   */
  async run(): Promise<void> {
    while ((await this.#one('all')) === 'session') {
      // Waiting is part of it.
    }
    while (this.#suspects.size > 0) await this.#one('suspects')
    if (this.#givenUp) throw this.#givenUp.error
  }

  async #one(purpose: Purpose): Promise<Next> {
    const { signal, patience } = this.#context
    if (this.#clock.isOver) throw this.#clock.outOfTime()
    await this.#pace.turn()
    const drain = new Drain(signal, patience?.wait)
    // Read while the server lets us in and opens the maildrop: of 100,000 messages, that takes it longer.
    const asked = this.#ledger.receipts()
    // Where both fail, the session is what is told.
    asked.catch(() => undefined)
    try {
      const session = await this.#open(drain.connection, purpose)
      if (session === undefined) return 'session'
      const run = new SessionRun(this.#context, session, this.#findings)
      let end: SessionEnd
      try {
        end = await run.sync(this.#ledger, {
          ...{ drain, purpose, asked, suspects: this.#suspects, former: this.#former },
          endsWithoutQuit: await this.#meet(session),
          isOver: () => this.#clock.isOver,
          onPlan: (messages) => this.#retries.planned(messages),
        })
      } catch (error) {
        session.close()
        return await this.#broke(error, run, { purpose, wasPipelined: session.pipelined })
      }
      return await this.#ended(end, purpose)
    } finally {
      drain.release()
    }
  }

  /** Undefined: it did not open, and may be tried again now. */
  async #open(connection: AbortSignal, purpose: Purpose): Promise<MaildropSession | undefined> {
    const { identity, maildrop, progress, signal, now } = this.#context
    progress({ type: 'connecting', account: identity.name })
    const pipelining = purpose === 'all' && mayPipeline(this.#ledger.facts, now())
    try {
      return await maildrop.open(connection, { pipelining, window: this.#window })
    } catch (error) {
      signal.throwIfAborted()
      if (isTooSoon(error)) await this.#pace.refused(error)
      else await this.#tryAgain({ error, isAtMessage: false, wasPipelined: false })
      return undefined
    }
  }

  /** Remembers what this login showed. True: the session is to end without QUIT. */
  async #meet({ capabilities }: MaildropSession): Promise<boolean> {
    const { identity, policy, progress } = this.#context
    const { facts } = this.#ledger
    const { lines } = capabilities
    const isWarning = announcesExpiry(capabilities, policy) && !facts.isExpiryWarned
    const learned = {
      ...(facts.capabilities?.join('\n') === lines.join('\n') ? {} : { capabilities: lines }),
      ...(isWarning ? { isExpiryWarned: true } : {}),
      ...this.#pace.loggedIn(capabilities),
    }
    if (Object.keys(learned).length > 0) await this.#ledger.learn(learned)
    if (isWarning) {
      this.#isExpiryNews = true
      const text =
        'this server announces that it deletes what was retrieved when a session ends (EXPIRE 0). ' +
        'Sessions of this run that retrieve what is to be kept end without QUIT; to keep the mail there, set quit = false or use --no-quit'
      const account = identity.name
      progress({ type: 'notice', account, code: 'EXPIRE', text, isWarning })
    }
    return this.#isExpiryNews || policy.quit === false
  }

  /** The session came to its end. */
  async #ended(end: SessionEnd, purpose: Purpose): Promise<Next> {
    const isPart = this.#former && showsParts(this.#former, end.left)
    if (isPart !== undefined && isPart !== this.#ledger.facts.showsParts) {
      await this.#ledger.learn({ showsParts: isPart })
    }
    if (end.isCutShort) throw this.#clock.outOfTime()
    if (purpose === 'suspects') {
      this.#suspects.clear()
      return 'end'
    }
    if (end.deletesLater && this.#context.patience !== undefined && !this.#cameBack) {
      this.#cameBack = true
      return 'session'
    }
    const isMoreToSee = end.mayShowParts && end.stored > 0 && this.#findings.postponed === 0
    if (this.#context.patience === undefined || !isMoreToSee) return 'end'
    this.#former = end.left
    return 'session'
  }

  /** Remembers what the failure shows, and waits for the next try. Throws if the run ends with it. */
  async #broke(
    error: unknown,
    run: SessionRun,
    { purpose, wasPipelined }: { readonly purpose: Purpose; readonly wasPipelined: boolean },
  ): Promise<Next> {
    this.#context.signal.throwIfAborted()
    const { broken } = run
    const head = run.brokenAt(error)
    if (wasPipelined && pipeliningFailed(error, broken)) {
      await this.#rememberPipelining(error)
      this.#retries.learned()
    }
    this.#window = windowAfter(this.#window ?? WINDOW, broken)
    this.#former = undefined
    if (isTooSoon(error)) {
      await this.#pace.refused(error)
      return 'session'
    }
    const isAtMessage = head !== undefined
    const failure = { error, isAtMessage, isAstray: head?.isAstray, wasPipelined }
    if (head !== undefined && this.#retries.isTemporary(failure)) {
      const isAlone = purpose === 'suspects'
      if (isAlone) {
        await run.giveUp(this.#ledger, head, error)
        this.#suspects.triedAlone(head.key)
      }
      if (isAlone || this.#suspects.broke(head.key)) this.#retries.progressed()
    }
    await this.#tryAgain(failure)
    if (purpose === 'suspects' || !this.#suspects.isFull) return 'session'
    this.#givenUp = { error }
    return 'end'
  }

  async #tryAgain(failure: FailedSession): Promise<void> {
    const retry = this.#retries.after(failure)
    if (retry === undefined) throw failure.error
    const { afterMs, reason } = retry
    await this.#clock.waitUntil(this.#clock.now + afterMs, reason, failure.error)
  }

  /** Throws what the archive says, with the session's error as its cause: then both are wrong, and mail was not stored. */
  async #rememberPipelining(sessionError: unknown): Promise<void> {
    const pipeliningFailedAt = new Date(this.#clock.now).toISOString()
    try {
      await this.#ledger.learn({ pipeliningFailedAt })
    } catch (error) {
      if (error instanceof Error) error.cause ??= sessionError
      throw error
    }
  }
}
