/**
 * What the sync engine needs of the world: a maildrop to read from, an archive to keep the mail in, somebody to tell.
 *
 * The interfaces belong to their user, the engine; `client/` and `archive/` have the right shapes without importing
 * them, and `cli/` joins the two. Everything is asynchronous, since maildrop and archive may live on other machines.
 */
import type { Capabilities } from '../pop3/capabilities.ts'
import type { CommandError } from '../pop3/errors.ts'
import type { DropListing, ListedMessage, UniqueId } from '../pop3/listing.ts'
import type { SizeModel } from './size-model.ts'

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
  ): Promise<{ readonly rows: readonly ListedMessage[]; readonly hasUniqueIds: boolean }>
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

/** Who an account is, as its owner wrote it. `name` is the key; host and user tell a renamed account. */
export interface AccountIdentity {
  readonly name: string
  readonly host: string
  readonly user: string
}

/** What the archive remembers of an account's server between runs. */
export interface ServerFacts {
  /** When a pipelined session went out of step, RFC 3339 UTC; undefined if never. */
  readonly pipeliningFailedAt?: string | undefined
  /** LAST named messages as unread that we had already: it is not asked again. */
  readonly lastMisled?: boolean | undefined
  /** Capability lines as announced after login, for people to read. */
  readonly capabilities?: readonly string[] | undefined
  /** A session lists a part of the maildrop, and the next one others; undefined while nobody knows. */
  readonly showsParts?: boolean | undefined
  /** The pause between two logins that the server was seen to enforce. */
  readonly loginDelaySeconds?: number | undefined
  /** The last login, RFC 3339 UTC; kept only where the server announces or enforces a pause. */
  readonly lastLoginAt?: string | undefined
  /** It was said that this server announces to delete what was retrieved (EXPIRE 0). */
  readonly isExpiryWarned?: boolean | undefined
  /** When a listing last looked as if unique-ids were renumbered, RFC 3339 UTC, to a day. */
  readonly renumberedAt?: string | undefined
  /** How its listed octets compare with those that come; undefined while nobody can tell. */
  readonly sizeModel?: SizeModel | undefined
}

/** States of a receipt. `delete sent`: DELE was about to be sent, and no listing has shown its effect yet. */
export type ReceiptState = 'stored' | 'removed' | 'delete sent' | 'deleted' | 'quarantined'

/** "This unique-id of this account, with this listed size, is that message." */
export interface Receipt {
  readonly id: number
  /** Undefined where the server gave none; such a receipt is matched by octets and fingerprint. */
  readonly uniqueId: UniqueId | undefined
  /** 1 for the first of equal unique-ids in a listing, 2 for the next... */
  readonly occurrence: number
  /** As listed; undefined where the server gave no usable size. */
  readonly octets: number | undefined
  /** Row of the message in the catalog; undefined only if quarantined. */
  readonly message: number | undefined
  /**
   * When the message was first bound to a receipt of this account, under whatever unique-id and size, ms since the epoch; of a
   * quarantined one, when it was last tried.
   */
  readonly boundAt: number
  readonly boundBy: BoundBy | undefined
  readonly state: ReceiptState
  /** The last complete listing did not show it. */
  readonly absent: boolean
  /**
   * Quarantined: how often it was tried. Any other: how often QUIT followed its DELE, and the message stayed as far as
   * anybody knows. Undefined is 0.
   */
  readonly attempts?: number | undefined
}

/** The row of a listing as a receipt will name it. */
export interface ReceiptKey {
  readonly uniqueId: UniqueId | undefined
  readonly occurrence: number
  readonly octets: number | undefined
}

/** How a receipt was bound to its message. */
export type BoundBy = 'digest' | 'canonical' | 'fingerprint' | 'recount'

/** What became of one retrieved message once its commit, and that of its receipt, returned. */
export interface Stored {
  /** Undefined where the session was never shown to be in step: the message is durable, but may be another row's. */
  readonly receipt: number | undefined
  readonly message: number
  /** Octets as they left the wire. */
  readonly octets: number
  /** False if the archive held these octets (or their canonical equal) already. */
  readonly isNew: boolean
  readonly boundBy: BoundBy
  /** It carries the mark `short`, and is to be retrieved once more. */
  readonly isShort: boolean
}

