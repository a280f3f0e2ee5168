/** Fewer messages were found in the archive than its catalog knows; mail may be missing from it. */
export class ArchiveDamagedError extends Error {
  override readonly name = 'ArchiveDamagedError'
  readonly code = 'ARCHIVE_DAMAGED'
  /** What to do, for people. */
  readonly hint: string

  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

/** The server enforces a pause between two logins that has not passed. Nothing was sent. */
export class LoginDelayError extends Error {
  override readonly name = 'LoginDelayError'
  readonly code = 'LOGIN_DELAY'
  /** What to do, for people. */
  readonly hint = 'Nothing was sent; the first run after that goes on.'
  /** Ms since the epoch. */
  readonly until: number

  constructor(until: number) {
    super(`the server wants a pause between two logins, until ${new Date(until).toISOString()}`)
    this.until = until
  }
}

/** The run's time is over: what was stored stays, and there is more to come. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
  readonly code = 'DEADLINE'
}

/** Replies did not belong to the commands that they were taken for. */
export class OutOfStepError extends Error {
  override readonly name = 'OutOfStepError'
  readonly code = 'POP3_OUT_OF_STEP'
}

/** The stable code of an error, for the catalog and for scripts. */
export function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return error.code
  }
  return error instanceof DOMException ? 'INTERRUPTED' : 'INTERNAL'
}
