/** How long each phase may take, in ms. */
export interface Timeouts {
  /** Name lookup, TCP, TLS and the greeting together. */
  readonly attempt: number
  /** A reply that the server has at hand: CAPA, USER, NOOP, DELE. */
  readonly command: number
  /** The reply to PASS or AUTH. */
  readonly login: number
  /** The first line of STAT, LIST or UIDL. */
  readonly listing: number
  /** The status line of RETR or TOP. */
  readonly retrieve: number
  /** Between two chunks of one response. The whole of it may take any time above the minimum rate. */
  readonly data: number
  /** The reply to QUIT, where nothing is to be deleted. */
  readonly quit: number
  /** The reply to QUIT behind DELE. */
  readonly update: number
  /** Without a command for so long, NOOP is sent. */
  readonly idle: number
}

export const TIMEOUTS: Timeouts = {
  // Tarpits and reverse lookups hold greetings back for up to a minute.
  attempt: 90_000,
  command: 60_000,
  // Dovecot delays refusals by up to 17 s, and some servers open the maildrop before they answer.
  login: 120_000,
  // A hundred thousand files may have to be looked at first.
  listing: 300_000,
  retrieve: 120_000,
  data: 90_000,
  quit: 15_000,
  // An mbox is rewritten before the reply.
  update: 300_000,
  // Exchange closes after a minute.
  idle: 30_000,
}
