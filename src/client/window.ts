import {
  CHECK_ROWS,
  WINDOW_COMMAND_OCTETS,
  WINDOW_COMMANDS,
  WINDOW_MESSAGE_OCTETS,
  WINDOW_MOST_COMMANDS,
  WINDOW_REFILL_COMMANDS,
  WINDOW_RESPONSE_OCTETS,
  WINDOW_UNLISTED_OCTETS,
} from '../pop3/limits.ts'

/** How much may be outstanding. */
export interface WindowLimits {
  readonly commands: number
  /** To which `commands` may grow. */
  readonly mostCommands: number
  readonly commandOctets: number
  readonly responseOctets: number
  /** Rows between two proofs that the session is in step. */
  readonly uncheckedRows: number
}

export const PIPELINED: WindowLimits = {
  commands: WINDOW_COMMANDS,
  mostCommands: WINDOW_MOST_COMMANDS,
  commandOctets: WINDOW_COMMAND_OCTETS,
  responseOctets: WINDOW_RESPONSE_OCTETS,
  uncheckedRows: CHECK_ROWS,
}

export const ONE_AT_A_TIME: WindowLimits = { ...PIPELINED, commands: 1, mostCommands: 1 }

/** The window is to hold what comes in so many round trips: replies wait for us, too, and come in lumps. */
const ROUND_TRIPS = 4

/** What came within less has waited for us, and came no faster than this for all we know. */
const LEAST_MS = 1

/** By which the window grows. */
export interface Pace {
  /** Ms that the server takes to answer one command alone; undefined: nobody knows, and nothing grows. */
  readonly roundTripMs: number | undefined
  /** Ms, from anywhere. */
  now(): number
}

const UNPACED: Pace = { roundTripMs: undefined, now: () => 0 }

interface Cost {
  readonly commandOctets: number
  readonly responseOctets: number
}

/**
 * The pipelining window (RFC 2449 section 6.6): arithmetic only. Refilled in bursts, so that each write carries many commands:
 * when half of the last filling was answered, and a wide one sooner, since what is asked for late comes a round trip late.
 *
 * It grows by the product of bandwidth and delay: where more replies come within a round trip than a quarter of it holds,
 * the server waits for us. A near server, or one that takes its time, sees the first limit alone; but replies that lay there because we
 * were slow to read look like those of a fast one.
 */
export class Window {
  #limits: WindowLimits
  readonly #pace: Pace
  readonly #costs: Cost[] = []
  #commandOctets = 0
  #responseOctets = 0
  #filledCommands = 0
  #filledOctets = 0
  /** Since the window was last measured. */
  #replies = 0
  #firstReplyAt = 0
  #measuredAt: number

  constructor(limits: WindowLimits, pace: Pace = UNPACED) {
    this.#limits = limits
    this.#pace = pace
    this.#measuredAt = pace.now()
  }

  /** As they have grown. */
  get limits(): WindowLimits {
    return this.#limits
  }

  get outstanding(): number {
    return this.#costs.length
  }

  /** It is time to fill: of the last filling half of the octets, half of the commands, or enough for a burst were answered. */
  get isLow(): boolean {
    return (
      this.#filledCommands - this.#costs.length >=
        Math.min(this.#filledCommands / 2, WINDOW_REFILL_COMMANDS) ||
      this.#responseOctets * 2 <= this.#filledOctets
    )
  }

  /** One burst: the window may grow, `admitAll` admits until there is no more room, and the low mark is measured from there. */
  fill(admitAll: () => void): void {
    this.#grow()
    admitAll()
    this.#filledCommands = this.#costs.length
    this.#filledOctets = this.#responseOctets
  }

  /**
   * Within a filling: takes a command into the window if there is room; a lone one always fits. `listedOctets` is the expected size of
   * its response, undefined if unknown.
   */
  admit(commandOctets: number, listedOctets: number | undefined): boolean {
    const responseOctets = Math.min(listedOctets ?? WINDOW_UNLISTED_OCTETS, WINDOW_MESSAGE_OCTETS)
    const { commands, commandOctets: maxCommandOctets, responseOctets: maxOctets } = this.#limits
    const fits =
      this.#costs.length < commands &&
      this.#commandOctets + commandOctets <= maxCommandOctets &&
      this.#responseOctets + responseOctets <= maxOctets
    if (!fits && this.#costs.length > 0) return false
    this.#costs.push({ commandOctets, responseOctets })
    this.#commandOctets += commandOctets
    this.#responseOctets += responseOctets
    return true
  }

  /** The oldest command was answered in full. */
  answered(): void {
    if (this.#replies === 0) this.#firstReplyAt = this.#pace.now()
    this.#replies += 1
    const cost = this.#costs.shift()
    this.#commandOctets -= cost?.commandOctets ?? 0
    this.#responseOctets -= cost?.responseOctets ?? 0
  }

  /** Before each filling, by no fewer replies than half of it: they come in lumps. */
  #grow(): void {
    const { commands, mostCommands } = this.#limits
    const { roundTripMs } = this.#pace
    if (roundTripMs === undefined || this.#replies * 2 < commands) return
    const now = this.#pace.now()
    // A server that was silent for longer than the wire explains has spent that time on these replies.
    const silentMs = now - this.#measuredAt - roundTripMs
    const elapsed = Math.max(LEAST_MS, now - this.#firstReplyAt, silentMs)
    const needed = Math.ceil((ROUND_TRIPS * this.#replies * roundTripMs) / elapsed)
    this.#replies = 0
    this.#measuredAt = now
    if (needed > commands) {
      this.#limits = { ...this.#limits, commands: Math.min(needed, mostCommands) }
    }
  }
}