/** Takes one message into the archive. */
export interface IntakeSink extends MessageSink {
  /**
   * With `isShort`, fewer octets came than the listing of the row allows: the message gets the mark `short` in the commit of its
   * receipt, unless it was recognised by its canonical digest and these octets are not kept. Else it loses the mark, but for one
   * that is final.
   */
  end(options?: { readonly isShort: boolean }): Promise<void> | undefined
}

/** An intake of one message: octets go into `sink`; `stored` settles once message and receipt are durable, or by `flush`. */
export interface Intake {
  readonly sink: IntakeSink
  /** Rejects if the commit failed or the message was abandoned. */
  readonly stored: Promise<Stored>
}

/** Facts of one run, for the catalog and the report. */
export interface RunCounts {
  readonly listed: number
  readonly retrieved: number
  readonly stored: number
  /** Of the messages that count as `stored`, as they left the wire. */
  readonly octets: number
  readonly deleted: number
  readonly failed: number
}

/** What the archive knows of a message that matters to its deletion. */
export interface MessageTraits {
  readonly octets: number
  /** By its own Date field, ms since the epoch; undefined where that cannot be believed. */
  readonly date: number | undefined
  /** Ms since the epoch. */
  readonly archivedAt: number
  readonly subject: string | undefined
  /** It ended properly, yet shorter than its server's listing allows. */
  readonly isShort: boolean
}

/** What planning needs to know of an account; all that a dry run opens. */
export interface LedgerView {
  readonly account: string
  /** The catalog knows this account at another host or for another user: its receipts prove nothing until resolveMove. */
  readonly isMoved: boolean
  readonly facts: ServerFacts
  /** All receipts of this account (of its present epoch). */
  receipts(): Promise<readonly Receipt[]>
  /** Header fingerprints (hex) of the messages that these receipts name. */
  fingerprints(receipts: readonly number[]): Promise<ReadonlyMap<number, string>>
  /** By message. */
  traits(messages: readonly number[]): Promise<ReadonlyMap<number, MessageTraits>>
  /** Receipts whose message came short once, and is to be retrieved once more. */
  shortOnce(): Promise<readonly number[]>
}

/** One account's part of an archive, for the length of a run. Its lock is held from opening to `finish`. */
export interface AccountLedger extends LedgerView {
  /** The name under which the catalog knew this account, if it was renamed by this opening. */
  readonly renamedFrom: string | undefined
  /** Maildir: files that vanished since the last run; if `isDamaged`, too many to be their owner's act. */
  readonly vanished: number
  readonly isDamaged: boolean
  /** Maildir: altered or unreadable files that are not in the catalog; 0 where another account of this run tells of them. */
  readonly unfit: number
  /** A moved account was recognised (`true`: host and user are updated) or is another maildrop (`false`: new epoch). */
  resolveMove(isSameMaildrop: boolean): Promise<void>
  /**
   * These receipts are rows of the present listing: a canonical digest never binds to their messages. Of two that are one message
   * by nothing but that digest, one receipt is taken back, and its row is new to the next session.
   */
  claim(receipts: readonly number[]): Promise<void>
  /**
   * Starts the intake of one message. A canonical digest may recognise a message that has no receipt at all (state
   * lost), or, with `byCanonical`, only receipts of this account; never one that is a row of the present listing.
   */
  intake(key: ReceiptKey, options: { readonly byCanonical: boolean }): Intake
  /**
   * All messages that ended so far surely are those of their rows. No receipt is written before this was said of its
   * message: neither a session that goes out of step nor a kill leaves one that is wrong.
   */
  inStep(): void
  /** Commits what ended so far; messages that are not known to be in step stay without receipts. Nothing is pending then. */
  flush(): Promise<void>
  /** Binds rows to messages without retrieving them. */
  bind(
    bindings: readonly {
      readonly key: ReceiptKey
      readonly message: number
      readonly by: BoundBy
    }[],
  ): Promise<void>
  /** What retrieving short messages once more has shown; one commit. */
  judgeShort(judgement: {
    /** Messages that keep the mark `short`. */
    readonly final: readonly number[]
    /** Messages that lose it. */
    readonly whole: readonly number[]
    /** Receipts whose row is another message: they are taken back. The messages stay. */
    readonly superseded: readonly number[]
  }): Promise<void>
  /** The row could not be retrieved; remembered with reason and attempts. */
  quarantine(key: ReceiptKey, reason: string): Promise<void>
  /** What a complete listing showed; one commit. */
  recordListing(changes: {
    /** "delete sent" and no longer listed. */
    readonly deleted: readonly number[]
    /** "delete sent" and still listed: the deletion did not happen. */
    readonly undeleted: readonly number[]
    readonly absent: readonly number[]
    readonly present: readonly number[]
  }): Promise<void>
  /** Reads these messages back and hashes them. Returns the digests (hex) of those whose octets are there and right. */
  prove(messages: readonly number[]): Promise<ReadonlyMap<number, string>>
  /** Journals DELEs before they are sent. */
  deleteSent(receipts: readonly number[]): Promise<void>
  /** QUIT followed their DELEs, answered or not: an attempt of each that counts, should a listing show it again. */
  deleteTried(receipts: readonly number[]): Promise<void>
  learn(facts: Partial<ServerFacts>): Promise<void>
  /** Flushes, records the run and frees the lock. `outcome` is 'done' or an error code. */
  finish(counts: RunCounts, outcome: string): Promise<void>
}

