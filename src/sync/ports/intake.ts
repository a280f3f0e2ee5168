/** How messages come into an archive. */
import type { MessageSink } from './maildrop.ts'
import type { BoundBy, ReceiptKey } from './receipt.ts'

/** What became of one retrieved message once its commit, and that of its receipt, returned. */
export interface Stored {
  /** Undefined where the session was never shown to be in step: the message is durable, but may be another row's. */
  readonly receipt: number | undefined
  readonly message: number
  /** Octets as they left the wire. */
  readonly octets: number
  /** SHA-256 of these octets, hex: as they came in, whatever the archive says of the message. */
  readonly digest: string
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

/** Hears what became of one message, once: behind its commit and that of its receipt, or before `flush` resolves. */
export interface IntakeOutcome {
  stored(stored: Stored): void
  /** The commit failed, or the message was abandoned. */
  failed(error: unknown): void
}

/** Takes in what one account's run retrieves. */
export interface Intakes {
  readonly account: string
  /**
   * Starts the intake of one message. A canonical digest may recognise a message that has no receipt at all (state
   * lost), or, with `byCanonical`, only receipts of this account; never one that is a row of the present listing. `outcome`
   * and the sink are all that is kept for a message: some thousands may wait for their commit.
   */
  intake(
    key: ReceiptKey,
    options: { readonly byCanonical: boolean },
    outcome: IntakeOutcome,
  ): IntakeSink
  /**
   * The messages that ended since the last word surely are those of their rows. No receipt is written before this was said of its
   * message: neither a session that goes out of step nor a kill leaves one that is wrong.
   */
  inStep(): void
  /**
   * Those that ended since the last word may be of other rows, though none behind them is: they stay without receipts.
   */
  inDoubt(): void
  /** Commits what ended so far; messages in doubt, and those that no word came of, stay without receipts. Nothing is pending then. */
  flush(): Promise<void>
}
