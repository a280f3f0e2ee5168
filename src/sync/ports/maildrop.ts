/** A maildrop to read from. `client/` has the right shape without importing it. */
import type { Capabilities } from '../../pop3/capabilities.ts'
import type { CommandError } from '../../pop3/errors.ts'
import type { DropListing, ListedMessage } from '../../pop3/listing.ts'
import type { Listing } from '../../pop3/listing-join.ts'

/** Receives one message as it leaves the wire, byte-stuffing undone. */
export interface MessageSink {
  /**
   * Takes the next octets. The view is valid only during the call. A returned promise asks the sender to stop reading
   * until it resolves: this is the only back-pressure there is.
   */
  write(octets: Uint8Array): Promise<void> | undefined
  /** The termination octet came: the message is complete. Nothing is durable yet. */
  end(): Promise<void> | undefined
  /** The session ended in the middle, or the message was refused: nothing of it may be kept. */
  abandon(): void
}

/** Decides where the octets of each retrieved message go. */
export interface MessageReceiver {
  /** The server said +OK to RETR of this message; its octets follow. */
  begin(row: ListedMessage): MessageSink
  /** The server said -ERR to RETR of this message; the session goes on. */
  refused(row: ListedMessage, error: CommandError): void
  /** What was answered so far surely belongs to the rows that it was handed over for. */
  inStep(): void
}

/** How QUIT ended: `done` +OK, `refused` -ERR, `lost` no reply. None of them proves a deletion. */
export type QuitOutcome = 'done' | 'refused' | 'lost'

/** One session in the transaction state. Methods are called one at a time. */
export interface MaildropSession {
  /** As announced after login, completed by what was announced before it (RFC 2449 section 5). */
  readonly capabilities: Capabilities
  /** Whether several commands may be outstanding (PIPELINING announced after login, and not known to fail). */
  readonly pipelined: boolean
  stat(): Promise<DropListing>
  /**
   * LIST and UIDL joined by message number (rows that both hold; UIDL is tried even if not announced). `hasUniqueIds`
   * is false where the server has no UIDL. `onRows` hears the number of rows received so far.
   */
  listing(
    onRows?: (rows: number) => void,
  ): Promise<{ readonly rows: Listing; readonly hasUniqueIds: boolean }>
  /** LAST (RFC 1460): the highest message number accessed, or undefined where the server has no LAST. */
  last(): Promise<number | undefined>
  /**
   * TOP n 0 for each row, pipelined where possible: hands over the octets of each header section (at most 1 MiB), or
   * undefined where the server said -ERR. Returns false, having asked for one row at most, if the server has no TOP.
   */
  headers(
    rows: Iterable<ListedMessage>,
    receive: (row: ListedMessage, header: Uint8Array | undefined) => void,
  ): Promise<boolean>
  /** RETR for each row, in that order, within the pipelining window. Throws if the connection cannot go on. */
  retrieve(rows: Iterable<ListedMessage>, receiver: MessageReceiver): Promise<void>
  /** DELE for each row. Returns those that the server accepted; a refused one is only left out. */
  delete(rows: readonly ListedMessage[]): Promise<readonly ListedMessage[]>
  /** QUIT, alone. Never throws; the connection is closed afterwards. */
  quit(): Promise<QuitOutcome>
  /** Closes without QUIT: what was marked for deletion stays on the server (RFC 1939 section 6). */
  close(): void
}

/** A maildrop that can be opened: connect, greeting, login, capabilities. */
export interface Maildrop {
  /**
   * `pipelining: false` keeps to one command at a time whatever the server announces; `window` bounds the commands
   * outstanding, and the messages between two proofs that the session is in step.
   */
  open(
    signal: AbortSignal,
    options: { readonly pipelining: boolean; readonly window?: number | undefined },
  ): Promise<MaildropSession>
}
