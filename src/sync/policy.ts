/** What the owner of an account wants done with it. */
export interface Policy {
  /** `afterMs` counts from the time a message was archived; 0 deletes all that is proven stored. */
  readonly delete: 'never' | { readonly afterMs: number }
  /** Whether messages whose file the owner removed from a Maildir are deleted from the server too. */
  readonly deleteRemoved: boolean
  /** At most so many messages are retrieved in this run. */
  readonly maxMessages?: number | undefined
  /** No retrieval is started once this many octets (as listed) were asked for in this run. */
  readonly limitOctets?: number | undefined
}

/** Retrieve everything, delete nothing. */
export const KEEP_ALL: Policy = { delete: 'never', deleteRemoved: false }
