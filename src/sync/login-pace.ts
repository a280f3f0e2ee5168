/** When the next login may be, by what the server announces and by what it was seen to enforce. */
import { type Capabilities, parseCapabilities } from '../pop3/capabilities.ts'
import type { SyncContext } from './context.ts'
import { codeOf, LoginDelayError } from './errors.ts'
import type { ServerFacts, ServerMemory } from './ports/ledger.ts'
import type { RunClock } from './run-clock.ts'
import { announcedDelay, enforcedDelay, nextLoginAt, pastLogin } from './server-sense.ts'

/** Logins in a row that may be refused for their time in a run without a deadline. */
const REFUSALS = 3

/** Longer pauses are left to the next run. */
const MOST_PAUSE_MS = 3_600_000

/** When one run may log in: before each login it waits its turn, and what became of the login is told to it. */
export class LoginPace {
  readonly #context: SyncContext
  readonly #ledger: ServerMemory
  readonly #clock: RunClock
  #capabilities: Capabilities
  /** Ms since the epoch; of this run, or of a former one where it is remembered. */
  #last: number | undefined
  #hasLoggedIn = false
  #refusals = 0

  constructor(context: SyncContext, ledger: ServerMemory, clock: RunClock) {
    this.#context = context
    this.#ledger = ledger
    this.#clock = clock
    const { capabilities, lastLoginAt } = ledger.facts
    this.#capabilities = parseCapabilities(capabilities ?? [])
    this.#last = pastLogin(lastLoginAt, clock.now)
  }

  /**
   * Waits until the next login may be. The first of a run counts only a pause that the server was seen to enforce, and waits
   * only where somebody looks on or gave a deadline; else it throws LoginDelayError, and nothing is sent.
   */
  async turn(): Promise<void> {
    const announced = this.#hasLoggedIn ? announcedDelay(this.#capabilities) : 0
    const due = nextLoginAt(this.#ledger.facts, this.#last, announced)
    if (due === undefined || due <= this.#clock.now) return
    const error = new LoginDelayError(due)
    const { patience } = this.#context
    const mayWait =
      this.#hasLoggedIn || patience?.isWatched === true || patience?.deadline !== undefined
    if (!mayWait) throw error
    if (due - this.#clock.now > MOST_PAUSE_MS) throw this.#clock.outOfTime(error)
    // Our clock and the server's need not agree to the second.
    const margin = 1000 * (patience?.random() ?? 0)
    await this.#clock.waitUntil(due + margin, 'pause', error)
  }

  /** A login succeeded. Returns what to remember of it: nothing where no pause was ever heard of. */
  loggedIn(capabilities: Capabilities): Pick<ServerFacts, 'lastLoginAt'> {
    this.#capabilities = capabilities
    this.#last = this.#clock.now
    this.#hasLoggedIn = true
    this.#refusals = 0
    const isPacing =
      announcedDelay(capabilities) > 0 || this.#ledger.facts.loginDelaySeconds !== undefined
    return isPacing ? { lastLoginAt: new Date(this.#last).toISOString() } : {}
  }

  /**
   * A login was refused because it came too soon: the pause is remembered, and `turn` will wait for it. Throws the error
   * where that would be in vain.
   */
  async refused(error: unknown): Promise<void> {
    const serverText = textOf(error)
    const learned = enforcedDelay(this.#ledger.facts, { serverText, now: this.#clock.now })
    await this.#ledger.learn(learned)
    this.#last = Date.parse(learned.lastLoginAt)
    this.#refusals += 1
    const { patience } = this.#context
    const isPatient = patience?.isWatched === true || patience?.deadline !== undefined
    if (patience === undefined || !(this.#hasLoggedIn || isPatient)) throw error
    if (patience.deadline === undefined && this.#refusals >= REFUSALS) throw error
  }
}

/** Whether a login, or the first command behind it, was refused because it came too soon. */
export function isTooSoon(error: unknown): boolean {
  if (codeOf(error) === 'LOGIN_DELAY') return true
  return error instanceof Error && 'responseCode' in error && error.responseCode === 'LOGIN-DELAY'
}

function textOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('serverText' in error)) return undefined
  return typeof error.serverText === 'string' ? error.serverText : undefined
}
