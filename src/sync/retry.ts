/** Whether, and after what time, a session that failed is followed by another one in the same run. */
import { UnsureDeletionError } from '../pop3/errors.ts'
import { codeOf } from './errors.ts'

const TEMPORARY: ReadonlySet<string> = new Set([
  ...['NET_DNS', 'NET_REFUSED', 'NET_TIMEOUT', 'NET_CLOSED'],
  ...['POP3_TEMPORARY', 'POP3_GREETING_REFUSED', 'LOGIN_IN_USE', 'LOGIN_TEMPORARY'],
  'OAUTH_TEMPORARY',
])

/** What a single message can do to a session, as the temporary troubles can. */
const BY_MESSAGE: ReadonlySet<string> = new Set(['POP3_LIMIT'])

const SECOND = 1000
const MINUTE = 60 * SECOND

const BACK_OFF: readonly number[] = [SECOND, 5 * SECOND, 30 * SECOND, 2 * MINUTE]

/** A maildrop that is in use may stay so for a quarter of an hour after the session that held it was lost. */
const IN_USE: readonly number[] = [
  ...[5 * SECOND, 15 * SECOND, MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE],
  15 * MINUTE,
]

/** Sessions in a row that brought nothing on, after which a run without a deadline gives up. */
const SESSIONS_IN_VAIN = 3

export interface FailedSession {
  readonly error: unknown
  /** A message was being retrieved. */
  readonly isAtMessage: boolean
  /** It ended before its listed octets, and the rest of it came in the place of replies. */
  readonly isAstray?: boolean | undefined
  /** Several commands could be outstanding. */
  readonly wasPipelined: boolean
}

export interface Retry {
  readonly afterMs: number
  readonly reason: 'in use' | 'retry'
}

export interface RetryOptions {
  /** False: nothing is tried again. */
  readonly isPatient: boolean
  readonly hasDeadline: boolean
  /** From 0 up to 1. */
  readonly random: () => number
}

/** The failures of one run. */
export class Retries {
  readonly #options: RetryOptions
  #hasOpened = false
  /** Failures since something was brought on. */
  #failures = 0
  #leastToRetrieve = Number.POSITIVE_INFINITY

  constructor(options: RetryOptions) {
    this.#options = options
  }

  /** A session knows what there is to retrieve. Less than ever before: the one before it brought that on. */
  planned(toRetrieve: number): void {
    this.#hasOpened = true
    if (toRetrieve < this.#leastToRetrieve) this.progressed()
    this.#leastToRetrieve = Math.min(this.#leastToRetrieve, toRetrieve)
  }

  progressed(): void {
    this.#failures = 0
  }

  /** The session that failed taught how to hold the next one. */
  learned(): void {
    this.#hasOpened = true
  }

  /**
   * Whether another session may go better. What only the owner or somebody at the server can mend does not; out of step
   * does, one command at a time, or without the message that led to it, and so does a maildrop that changed meanwhile.
   */
  isTemporary({ error, isAtMessage, isAstray = false, wasPipelined }: FailedSession): boolean {
    const code = codeOf(error)
    if (error instanceof UnsureDeletionError) return true
    if (code === 'POP3_OUT_OF_STEP') return wasPipelined || isAstray
    return TEMPORARY.has(code) || (isAtMessage && BY_MESSAGE.has(code))
  }

  /**
   * Undefined: the run ends with this error. Without a deadline a server that cannot be reached at all is left to the next
   * run, and so is one where three sessions in a row brought nothing on.
   */
  after(failure: FailedSession): Retry | undefined {
    const { isPatient, hasDeadline, random } = this.#options
    if (!isPatient || !this.isTemporary(failure)) return undefined
    this.#failures += 1
    const isWorthIt = this.#hasOpened && this.#failures < SESSIONS_IN_VAIN
    if (!hasDeadline && !isWorthIt) return undefined
    const isInUse = codeOf(failure.error) === 'LOGIN_IN_USE'
    const steps = isInUse ? IN_USE : BACK_OFF
    const step = steps[Math.min(this.#failures, steps.length) - 1] ?? SECOND
    // Accounts of one host that were cut off together do not come back together.
    const afterMs = Math.round(step * (0.8 + 0.4 * random()))
    return { afterMs, reason: isInUse ? 'in use' : 'retry' }
  }
}