/** An archive open for sync. Shared by the accounts that keep their mail in it. */
export interface Archive {
  /** Takes the account's lock. Throws code ARCHIVE_LOCKED if another run holds it. */
  openAccount(
    identity: AccountIdentity,
    options: {
      /** Names in use in this run: an account is not renamed away from one of them. */
      readonly configured: ReadonlySet<string>
      /** Ends a wait for others of this run that keep mail in other archives. */
      readonly signal?: AbortSignal | undefined
    },
  ): Promise<AccountLedger>
  /**
   * Whether no other run holds the account, or the archive alone, at this moment. A look that costs little and changes
   * nothing; only `openAccount` takes the lock.
   */
  isFree(identity: AccountIdentity): boolean
}

/** Something happened that a person or a script may want to hear. Also the shape of the `--json` events. */
export type SyncEvent =
  | { readonly type: 'connecting'; readonly account: string }
  | {
      readonly type: 'listing'
      readonly account: string
      readonly rows: number
      readonly total: number
    }
  | {
      readonly type: 'plan'
      readonly account: string
      readonly listed: number
      readonly known: number
      /** Messages to retrieve, and their listed octets. */
      readonly retrieve: number
      readonly octets: number
      readonly delete: number
    }
  | { readonly type: 'receiving'; readonly account: string; readonly octets: number }
  | {
      readonly type: 'stored'
      readonly account: string
      readonly octets: number
      readonly isNew: boolean
    }
  | {
      readonly type: 'refused'
      readonly account: string
      readonly messageNumber: number
      readonly uniqueId: string | undefined
      readonly text: string
    }
  | { readonly type: 'deleting'; readonly account: string; readonly messages: number }
  | {
      /** The server accepted its DELE, and `quit` is what it said to QUIT. */
      readonly type: 'deleted'
      readonly account: string
      readonly uniqueId: string | undefined
      /** As listed. */
      readonly octets: number | undefined
      /** Where it is in the archive (hex); undefined where its owner removed it from there. */
      readonly digest: string | undefined
      readonly quit: QuitOutcome
    }
  | {
      readonly type: 'waiting'
      readonly account: string
      /** RFC 3339 UTC. Undefined: nobody knows how long. */
      readonly until: string | undefined
      /**
       * `pause`: the server wants it between two logins. `in use`: another session holds the maildrop. `locked`: another run of
       * popkeep holds the account or its archive; it may end before.
       */
      readonly reason: 'pause' | 'in use' | 'retry' | 'locked'
    }
  | {
      readonly type: 'notice'
      readonly account: string
      readonly code: string
      readonly text: string
      /** To be said also where nobody looks on. */
      readonly isWarning?: boolean | undefined
    }

/** Hears the events of a run. Must not throw and must return at once. */
export type Progress = (event: SyncEvent) => void
