/** What the owner of an account wants done with it. */
export interface Policy {
  /** `afterMs` counts from the time a message was archived; 0 deletes all that is proven stored. */
  readonly delete: 'never' | { readonly afterMs: number }
  /** Whether messages whose file the owner removed from a Maildir are deleted from the server too. */
  readonly deleteRemoved: boolean
  /** At most so many messages are retrieved in this run. */
  readonly maxMessages?: number | undefined
  /** What is retrieved in this run stays within so many octets, as listed; a first message always is retrieved. */
  readonly limitOctets?: number | undefined
}

/** Retrieve everything, delete nothing. */
export const KEEP_ALL: Policy = { delete: 'never', deleteRemoved: false }
