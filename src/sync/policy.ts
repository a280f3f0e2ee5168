/** What the owner of an account wants done with it. */
export interface Policy {
  /**
   * `afterMs` counts from the time a message was archived; 0 deletes all that is proven stored. `olderMs` counts from its
   * own date; a message without one that can be believed stays. Where both are given, both must have passed.
   */
  readonly delete: 'never' | { readonly afterMs: number; readonly olderMs?: number | undefined }
  /** The newest so many messages of the maildrop stay, whatever is due. */
  readonly keepLatest?: number | undefined
  /** Messages that are shorter than their server's listing allows are deleted too. */
  readonly deleteShort?: boolean | undefined
  /** What the server kept, though it was deleted several times, is deleted once more. */
  readonly deleteAgain?: boolean | undefined
  /** Whether messages whose file the owner removed from a Maildir are deleted from the server too. */
  readonly deleteRemoved: boolean
  /** At most so many messages are retrieved in this run. */
  readonly maxMessages?: number | undefined
  /** What is retrieved in this run stays within so many octets, as listed; a first message always is retrieved. */
  readonly limitOctets?: number | undefined
  /** Messages that could not be retrieved are tried again in this run, however often they failed. */
  readonly retryQuarantined?: boolean | undefined
  /** False: a session that deleted nothing ends without QUIT, for servers that delete then what was retrieved. */
  readonly quit?: boolean | undefined
  /** What the provider is known for, whatever it announces; what it does is seen. */
  readonly provider?:
    | {
        /** A session lists a part of the maildrop, and the next one others. */
        readonly showsParts: boolean
        /** A setting on its web pages, and not EXPIRE, says what becomes of retrieved messages. */
        readonly keepsBySetting: boolean
      }
    | undefined
}

/** Retrieve everything, delete nothing. */
export const KEEP_ALL: Policy = { delete: 'never', deleteRemoved: false }
