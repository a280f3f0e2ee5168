/** One account's part of an archive, by what is asked of it: a function names the narrowest of these that it needs. */
import type { SizeModel } from '../size-model.ts'
import type { BoundBy, ReceiptKey, Receipts } from './receipt.ts'

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

/** At another host or for another user; or only at another port, or under another name where a port may be a tunnel to anywhere. */
export type Move = 'host' | 'port'

/** What planning needs to know of an account; all that a dry run opens. */
export interface LedgerView {
  readonly account: string
  /** The account stands elsewhere than the catalog knows: receipts prove nothing until resolveMove. */
  readonly moved: Move | undefined
  /** Of the server at the account's present place: while it has moved, what is believed wherever it stands. */
  readonly facts: ServerFacts
  /** All receipts of this account (of its present epoch). */
  receipts(): Promise<Receipts>
  /** Header fingerprints (hex) of the messages that these receipts name. */
  fingerprints(receipts: readonly number[]): Promise<ReadonlyMap<number, string>>
  /** By message. */
  traits(messages: readonly number[]): Promise<ReadonlyMap<number, MessageTraits>>
  /** Receipts whose message came short once, and is to be retrieved once more. */
  shortOnce(): Promise<readonly number[]>
}

/** What is learned of an account's server, for later runs. */
export interface ServerMemory {
  readonly facts: ServerFacts
  learn(facts: Partial<ServerFacts>): Promise<void>
}

/** What a listing showed, by unique-id and by header. */
export interface ListingRecord {
  /**
   * A moved account was recognised (`true`: host, port and user are updated) or is another maildrop (`false`: new epoch).
   * What was known of the former server is forgotten, and what was learned of this one since the opening is kept.
   */
  resolveMove(isSameMaildrop: boolean): Promise<void>
  /** Binds rows to messages without retrieving them. */
  bind(
    bindings: readonly {
      readonly key: ReceiptKey
      readonly message: number
      readonly by: BoundBy
    }[],
  ): Promise<void>
  /** What a complete listing showed; one commit. */
  recordListing(changes: {
    /** "delete sent" and no longer listed. */
    readonly deleted: readonly number[]
    /** "delete sent" and still listed: the deletion did not happen. */
    readonly undeleted: readonly number[]
    readonly absent: readonly number[]
    readonly present: readonly number[]
  }): Promise<void>
  /**
   * These receipts are rows of the present listing: a canonical digest never binds to their messages. Of two that are one message
   * by nothing but that digest, one receipt is taken back, and its row is new to the next session.
   */
  claim(receipts: readonly number[]): Promise<void>
}

/** What is to be said of messages that came short. */
export interface ShortRecord {
  /** What retrieving short messages once more has shown; one commit. */
  judgeShort(judgement: {
    /** Messages that keep the mark `short`. */
    readonly final: readonly number[]
    /** Messages that lose it. */
    readonly whole: readonly number[]
    /** Receipts whose row is another message: they are taken back. The messages stay. */
    readonly superseded: readonly number[]
  }): Promise<void>
}

/** Messages that could not be retrieved. */
export interface QuarantineRecord {
  /** The row could not be retrieved; remembered with reason and attempts. */
  quarantine(key: ReceiptKey, reason: string): Promise<void>
}

/** Stands before every QUIT: servers delete then what is marked, and some, announced or not, what was retrieved. */
export interface ArchivePlace {
  /**
   * Throws code ARCHIVE_IO where a later run would not find what this one stored: the archive was moved, removed or replaced
   * since the opening, or a link in its name leads elsewhere. Costs little.
   */
  requireInPlace(): Promise<void>
}

/** Stands before every DELE and behind it. */
export interface DeletionJournal {
  /** Reads these messages back and hashes them. Returns the digests (hex) of those whose octets are there and right. */
  prove(messages: readonly number[]): Promise<ReadonlyMap<number, string>>
  /** Journals DELEs before they are sent. */
  deleteSent(receipts: readonly number[]): Promise<void>
  /** QUIT followed their DELEs, answered or not: an attempt of each that counts, should a listing show it again. */
  deleteTried(receipts: readonly number[]): Promise<void>
}
