/**
 * Octets that a response must bring within RATE_SPAN_MS of waiting for it. A server, or somebody between, that sends one
 * octet before each timeout would hold a run, and the maildrop's lock, for ever. The slowest modem brings 500 times as
 * much.
 */
export const RATE_OCTETS = 10 * 1024
export const RATE_SPAN_MS = 10 * 60_000

/** Measures only the time spent waiting for the server: neither our own pauses nor those between two responses. */
export class MinimumRate {
  #waitedMs = 0
  #octets = 0

  /** A chunk of a response came after a wait of so many ms. False: too little came in all the last span. */
  allows(octets: number, waitedMs: number): boolean {
    this.#octets += octets
    this.#waitedMs += waitedMs
    if (this.#waitedMs < RATE_SPAN_MS) return true
    if (this.#octets < RATE_OCTETS) return false
    this.#waitedMs = 0
    this.#octets = 0
    return true
  }
}
