/**
 * Where a POP3 server takes its messages from: memory, an archive, or whatever a test needs.
 */

/** One message of an open maildrop. Its place in `messages` is its message number minus one. */
export interface MaildropMessage {
  /** Exact count of what `read` yields; LIST, STAT and RETR announce it (RFC 1939 section 11). */
  readonly octets: number
  /** 1 to 70 octets of 0x21 to 0x7E (RFC 1939 section 7), the same in every session. */
  readonly uniqueId: string
  /** Retrieved in a session that ended in the update state. LAST reports the highest such message. */
  readonly accessed: boolean
  /**
   * The octets from the beginning, byte-stuffing not applied, line ends CRLF. A view handed out must not change
   * afterwards: it may wait for the socket.
   */
  read(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

/** A snapshot of a maildrop, held by one session. Order of effects: `commit` at most once, then `release`. */
export interface OpenMaildrop {
  readonly messages: readonly MaildropMessage[]
  /**
   * The update state: removes `deleted` and keeps the mark of `accessed`, which lists every accessed message that
   * stays. A rejection means that some deleted messages were not removed.
   */
  commit(deleted: readonly MaildropMessage[], accessed: readonly MaildropMessage[]): Promise<void>
  /** The session is over, with or without commit. Must not throw. */
  release(): void
}

export interface MaildropSource {
  /** Called by one session at a time; the server holds the lock (RFC 1939 section 4). */
  open(): Promise<OpenMaildrop>
}

/** Who may open which maildrop. The secret serves PASS, APOP and AUTH PLAIN alike. */
export interface MaildropAccount {
  readonly user: string
  readonly secret: string
  readonly source: MaildropSource
}
