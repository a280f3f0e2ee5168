/**
 * The authorization state (RFC 1939 section 4): from the greeting to a claim that the host can check. No I/O.
 */
import type { ServerAction } from './action.ts'
import type { LoginClaim } from './authentication.ts'
import { parsePlain } from './authentication.ts'
import { splitArguments } from './command-lines.ts'
import type { Personality } from './personality.ts'
import { challenge, err, ok, shown } from './reply.ts'

/** Fewest and most arguments of each command of this state but QUIT and CAPA. PASS takes its rest whole. */
export const AUTHORIZATION_ARGUMENTS: ReadonlyMap<string, readonly [number, number]> = new Map([
  ['user', [1, 1]],
  ['pass', [1, Number.POSITIVE_INFINITY]],
  ['apop', [2, 2]],
  ['auth', [1, 2]],
])

export class Authorization {
  readonly #personality: Personality
  readonly #timestamp: string
  #user: string | undefined
  #isExchanging = false

  constructor(personality: Personality, timestamp: string) {
    this.#personality = personality
    this.#timestamp = timestamp
  }

  /** The next line is a SASL client response, not a command (RFC 5034 section 4). */
  get isExchanging(): boolean {
    return this.#isExchanging
  }

  /** Whether the command is one of this state as it stands: PASS counts only behind USER. */
  knows(keyword: string): boolean {
    return AUTHORIZATION_ARGUMENTS.has(keyword) && (keyword !== 'pass' || this.#user !== undefined)
  }

  /** Performs a command that `knows` and whose arguments have been counted. */
  perform(keyword: string, rest: string | undefined): readonly ServerAction[] {
    const [first = '', second = ''] = splitArguments(rest)
    switch (keyword) {
      case 'user':
        this.#user = first
        return [write(ok(this.#personality.passwordRequired(shown(first))))]
      case 'pass':
        return this.#claim({ type: 'password', user: this.#user ?? '', password: rest ?? '' })
      case 'apop':
        return this.#claim({
          type: 'apop',
          user: first,
          timestamp: this.#timestamp,
          digest: second,
        })
      default:
        return this.#authenticate(first, second)
    }
  }

  /** Takes a client response while `isExchanging`. */
  respond(line: string): readonly ServerAction[] {
    this.#isExchanging = false
    if (line === '*') return [write(err(this.#personality.cancelled()))]
    return this.#plain(line)
  }

  #authenticate(mechanism: string, initial: string): readonly ServerAction[] {
    if (mechanism.toUpperCase() !== 'PLAIN') {
      return [write(err(this.#personality.unknownMechanism()))]
    }
    if (initial !== '') return this.#plain(initial)
    this.#isExchanging = true
    return [write(challenge())]
  }

  #plain(response: string): readonly ServerAction[] {
    const claim = parsePlain(response)
    return claim === undefined ? [write(err(this.#personality.badExchange()))] : this.#claim(claim)
  }

  /** A name serves one attempt: after -ERR the client says USER again, as RFC 1939 section 7 has it. */
  #claim(claim: LoginClaim): readonly ServerAction[] {
    this.#user = undefined
    return [{ type: 'login', claim }]
  }
}

function write(octets: Uint8Array): ServerAction {
  return { type: 'write', octets }
}
