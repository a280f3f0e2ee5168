import {
  CHECK_ROWS,
  WINDOW_COMMAND_OCTETS,
  WINDOW_COMMANDS,
  WINDOW_MESSAGE_OCTETS,
  WINDOW_RESPONSE_OCTETS,
  WINDOW_UNLISTED_OCTETS,
} from '../pop3/limits.ts'

/** How much may be outstanding. */
export interface WindowLimits {
  readonly commands: number
  readonly commandOctets: number
  readonly responseOctets: number
  /** Rows between two proofs that the session is in step. */
  readonly uncheckedRows: number
}

export const PIPELINED: WindowLimits = {
  commands: WINDOW_COMMANDS,
  commandOctets: WINDOW_COMMAND_OCTETS,
  responseOctets: WINDOW_RESPONSE_OCTETS,
  uncheckedRows: CHECK_ROWS,
}

export const ONE_AT_A_TIME: WindowLimits = { ...PIPELINED, commands: 1 }

interface Cost {
  readonly commandOctets: number
  readonly responseOctets: number
}

/**
 * The pipelining window (RFC 2449 section 6.6): arithmetic only. Refilled in bursts, when half of the last filling was
 * answered, so that each write carries many commands.
 */
export class Window {
  readonly #limits: WindowLimits
  readonly #costs: Cost[] = []
  #commandOctets = 0
  #responseOctets = 0
  #filledCommands = 0
  #filledOctets = 0

  constructor(limits: WindowLimits) {
    this.#limits = limits
  }

  get outstanding(): number {
    return this.#costs.length
  }

  /** It is time to fill: half of the commands, or half of the octets, of the last filling were answered. */
  get isLow(): boolean {
    return (
      this.#costs.length * 2 <= this.#filledCommands ||
      this.#responseOctets * 2 <= this.#filledOctets
    )
  }

  /**
   * Takes a command into the window if there is room; a lone one always fits. `listedOctets` is the expected size of
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

  /** A burst is complete: the low mark is measured from here. */
  filled(): void {
    this.#filledCommands = this.#costs.length
    this.#filledOctets = this.#responseOctets
  }

  /** The oldest command was answered in full. */
  answered(): void {
    const cost = this.#costs.shift()
    this.#commandOctets -= cost?.commandOctets ?? 0
    this.#responseOctets -= cost?.responseOctets ?? 0
  }
}
