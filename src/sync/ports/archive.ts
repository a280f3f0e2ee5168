/** An archive to keep the mail in. `archive/` has the right shape without importing it. */
import type { Intakes } from './intake.ts'
import type {
  ArchivePlace,
  DeletionJournal,
  LedgerView,
  ListingRecord,
  QuarantineRecord,
  ServerMemory,
  ShortRecord,
} from './ledger.ts'

/** Who an account is, as its owner wrote it. `name` is the key; host, port and user tell a renamed account. */
export interface AccountIdentity {
  readonly name: string
  readonly host: string
  /** Without: a standard one. */
  readonly port?: number | undefined
  readonly user: string
}

/** What opening an account's part of an archive showed. */
export interface LedgerOpening {
  /** The name under which the catalog knew this account, if it was renamed by this opening. */
  readonly renamedFrom: string | undefined
  /** Maildir: files that vanished since the last run; if `isDamaged`, too many to be their owner's act. */
  readonly vanished: number
  readonly isDamaged: boolean
  /** Maildir: altered or unreadable files that are not in the catalog; 0 where another account of this run tells of them. */
  readonly unfit: number
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

/** One account's part of an archive, for the length of a run. Its lock is held from opening to `finish`. */
export interface AccountLedger
  extends LedgerOpening,
    LedgerView,
    ServerMemory,
    ListingRecord,
    Intakes,
    ShortRecord,
    QuarantineRecord,
    ArchivePlace,
    DeletionJournal {
  /**
   * Flushes, records the run and frees the lock. `outcome` is 'done' or an error code. Of an account that is new to the archive
   * nothing is recorded, unless something was learned or stored of it before: it may be a misspelt one.
   */
  finish(counts: RunCounts, outcome: string): Promise<void>
}

/** An archive open for sync. Shared by the accounts that keep their mail in it. */
export interface Archive {
  /**
   * Takes the account's lock; opens the archive with its first account, and creates it where none is. Throws code ARCHIVE_LOCKED
   * if another run holds the account, or the archive alone; ARCHIVE_VANISHED where an archive was before and is gone,
   * ARCHIVE_CREATE where none can be made; the signal's reason; and what keeps an archive from being written to (ARCHIVE_FOREIGN,
   * ARCHIVE_NEWER, ARCHIVE_DENIED, ARCHIVE_FULL, ARCHIVE_DAMAGED, ARCHIVE_IO).
   */
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
